//! One change of accounts: a transaction, and its lines of the audit log.

use driftless_model::{BoardId, Role, UserId, limits};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Row as _, Sqlite, Transaction};

use crate::server::account::{AccountError, Grant, NewToken};
use crate::server::sqlite::accounts::rows::{self, or_all};
use crate::server::sqlite::columns::{stored, unavailable};
use crate::server::sqlite::place::now_ms;

/// Tokens that were made since then count towards what a board may have, revoked or not: whoever
/// makes and revokes does not go on for ever.
const DAY_MS: i64 = 86_400_000;

/// A change under way; dropped without [`Change::commit`] it never was.
pub struct Change<'a> {
    transaction: Transaction<'a, Sqlite>,
    actor: &'a str,
    now_ms: i64,
}

type Done<T = ()> = Result<T, AccountError>;

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
pub fn failed(error: sqlx::Error) -> AccountError {
    AccountError::Store(unavailable(&error))
}

impl<'a> Change<'a> {
    /// Begins; whoever else wants to write waits.
    pub async fn begin(writer: &SqlitePool, actor: &'a str) -> Done<Self> {
        let begun = writer.begin_with("BEGIN IMMEDIATE").await;
        Ok(Self {
            transaction: begun.map_err(failed)?,
            actor,
            now_ms: i64::try_from(now_ms()).unwrap_or(i64::MAX),
        })
    }

