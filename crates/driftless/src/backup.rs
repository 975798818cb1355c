//! `driftless backup` and `driftless restore`.

use std::io::Write as _;
use std::path::Path;

use driftless_store::server::{StoreError, backup, restore};

use crate::cli::{BackupOptions, RestoreOptions};
use crate::data::{self, DataError};

/// Why boards are not copied or put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is no such backup.
    #[error("there is no file {0}; name a backup")]
    NoBackup(String),
    /// There are no boards, or the data folder cannot be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file cannot be used, or not now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no runtime, or nobody to tell.
    #[error("it did not end well: {0}")]
    Io(#[from] std::io::Error),
}

impl BackupError {
    /// 1 for what may go the next time, else 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(StoreError::InUse { .. } | StoreError::Unavailable { .. })
            | Self::Io(_) => 1,
            _ => 2,
        }
    }
}

/// Copies the boards to a file, whether a server runs or not.
pub fn make(options: &BackupOptions) -> Result<(), BackupError> {
    let file = data::existing(&options.folder.data)?;
    let made = data::runtime()?.block_on(backup(&file, &options.file))?;
    let (boards, bytes) = (counted(made.boards), made.bytes);
    let to = shown(&options.file);
    writeln!(std::io::stdout(), "copied to {to}: {boards}, {bytes} bytes")?;
    Ok(())
}

/// Puts a backup in the place of the boards.
pub fn put_back(options: &RestoreOptions) -> Result<(), BackupError> {
    if !options.file.is_file() {
        return Err(BackupError::NoBackup(shown(&options.file)));
    }
    let folder = &options.folder.data;
    data::make(folder)?;
    let file = data::boards(folder);
    let restored = data::runtime()?.block_on(restore(&options.file, &file))?;
    let mut out = std::io::stdout();
    let (boards, from) = (counted(restored.boards), shown(&options.file));
    writeln!(out, "restored from {from}: {boards}")?;
    if let Some(aside) = restored.set_aside {
        writeln!(out, "what was there before is {}", shown(&aside))?;
    }
    let again = "tokens and roles are as they were then: look over `driftless token list`";
    writeln!(out, "{again}")?;
    Ok(())
}

fn counted(boards: u64) -> String {
    match boards {
        1 => "1 board".to_owned(),
        more => format!("{more} boards"),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
