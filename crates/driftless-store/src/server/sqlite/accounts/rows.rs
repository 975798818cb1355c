//! Rows of the accounts' tables to values and back.

use driftless_model::{BoardId, IdError, Role, UserId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::server::account::{AuditRow, Grant, Holder, TokenRow, UserRow};
use crate::server::error::StoreError;
use crate::server::sqlite::columns::unavailable;

/// Whether a user (`?1`) may read some board, by the roles that were given: by one of their own, or
/// by one for everybody that no role of their own goes before.
pub const MAY_READ: &str = "SELECT EXISTS (
        SELECT 1 FROM grants AS given WHERE role != 'none' AND (user = ?1 OR (user = ''
            AND NOT EXISTS (SELECT 1 FROM grants AS own
                WHERE own.user = ?1 AND own.board IN (given.board, ''))
            AND NOT EXISTS (SELECT 1 FROM users WHERE users.user = ?1 AND is_link))))";

/// Asks for those who have a role on a board (`?1`) as [`holder`] reads them, by one on it before
/// one on every board: which, and in what order.
macro_rules! holders {
    ($which:literal) => {
        concat!(
            "SELECT given.user, given.board, given.role,
                 EXISTS (SELECT 1 FROM users WHERE users.user = given.user AND is_link),
                 EXISTS (SELECT 1 FROM grants AS other
                     WHERE other.user = given.user AND other.board != ?1)
             FROM grants AS given WHERE (given.board = ?1 OR (given.board = '' AND NOT EXISTS
                 (SELECT 1 FROM grants AS own WHERE own.user = given.user AND own.board = ?1))) ",
            $which
        )
    };
}

/// All of them, at most `?2`.
pub const HOLDERS: &str = holders!("ORDER BY given.board = '', given.user LIMIT ?2");

/// One user (`?2`).
pub const HOLDER: &str = holders!("AND given.user = ?2");

/// How "everybody" and "every board" stand in a table: no id is empty.
pub const ALL: &str = "";

pub type Answer<T> = Result<T, StoreError>;

/// A user or a board, or all of them.
pub fn or_all(id: Option<&str>) -> &str {
    id.unwrap_or(ALL)
}

fn unreadable(what: &'static str, reason: &impl ToString) -> StoreError {
    StoreError::Unavailable {
        reason: format!("a stored {what} cannot be read: {}", reason.to_string()),
    }
}

/// A number of milliseconds, or of a row.
pub fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn number(row: &SqliteRow, index: usize) -> Answer<u64> {
    let number = row.try_get(index).map_err(|error| unavailable(&error))?;
    Ok(whole(number))
}

fn optional(row: &SqliteRow, index: usize) -> Answer<Option<u64>> {
    let number: Option<i64> = row.try_get(index).map_err(|error| unavailable(&error))?;
    Ok(number.map(whole))
}

pub fn text(row: &SqliteRow, index: usize) -> Answer<&str> {
    row.try_get(index).map_err(|error| unavailable(&error))
}

fn flag(row: &SqliteRow, index: usize) -> Answer<bool> {
    row.try_get(index).map_err(|error| unavailable(&error))
}

fn id<T>(row: &SqliteRow, index: usize) -> Answer<T>
where
    T: for<'t> TryFrom<&'t str, Error = IdError>,
{
    T::try_from(text(row, index)?).map_err(|error| unreadable("name", &error))
}

fn id_or_all<T>(row: &SqliteRow, index: usize) -> Answer<Option<T>>
where
    T: for<'t> TryFrom<&'t str, Error = IdError>,
{
    if text(row, index)? == ALL {
        return Ok(None);
    }
    id(row, index).map(Some)
}

pub fn role(row: &SqliteRow, index: usize) -> Answer<Role> {
    let role = text(row, index)?.parse::<Role>();
    role.map_err(|error| unreadable("role", &error))
}

/// `token, user, is_link, created_ms, expires_ms, revoked_ms`.
pub fn token(row: &SqliteRow) -> Answer<TokenRow> {
    Ok(TokenRow {
        number: number(row, 0)?,
        user: id::<UserId>(row, 1)?,
        is_link: flag(row, 2)?,
        created_ms: number(row, 3)?,
        expires_ms: optional(row, 4)?,
        revoked_ms: optional(row, 5)?,
    })
}

/// `user, is_link, created_ms, tokens`.
pub fn user(row: &SqliteRow) -> Answer<UserRow> {
    Ok(UserRow {
        user: id(row, 0)?,
        is_link: flag(row, 1)?,
        created_ms: number(row, 2)?,
        tokens: number(row, 3)?,
    })
}

/// `user, board, role`.
pub fn grant(row: &SqliteRow) -> Answer<Grant> {
    Ok(Grant {
        user: id_or_all(row, 0)?,
        board: id_or_all::<BoardId>(row, 1)?,
        role: role(row, 2)?,
    })
}

/// `user, board, role, is_link, is_elsewhere`.
pub fn holder(row: &SqliteRow) -> Answer<Holder> {
    Ok(Holder {
        grant: grant(row)?,
        is_link: flag(row, 3)?,
        is_elsewhere: flag(row, 4)?,
    })
}

/// `number, time_ms, actor, action, user, board, detail`.
pub fn audit(row: &SqliteRow) -> Answer<AuditRow> {
    Ok(AuditRow {
        number: number(row, 0)?,
        time_ms: number(row, 1)?,
        actor: text(row, 2)?.to_owned(),
        action: text(row, 3)?.to_owned(),
        user: id_or_all(row, 4)?,
        board: id_or_all(row, 5)?,
        detail: text(row, 6)?.to_owned(),
    })
}
