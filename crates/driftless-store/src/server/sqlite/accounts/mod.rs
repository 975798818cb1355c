//! Users, tokens, roles and what was done about them, in the file of the boards.

mod rows;
mod change;
mod deletion;

use std::path::Path;
use std::sync::Arc;

use driftless_model::{BoardId, Role, UserId};
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::server::account::{
    AccountError, AuditRow, Grant, Holder, NewToken, TokenHash, TokenRow, UserRow,
};
use crate::server::sqlite::SqliteBoards;
use crate::server::sqlite::accounts::change::{Change, failed};
use crate::server::sqlite::accounts::rows::{Answer, or_all};
use crate::server::sqlite::columns::{stored, unavailable};
use crate::server::sqlite::connection::open_to_read;
use crate::server::sqlite::lock::Lock;
use crate::server::sqlite::sweep::{Rest, Sweep};

/// Whether there ever was a token.
const ARE_IN_USE: &str = "SELECT EXISTS (SELECT 1 FROM tokens)";

/// Asks for tokens as [`rows::token`] reads them: which, or in what order.
macro_rules! tokens {
    ($which:literal) => {
        concat!(
            "SELECT token, tokens.user, is_link, tokens.created_ms, expires_ms, revoked_ms
             FROM tokens JOIN users ON users.user = tokens.user ",
            $which
        )
    };
}

/// Who may sign in and what they may do. Clones share the connections. Any number of processes may
/// read and write, a running server among them: each change is one transaction, and with it goes
/// the line of the audit log by which others find out.
#[derive(Debug, Clone)]
pub struct Accounts {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Nobody puts another file in its place as long as it is used.
    _lock: Arc<Lock>,
}

impl SqliteBoards {
    /// Who may sign in and what they may do.
    pub fn accounts(&self) -> Accounts {
        Accounts {
            writer: self.writer.clone(),
            readers: self.readers.clone(),
            _lock: self.lock.clone(),
        }
    }
}

impl Accounts {
    /// Those of a file, without a look at every page of it. An older file is brought up to date,
    /// a missing one is made.
    pub async fn open(path: impl AsRef<Path>) -> Answer<Self> {
        let boards = SqliteBoards::options().unchecked().open(path).await?;
        Ok(boards.accounts())
    }

    /// Whether there ever was a token. From the first one on whoever has none is a stranger.
    pub async fn are_in_use(&self) -> Answer<bool> {
        let query = sqlx::query(ARE_IN_USE);
        let row = query.fetch_one(&self.readers).await;
        let row = row.and_then(|row| row.try_get(0));
        row.map_err(|error| unavailable(&error))
    }

    /// The token with this hash.
    pub async fn token(&self, hash: &TokenHash) -> Answer<Option<TokenRow>> {
        let query = sqlx::query(tokens!("WHERE hash = ?"));
        let row = query.bind(hash.as_slice());
        let row = row.fetch_optional(&self.readers).await;
        let row = row.map_err(|error| unavailable(&error))?;
        row.as_ref().map(rows::token).transpose()
    }

    /// The token of this number.
    pub async fn token_numbered(&self, number: u64) -> Answer<Option<TokenRow>> {
        let query = sqlx::query(tokens!("WHERE token = ?"));
        let row = query.bind(stored(number));
        let row = row.fetch_optional(&self.readers).await;
        let row = row.map_err(|error| unavailable(&error))?;
        row.as_ref().map(rows::token).transpose()
    }

    /// All tokens, oldest first.
    pub async fn tokens(&self) -> Answer<Vec<TokenRow>> {
        self.all(tokens!("ORDER BY token"), rows::token).await
    }

