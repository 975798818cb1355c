//! How a file is named to a person, the files beside it, and what an error of it means.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::server::error::StoreError;

/// `SQLite` says that what it reads is no sound database: `SQLITE_CORRUPT`, `SQLITE_NOTADB`.
const DAMAGED: [i64; 2] = [11, 26];

/// What an error at opening or looking over a file means.
pub fn failure(path: &Path, error: &sqlx::Error) -> StoreError {
    let (place, reason) = (place(path), error.to_string());
    let is_damaged = primary_code(error).is_some_and(|code| DAMAGED.contains(&code));
    if is_damaged {
        StoreError::Damaged { place, reason }
    } else {
        StoreError::Open { place, reason }
    }
}

/// `SQLITE_FULL`: no space left, or the file is as large as it may be.
pub const FULL: i64 = 13;

/// The code of an error as `SQLite` numbers it, extended where it is.
pub fn extended_code(error: &sqlx::Error) -> Option<i64> {
    error.as_database_error()?.code()?.parse().ok()
}

/// The same without what extends it.
pub fn primary_code(error: &sqlx::Error) -> Option<i64> {
    extended_code(error).map(|code| code & 0xff)
}

/// Makes an empty file for its owner alone, where there is none; `SQLite` takes it for a new one,
/// and gives its log the same rights. By itself it would go by the umask, and most let all read.
/// What the system says against it, it says to `SQLite` again.
pub fn make_private(path: &Path) {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).ok();
}

pub fn place(path: &Path) -> String {
    path.display().to_string()
}

/// Beside a file, the name of a copy that no later one takes: what it is, and the time in
/// milliseconds.
pub fn beside_dated(path: &Path, what: &str) -> PathBuf {
    beside(path, &format!(".{what}-{}", now_ms()))
}

/// Milliseconds since 1970.
pub fn now_ms() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis())
}

/// Where the history of feeds is that belongs to a file of boards: `NAME-samples.db` beside
/// `NAME.db`.
pub fn samples_beside(boards: &Path) -> PathBuf {
    let mut name = boards.file_stem().unwrap_or_default().to_owned();
    name.push("-samples.db");
    boards.with_file_name(name)
}

/// A file of the same name with something behind it.
pub fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}
