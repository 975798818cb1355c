//! What is where in the data folder.

use std::path::{Path, PathBuf};

/// The file of the boards.
pub fn boards(folder: &Path) -> PathBuf {
    folder.join("driftless.db")
}
