//! How accounts are shown.

use driftless_store::server::{AuditRow, Grant, TokenRow, UserRow};
use serde_json::json;

use crate::table::{Table, time};

/// Tokens and share links.
pub fn of_tokens(tokens: &[TokenRow], now_ms: u64) -> Table {
    let row = |token: &TokenRow| {
        vec![
            json!(token.number),
            json!(token.user),
            json!(if token.is_link { "link" } else { "token" }),
            json!(state(token, now_ms)),
            json!(time(token.created_ms)),
            json!(token.expires_ms.map_or("never".to_owned(), time)),
        ]
    };
    let names = &["number", "user", "what", "state", "created", "expires"];
    Table::new(names, tokens.iter().map(row))
}

fn state(token: &TokenRow, now_ms: u64) -> &'static str {
    let is_over = token
        .expires_ms
        .is_some_and(|expires_ms| expires_ms <= now_ms);
    match token.revoked_ms {
        Some(_) => "revoked",
        None if is_over => "expired",
        None => "valid",
    }
}

/// Users.
pub fn of_users(users: &[UserRow]) -> Table {
    let row = |user: &UserRow| {
        vec![
            json!(user.user),
            json!(if user.is_link { "link" } else { "person" }),
            json!(user.tokens),
            json!(time(user.created_ms)),
        ]
    };
    Table::new(
        &["user", "what", "tokens", "created"],
        users.iter().map(row),
    )
}

/// Roles.
pub fn of_grants(grants: &[Grant]) -> Table {
    let row = |grant: &Grant| {
        let (user, board) = (grant.user.as_ref(), grant.board.as_ref());
        vec![
            user.map_or(json!("(everybody)"), |user| json!(user)),
            board.map_or(json!("(every board)"), |board| json!(board)),
            json!(grant.role.name()),
        ]
    };
    Table::new(&["user", "board", "role"], grants.iter().map(row))
}

/// The audit log.
pub fn of_audit(lines: &[AuditRow]) -> Table {
    let row = |line: &AuditRow| {
        vec![
            json!(time(line.time_ms)),
            json!(line.actor),
            json!(line.action),
            json!(line.user),
            json!(line.board),
            json!(line.detail),
        ]
    };
    let names = &["time", "actor", "action", "user", "board", "detail"];
    Table::new(names, lines.iter().map(row))
}
