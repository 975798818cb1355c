//! The data folder: how it is named, what is where in it, and how commands wait for its files.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use driftless_store::server::samples_beside;
use tokio::runtime::{Builder, Runtime};

/// Where everything is.
#[derive(Debug, Args)]
pub struct Folder {
    /// The folder of the server, with everything in it: boards, in one `SQLite` file. What writes
    /// to it makes it where it is missing.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "driftless-data",
        env = "DRIFTLESS_DATA"
    )]
    pub data: PathBuf,
}

/// Where everything is, and how to answer.
#[derive(Debug, Args)]
pub struct Common {
    /// Where everything is.
    #[command(flatten)]
    pub folder: Folder,
    /// Answer in JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// It cannot be made.
    #[error("the data folder {folder} cannot be made: {reason}; choose another with --data")]
    Make {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// There is no file of boards in it.
    #[error("there are no boards in {0}; name the folder of the server with --data")]
    Nothing(PathBuf),
}

/// The file of the boards.
pub fn boards(folder: &Path) -> PathBuf {
    folder.join("driftless.db")
}

/// The file of the boards of a folder that has one.
pub fn existing(folder: &Path) -> Result<PathBuf, DataError> {
    let file = boards(folder);
    if file.is_file() {
        Ok(file)
    } else {
        Err(DataError::Nothing(folder.to_owned()))
    }
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
    made.map_err(|reason| DataError::Make {
        folder: folder.to_owned(),
        reason,
    })
}

/// Runs what a command waits for, on its own thread. `serve` has threads of its own.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
