//! Lists as lines for people, or as JSON for scripts.

use std::io::{self, Write as _};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

/// A list with its columns named.
pub struct Table {
    names: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// Rows with a cell for each of the names.
    pub fn new(names: &'static [&'static str], rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        let rows = rows.into_iter().collect();
        Self { names, rows }
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
            Value::Null => String::new(),
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

/// A time as `2026-12-03T09:30:00Z`, or `never` where the calendar ends.
pub fn time(at_ms: u64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(at_ms / 1_000));
    // The calendar ends where the year has more than four digits.
    let in_calendar = at.filter(|_| at_ms / 1_000 < 253_402_300_800);
    in_calendar.map_or("never".to_owned(), |at| {
        humantime::format_rfc3339_seconds(at).to_string()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_json_has_their_names() {
        let rows = vec![
            vec![json!("Åsa Öl"), json!("owner")],
            vec![json!("Bo"), json!("viewer")],
        ];
        let table = Table::new(&["user", "role"], rows);
        let lines = "user    role\nÅsa Öl  owner\nBo      viewer\n";
        assert_eq!(table.aligned(), lines);
        let json = r#"[{"role":"owner","user":"Åsa Öl"},{"role":"viewer","user":"Bo"}]"#;
        assert_eq!(table.json(), json);
    }

    #[test]
    fn a_time_past_the_calendar_is_never() {
        assert_eq!(time(1_764_754_200_999), "2025-12-03T09:30:00Z");
        assert_eq!(time(u64::MAX), "never");
    }
}
