//! A whole database as of one moment, in a file of its own.

use std::fs;
use std::io;
use std::path::Path;

use sqlx::sqlite::SqliteConnection;

use crate::server::error::StoreError;
use crate::server::sqlite::place::{FULL, beside, failure, make_private, place, primary_code};

/// Copies the database that a connection has open to `to`, in place of what is there: compact,
/// synced, and under its name only once it is whole. Others may go on writing meanwhile.
pub async fn copy(
    connection: &mut SqliteConnection,
    from: &Path,
    to: &Path,
) -> Result<(), StoreError> {
    let part = beside(to, ".part");
    part_of(connection, from, &part).await?;
    settle(&part, to).map_err(|error| StoreError::Copy {
        from: place(from),
        to: place(to),
        reason: error.to_string(),
    })
}

/// The same, to a file that is not done yet: it is neither synced nor under its name.
pub async fn part_of(
    connection: &mut SqliteConnection,
    from: &Path,
    part: &Path,
) -> Result<(), StoreError> {
    let failed = |reason: String| StoreError::Copy {
        from: place(from),
        to: place(part),
        reason,
    };
    remove(part).map_err(|error| failed(error.to_string()))?;
    let name = part.to_str();
    let name = name.ok_or_else(|| failed("its name is no text".to_owned()))?;
    make_private(part);
    let copied = sqlx::query("VACUUM INTO ?").bind(name);
    if let Err(error) = copied.execute(connection).await {
        remove(part).ok();
        // A page that cannot be read is no trouble with the copy.
        return Err(match failure(from, &error) {
            damaged @ StoreError::Damaged { .. } => damaged,
            _ if primary_code(&error) == Some(FULL) => failed("the disk is full".to_owned()),
            _ => failed(error.to_string()),
        });
    }
    Ok(())
}

/// Gives a finished file its name, durably.
pub fn settle(part: &Path, to: &Path) -> io::Result<()> {
    fs::File::open(part)?.sync_all()?;
    fs::rename(part, to)?;
    sync_folder(to)
}

/// Makes the names in a file's folder durable.
pub fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Windows knows no such thing, and needs none.
    if cfg!(unix) {
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
