//! What is where in the data folder.

use std::io;
use std::path::{Path, PathBuf};

use driftless_store::server::samples_beside;

/// The data folder cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {folder} cannot be made: {reason}; choose another with --data")]
pub struct DataError {
    folder: String,
    reason: io::Error,
}

/// The file of the boards.
pub fn boards(folder: &Path) -> PathBuf {
    folder.join("driftless.db")
}

/// The file of the history of feeds.
pub fn samples(folder: &Path) -> PathBuf {
    samples_beside(&boards(folder))
}

/// Makes the folder where it is missing, for its owner alone.
pub fn make(folder: &Path) -> Result<(), DataError> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.recursive(true).create(folder);
    made.map_err(|reason| DataError {
        folder: folder.display().to_string(),
        reason,
    })
}