    /// Ends it, and forgets the oldest lines of the audit log: once, since finding them goes over
    /// all of it while everybody who writes waits.
    pub async fn commit(mut self) -> Done {
        // Not by the newest number: where strangers' lines were forgotten, numbers are missing.
        let delete = sqlx::query(
            "DELETE FROM audit WHERE number <= (
                 SELECT number FROM audit ORDER BY number DESC LIMIT 1 OFFSET ?)",
        );
        let kept = i64::try_from(limits::AUDIT_ROWS_MAX).unwrap_or(i64::MAX);
        let deleted = delete.bind(kept).execute(self.connection()).await;
        deleted.map_err(failed)?;
        self.transaction.commit().await.map_err(failed)
    }

    /// When it happens, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Keeps a token and makes its user where there is none.
    pub async fn add_token(&mut self, new: &NewToken) -> Done<u64> {
        self.make_user(&new.user, new.is_link).await?;
        if let Some((board, role)) = &new.role {
            self.give_once(&new.user, board.as_ref(), *role).await?;
        } else if !self.has_role(&new.user).await? {
            return Err(AccountError::NoRole(new.user.to_string()));
        }
        let insert = sqlx::query(
            "INSERT INTO tokens (hash, user, created_ms, expires_ms) VALUES (?, ?, ?, ?)",
        );
        let insert = insert.bind(new.hash.as_slice()).bind(new.user.as_str());
        let insert = insert.bind(self.now_ms).bind(new.expires_ms.map(stored));
        let inserted = insert.execute(self.connection()).await.map_err(failed)?;
        let number = rows::whole(inserted.last_insert_rowid());
        let what = if new.is_link { "share link" } else { "token" };
        let detail = format!("{what} {number}");
        self.note("token created", Some(&new.user), None, &detail)
            .await?;
        Ok(number)
    }

    /// Keeps a token with a role on a board, as [`Change::add_token`] does: for somebody of whom
    /// nothing is known yet, and as long as the board has few enough.
    pub async fn share(&mut self, new: &NewToken, board: &BoardId) -> Done<u64> {
        let count = sqlx::query(
            "SELECT count(*) FROM tokens WHERE (created_ms > ?2
                 OR (revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?3)))
             AND user IN (SELECT user FROM grants WHERE board = ?1)",
        );
        let count = count.bind(board.as_str()).bind(self.now_ms - DAY_MS);
        let count = count.bind(self.now_ms).fetch_one(self.connection()).await;
        let count: i64 = count.and_then(|row| row.try_get(0)).map_err(failed)?;
        let most = limits::ACCESS_TOKENS_PER_BOARD_MAX;
        if usize::try_from(count).is_ok_and(|count| count >= most) {
            let board = board.to_string();
            return Err(AccountError::TooMany { board, most });
        }
        if self.is_known(&new.user).await? {
            let what = "somebody who has a role or a token";
            return Err(AccountError::Taken(new.user.to_string(), what));
        }
        self.add_token(new).await
    }

    async fn make_user(&mut self, user: &UserId, is_link: bool) -> Done {
        let known = sqlx::query("SELECT is_link FROM users WHERE user = ?").bind(user.as_str());
        let known = known.fetch_optional(self.connection()).await;
        if let Some(row) = known.map_err(failed)? {
            let was_link: bool = row.try_get(0).map_err(failed)?;
            return match (was_link, is_link) {
                (false, false) => Ok(()),
                (false, true) => Err(AccountError::Taken(user.to_string(), "a person")),
                (true, _) => Err(AccountError::Taken(user.to_string(), "a share link")),
            };
        }
        let insert = sqlx::query("INSERT INTO users (user, is_link, created_ms) VALUES (?, ?, ?)");
        let insert = insert.bind(user.as_str()).bind(is_link).bind(self.now_ms);
        insert.execute(self.connection()).await.map_err(failed)?;
        Ok(())
    }

    /// Gives a role, unless another one was given there. Whoever was shut out is let in again.
    async fn give_once(&mut self, user: &UserId, board: Option<&BoardId>, role: Role) -> Done {
        let query = sqlx::query("SELECT role FROM grants WHERE user = ? AND board = ?");
        let query = query.bind(user.as_str());
        let query = query.bind(or_all(board.map(BoardId::as_str)));
        let row = query.fetch_optional(self.connection()).await;
        if let Some(row) = row.map_err(failed)? {
            let given = rows::role(&row, 0)?;
            if given == role {
                return Ok(());
            }
            if given != Role::None {
                let user = user.to_string();
                return Err(AccountError::OtherRole { user, role: given });
            }
        }
        let grant = Grant {
            user: Some(user.clone()),
            board: board.cloned(),
            role,
        };
        self.set_role(&grant, "with a token").await
    }

    /// Whether there is a board that they may read.
    async fn has_role(&mut self, user: &UserId) -> Done<bool> {
        let query = sqlx::query(rows::MAY_READ).bind(user.as_str());
        let row = query.fetch_one(self.connection()).await;
        row.and_then(|row| row.try_get(0)).map_err(failed)
    }

    pub async fn set_role(&mut self, grant: &Grant, detail: &str) -> Done {
        let (user, board) = (grant.user.as_ref(), grant.board.as_ref());
        let insert = sqlx::query(
            "INSERT INTO grants (user, board, role) VALUES (?, ?, ?)
             ON CONFLICT (user, board) DO UPDATE SET role = excluded.role",
        );
        let insert = insert.bind(or_all(user.map(UserId::as_str)));
        let insert = insert.bind(or_all(board.map(BoardId::as_str)));
        let insert = insert.bind(grant.role.name());
        insert.execute(self.connection()).await.map_err(failed)?;
        let detail = format!("{} {detail}", grant.role);
        self.note("role set", user, board, detail.trim_end()).await
    }

    pub async fn withdraw_role(
        &mut self,
        user: Option<&UserId>,
        board: Option<&BoardId>,
    ) -> Done<bool> {
        let delete = sqlx::query("DELETE FROM grants WHERE user = ? AND board = ?");
        let delete = delete.bind(or_all(user.map(UserId::as_str)));
        let delete = delete.bind(or_all(board.map(BoardId::as_str)));
        let deleted = delete.execute(self.connection()).await.map_err(failed)?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        self.note("role withdrawn", user, board, "").await?;
        Ok(true)
    }

    pub async fn revoke(&mut self, number: u64) -> Done<bool> {
        let query = sqlx::query("SELECT user, revoked_ms IS NULL FROM tokens WHERE token = ?");
        let query = query.bind(stored(number));
        let row = query.fetch_optional(self.connection()).await;
        let row = row.map_err(failed)?.ok_or(AccountError::NoToken(number))?;
        let user = UserId::new(rows::text(&row, 0)?);
        let user = user.map_err(|_| AccountError::NoToken(number))?;
        if !row.try_get::<bool, _>(1).map_err(failed)? {
            return Ok(false);
        }
        let update = sqlx::query("UPDATE tokens SET revoked_ms = ? WHERE token = ?");
        let update = update.bind(self.now_ms).bind(stored(number));
        update.execute(self.connection()).await.map_err(failed)?;
        let detail = format!("token {number}");
        self.note("token revoked", Some(&user), None, &detail)
            .await?;
        Ok(true)
    }

    /// Whether they were ever given a token or a role.
    async fn is_known(&mut self, user: &UserId) -> Done<bool> {
        let known = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM users WHERE user = ?1)
             OR EXISTS (SELECT 1 FROM grants WHERE user = ?1)",
        );
        let known = known.bind(user.as_str()).fetch_one(self.connection()).await;
        known.and_then(|row| row.try_get(0)).map_err(failed)
    }

    /// Whoever signs in elsewhere can still do so: a person is shut out from now on, else the roles
    /// for everybody would be theirs.
    pub async fn remove_user(&mut self, user: &UserId) -> Done {
        if !self.is_known(user).await? {
            return Err(AccountError::NoUser(user.to_string()));
        }
        let revoke =
            sqlx::query("UPDATE tokens SET revoked_ms = ? WHERE user = ? AND revoked_ms IS NULL");
        let revoke = revoke.bind(self.now_ms).bind(user.as_str());
        revoke.execute(self.connection()).await.map_err(failed)?;
        let take_back = sqlx::query("DELETE FROM grants WHERE user = ?").bind(user.as_str());
        take_back.execute(self.connection()).await.map_err(failed)?;
        let shut_out = sqlx::query(
            "INSERT INTO grants (user, board, role) SELECT ?1, '', ?2
             WHERE NOT EXISTS (SELECT 1 FROM users WHERE user = ?1 AND is_link)",
        );
        let shut_out = shut_out.bind(user.as_str()).bind(Role::None.name());
        shut_out.execute(self.connection()).await.map_err(failed)?;
        self.note("user removed", Some(user), None, "").await
    }

    /// Writes a line into the audit log.
    pub async fn note(
        &mut self,
        action: &str,
        user: Option<&UserId>,
        board: Option<&BoardId>,
        detail: &str,
    ) -> Done {
        let insert = sqlx::query(
            "INSERT INTO audit (time_ms, actor, action, user, board, detail)
             VALUES (?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(self.now_ms).bind(self.actor).bind(action);
        let insert = insert.bind(or_all(user.map(UserId::as_str)));
        let insert = insert.bind(or_all(board.map(BoardId::as_str)));
        let detail = &detail[..detail.floor_char_boundary(limits::AUDIT_DETAIL_BYTES_MAX)];
        let inserted = insert.bind(detail).execute(self.connection()).await;
        inserted.map_err(failed)?;
        Ok(())
    }

    /// Forgets the oldest lines of an action that changes nothing.
    pub async fn forget_notes(&mut self, action: &str) -> Done {
        let delete = sqlx::query(
            "DELETE FROM audit WHERE action = ?1 AND number <= (
                 SELECT number FROM audit WHERE action = ?1
                 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        );
        let kept = i64::try_from(limits::AUDIT_NOTES_MAX).unwrap_or(i64::MAX);
        let delete = delete.bind(action).bind(kept);
        delete.execute(self.connection()).await.map_err(failed)?;
        Ok(())
    }
}
