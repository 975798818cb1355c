//! How accounts are shown: lines for people, JSON for scripts.

use std::io::{self, Write as _};
use std::time::{Duration, UNIX_EPOCH};

use driftless_store::server::{AuditRow, Grant, TokenRow, UserRow};
use serde_json::{Value, json};

const NEVER: &str = "never";
const EVERYBODY: &str = "(everybody)";
const EVERY_BOARD: &str = "(every board)";

/// A list with its columns named.
pub struct Table {
    names: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// Tokens and share links.
    pub fn of_tokens(tokens: &[TokenRow], now_ms: u64) -> Self {
        let row = |token: &TokenRow| {
            vec![
                json!(token.number),
                json!(token.user),
                json!(if token.is_link { "link" } else { "token" }),
                json!(state(token, now_ms)),
                json!(time(token.created_ms)),
                json!(token.expires_ms.map_or(NEVER.to_owned(), time)),
            ]
        };
        Self {
            names: &["number", "user", "what", "state", "created", "expires"],
            rows: tokens.iter().map(row).collect(),
        }
    }

    /// Users.
    pub fn of_users(users: &[UserRow]) -> Self {
        let row = |user: &UserRow| {
            vec![
                json!(user.user),
                json!(if user.is_link { "link" } else { "person" }),
                json!(user.tokens),
                json!(time(user.created_ms)),
            ]
        };
        Self {
            names: &["user", "what", "tokens", "created"],
            rows: users.iter().map(row).collect(),
        }
    }

    /// Roles.
    pub fn of_grants(grants: &[Grant]) -> Self {
        let row = |grant: &Grant| {
            vec![
                grant
                    .user
                    .as_ref()
                    .map_or(json!(EVERYBODY), |user| json!(user)),
                grant
                    .board
                    .as_ref()
                    .map_or(json!(EVERY_BOARD), |board| json!(board)),
                json!(grant.role.name()),
            ]
        };
        Self {
            names: &["user", "board", "role"],
            rows: grants.iter().map(row).collect(),
        }
    }

    /// The audit log.
    pub fn of_audit(lines: &[AuditRow]) -> Self {
        let row = |line: &AuditRow| {
            vec![
                json!(time(line.time_ms)),
                json!(line.actor),
                json!(line.action),
                line.user.as_ref().map_or(json!(""), |user| json!(user)),
                line.board.as_ref().map_or(json!(""), |board| json!(board)),
                json!(line.detail),
            ]
        };
        Self {
            names: &["time", "actor", "action", "user", "board", "detail"],
            rows: lines.iter().map(row).collect(),
        }
    }

    /// Prints it: aligned columns, or a JSON array of objects.
    pub fn print(&self, is_json: bool) -> io::Result<()> {
        let text = if is_json { self.json() } else { self.aligned() };
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.trim_end())
    }

    fn json(&self) -> String {
        let object = |row: &Vec<Value>| {
            let names = self.names.iter().map(|name| (*name).to_owned());
            Value::Object(names.zip(row.iter().cloned()).collect())
        };
        Value::Array(self.rows.iter().map(object).collect()).to_string()
    }

    fn aligned(&self) -> String {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let head = self.names.iter().map(|name| (*name).to_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(text).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.names.len()).map(width).collect();
        let aligned = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths);
            let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            format!("{}\n", line.trim_end())
        };
        lines.iter().map(aligned).collect()
    }
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

/// A time as `2026-12-03T09:30:00Z`.
pub fn time(at_ms: u64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(at_ms / 1_000));
    // The calendar ends where the year has more than four digits.
    let in_calendar = at.filter(|_| at_ms / 1_000 < 253_402_300_800);
    in_calendar.map_or(NEVER.to_owned(), |at| {
        humantime::format_rfc3339_seconds(at).to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_json_has_their_names() {
        let table = Table {
            names: &["user", "role"],
            rows: vec![
                vec![json!("Åsa Öl"), json!("owner")],
                vec![json!("Bo"), json!("viewer")],
            ],
        };
        assert_eq!(
            table.aligned(),
            "user    role\nÅsa Öl  owner\nBo      viewer\n"
        );
        let json = r#"[{"role":"owner","user":"Åsa Öl"},{"role":"viewer","user":"Bo"}]"#;
        assert_eq!(table.json(), json);
    }

    #[test]
    fn a_time_past_the_calendar_is_never() {
        assert_eq!(time(1_764_754_200_999), "2025-12-03T09:30:00Z");
        assert_eq!(time(u64::MAX), "never");
    }
}