    /// All users and share links, by name.
    pub async fn users(&self) -> Answer<Vec<UserRow>> {
        let query = "SELECT user, is_link, created_ms, (SELECT count(*) FROM tokens
                 WHERE tokens.user = users.user AND revoked_ms IS NULL)
             FROM users ORDER BY user";
        self.all(query, rows::user).await
    }

    /// All roles that were given, by user and board.
    pub async fn grants(&self) -> Answer<Vec<Grant>> {
        let query = "SELECT user, board, role FROM grants ORDER BY user, board";
        self.all(query, rows::grant).await
    }

    /// Who has a role on a board, at most `rows_max` of them: those who have it on this board
    /// first, then by name; everybody who signs in comes before others.
    pub async fn holders(&self, board: &BoardId, rows_max: usize) -> Answer<Vec<Holder>> {
        let query = sqlx::query(rows::HOLDERS).bind(board.as_str());
        let found = query.bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
        let found = found.fetch_all(&self.readers).await;
        let found = found.map_err(|error| unavailable(&error))?;
        found.iter().map(rows::holder).collect()
    }

    /// The role that somebody has on a board, by name or for being a link, if there is one.
    pub async fn holder(&self, user: &UserId, board: &BoardId) -> Answer<Option<Holder>> {
        let query = sqlx::query(rows::HOLDER).bind(board.as_str());
        let found = query
            .bind(user.as_str())
            .fetch_optional(&self.readers)
            .await;
        let found = found.map_err(|error| unavailable(&error))?;
        found.as_ref().map(rows::holder).transpose()
    }

    /// The tokens that count at a time, in milliseconds since 1970, of those who have a role on a
    /// board: at most `rows_max`, the newest first.
    pub async fn tokens_on(
        &self,
        board: &BoardId,
        now_ms: u64,
        rows_max: usize,
    ) -> Answer<Vec<TokenRow>> {
        let query = sqlx::query(tokens!(
            "WHERE revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?2)
             AND tokens.user IN (SELECT user FROM grants WHERE board IN (?1, ''))
             ORDER BY token DESC LIMIT ?3"
        ));
        let query = query.bind(board.as_str()).bind(stored(now_ms));
        let found = query.bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
        let found = found.fetch_all(&self.readers).await;
        let found = found.map_err(|error| unavailable(&error))?;
        found.iter().map(rows::token).collect()
    }

    /// What somebody may do on a board.
    pub async fn role(&self, user: &UserId, board: &BoardId) -> Answer<Role> {
        self.role_at(user, Some(board)).await
    }

    /// What somebody may do on a board, or on every board that no role was given on (`None`).
    pub async fn role_at(&self, user: &UserId, board: Option<&BoardId>) -> Answer<Role> {
        let query = sqlx::query(
            "SELECT role FROM grants
             WHERE board IN (?2, '') AND (user = ?1 OR (user = '' AND NOT EXISTS
                 (SELECT 1 FROM users WHERE users.user = ?1 AND is_link)))
             ORDER BY user = '', board = '' LIMIT 1",
        );
        let row = query.bind(user.as_str());
        let row = row.bind(or_all(board.map(BoardId::as_str)));
        let row = row.fetch_optional(&self.readers).await;
        let row = row.map_err(|error| unavailable(&error))?;
        row.map_or(Ok(Role::None), |row| rows::role(&row, 0))
    }

    /// Whether there may be a board that somebody may read.
    pub async fn may_read(&self, user: &UserId) -> Answer<bool> {
        let query = sqlx::query(rows::MAY_READ).bind(user.as_str());
        let row = query.fetch_one(&self.readers).await;
        let row = row.and_then(|row| row.try_get(0));
        row.map_err(|error| unavailable(&error))
    }

    /// The lines of the audit log above a number, oldest first, at most `rows_max` of them.
    pub async fn audit(&self, above: u64, rows_max: u32) -> Answer<Vec<AuditRow>> {
        let query = sqlx::query(
            "SELECT number, time_ms, actor, action, user, board, detail
             FROM audit WHERE number > ? ORDER BY number LIMIT ?",
        );
        let found = query.bind(stored(above)).bind(rows_max);
        let found = found.fetch_all(&self.readers).await;
        let found = found.map_err(|error| unavailable(&error))?;
        found.iter().map(rows::audit).collect()
    }

    /// The number of the newest line of the audit log; 0 where there is none.
    pub async fn audit_end(&self) -> Answer<u64> {
        let query = sqlx::query("SELECT coalesce(max(number), 0) FROM audit");
        let row = query.fetch_one(&self.readers).await;
        let row = row.and_then(|row| row.try_get(0));
        row.map(rows::whole).map_err(|error| unavailable(&error))
    }

    async fn all<T>(
        &self,
        query: &'static str,
        value: impl Fn(&SqliteRow) -> Answer<T>,
    ) -> Answer<Vec<T>> {
        let rows = sqlx::query(query).fetch_all(&self.readers).await;
        let rows = rows.map_err(|error| unavailable(&error))?;
        rows.iter().map(value).collect()
    }

    /// Keeps a token, with its user and their role; its number.
    pub async fn add_token(&self, new: &NewToken, actor: &str) -> Result<u64, AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        let number = change.add_token(new).await?;
        change.commit().await?;
        Ok(number)
    }

    /// Keeps a token with a role on a board for somebody of whom nothing is known yet; its number.
    /// A board may have `ACCESS_TOKENS_PER_BOARD_MAX` of them.
    pub async fn share(
        &self,
        new: &NewToken,
        board: &BoardId,
        actor: &str,
    ) -> Result<u64, AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        let number = change.share(new, board).await?;
        change.commit().await?;
        Ok(number)
    }

    /// Revokes a token: it counts no more, and never again. Says whether it did before.
    pub async fn revoke(&self, number: u64, actor: &str) -> Result<bool, AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        let revoked = change.revoke(number).await?;
        change.commit().await?;
        Ok(revoked)
    }

    /// Gives somebody a role, or everybody who signs in (`None`); on a board, or on every board
    /// (`None`). `Role::None` shuts them out there, whatever everybody else may.
    pub async fn set_role(&self, grant: &Grant, actor: &str) -> Result<(), AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        change.set_role(grant, "").await?;
        change.commit().await
    }

    /// Takes a role back that was given. Says whether there was one.
    pub async fn withdraw_role(
        &self,
        user: Option<&UserId>,
        board: Option<&BoardId>,
        actor: &str,
    ) -> Result<bool, AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        let was_there = change.withdraw_role(user, board).await?;
        change.commit().await?;
        Ok(was_there)
    }

    /// Revokes all tokens of somebody and takes back their roles. A person is shut out on every
    /// board (`Role::None`) until they are given a role again, with a token or without.
    pub async fn remove_user(&self, user: &UserId, actor: &str) -> Result<(), AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        change.remove_user(user).await?;
        change.commit().await
    }

    /// How the audit log calls it that a board was deleted.
    pub const BOARD_DELETED: &str = deletion::DELETED;
    /// How it calls it that the name of one may be used again.
    pub const BOARD_REOPENED: &str = deletion::REOPENED;

    /// Deletes a board: its records, its log, its ledger, the roles on it, and the share links to
    /// it. Nobody reads or edits it from then on, until its name is given free
    /// ([`Accounts::reopen_board`]). Says whether there was one.
    ///
    /// The board is gone at once; what it was made of goes some rows at a time, so that other
    /// boards are written meanwhile, and is gone when this answers. Where it does not get that far,
    /// the next deletion, of this board or another, or the next [`SqliteBoards::open`] goes on.
    pub async fn delete_board(&self, board: &BoardId, actor: &str) -> Result<bool, AccountError> {
        self.delete_and_sweep(board, actor, Sweep::beside_others)
            .await
    }

    pub(super) async fn delete_and_sweep<'a, R: Rest>(
        &'a self,
        board: &BoardId,
        actor: &str,
        sweep: impl FnOnce(&'a SqlitePool) -> Sweep<'a, R>,
    ) -> Result<bool, AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        let was_there = change.delete_board(board).await?;
        change.commit().await?;
        let mut sweep = sweep(&self.writer);
        let was_left = sweep.board(board.as_str()).await.map_err(failed)?;
        sweep.all().await.map_err(failed)?;
        Ok(was_there || was_left)
    }

    /// Gives the name of a deleted board free, once nothing is left of it: who edits it next begins
    /// a new one. Says whether there was a deleted one.
    pub async fn reopen_board(&self, board: &BoardId, actor: &str) -> Result<bool, AccountError> {
        let mut sweep = Sweep::beside_others(&self.writer);
        sweep.board(board.as_str()).await.map_err(failed)?;
        let mut change = Change::begin(&self.writer, actor).await?;
        let was_deleted = change.reopen_board(board).await?;
        change.commit().await?;
        Ok(was_deleted)
    }

    /// Writes lines into the audit log that change nothing, all of them or none. Of those with this
    /// action it keeps the newest (`AUDIT_NOTES_MAX`): who can cause such lines cannot make it
    /// forget the others.
    pub async fn note(
        &self,
        action: &str,
        details: &[String],
        actor: &str,
    ) -> Result<(), AccountError> {
        let mut change = Change::begin(&self.writer, actor).await?;
        for detail in details {
            change.note(action, None, None, detail).await?;
        }
        change.forget_notes(action).await?;
        change.commit().await
    }

    /// Closes the connections, once what is under way is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whether a file has ever had a token; it is not touched. What is no file of boards, or an older
/// one, has none.
pub async fn are_in_use(path: &Path) -> bool {
    let Ok(mut connection) = open_to_read(path).await else {
        return false;
    };
    let query = sqlx::query(ARE_IN_USE);
    let row = query.fetch_one(&mut connection).await;
    row.and_then(|row| row.try_get(0)).unwrap_or(false)
}

#[cfg(test)]
mod tests;
