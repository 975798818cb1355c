//! Why a file cannot be opened, and what an error of the library means later on.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ::redb::{DatabaseError, Error};

use crate::replica::ReplicaStoreError;

/// Why a file cannot be a replica's storage. Nothing was written, and nothing is ever deleted.
///
/// ```
/// use driftless_store::replica::{Redb, RedbError};
///
/// # let folder = tempfile::tempdir()?;
/// let file = folder.path().join("letter.txt");
/// std::fs::write(&file, "Dear Bob")?;
/// let error = Redb::open(&file).expect_err("it is a letter");
/// assert!(matches!(error, RedbError::Corrupt { .. }));
/// // What it is no replica of is left as it is.
/// assert_eq!(std::fs::read(&file)?, b"Dear Bob");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedbError {
    /// Somebody else has it open. A file is one client's at a time.
    #[error(
        "{} is in use by another process, or by another client of this one; \
         stop that first, or give this one a file of its own",
        .path.display()
    )]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// It is no such file, or it is damaged.
    #[error(
        "{} cannot be read as a replica: {detail}. It is left as it is: move it away to start \
         anew, and the server gives back what it had applied; edits that were not sent yet are \
         in the moved file only, so keep it, or restore the file from a backup",
        .path.display()
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A newer build wrote it.
    #[error(
        "{} has layout {found}, this build knows {known}; update this build: nothing is lost, and \
         the file is left as it is",
        .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its layout.
        found: u64,
        /// The newest layout that this build knows.
        known: u64,
    },
    /// After an error of the disk, the file that was open is not there any more, or has nothing in
    /// it. None is made in its place: what was stored would be lost without a word.
    #[error(
        "{} is gone, or empty: it was deleted, or its disk is away. Where it comes back, this \
         client goes on by itself; otherwise keep a copy of what its outbox has, and start it \
         again: the server gives back what it had applied",
        .path.display()
    )]
    Gone {
        /// Which file.
        path: PathBuf,
    },
    /// The system has no room for the thread that has the file.
    #[error("there can be no thread for the replica's file: {detail}; end others first")]
    Thread {
        /// What the system said.
        detail: String,
    },
    /// The system does not let it be opened: no such folder, no right, a full disk.
    #[error("{} cannot be opened: {detail}; its folder has to exist and to be writable", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
}

impl RedbError {
    /// What the system said about a file.
    pub(super) fn of_system(path: &Path, error: &std::io::Error) -> Self {
        Self::Open {
            path: path.to_owned(),
            detail: error.to_string(),
        }
    }

    /// What the library said as it opened a file.
    pub(super) fn of_library(path: &Path, error: Error) -> Self {
        let path = path.to_owned();
        match error {
            Error::DatabaseAlreadyOpen => Self::InUse { path },
            Error::Io(error) if !is_unreadable(error.kind()) => Self::of_system(&path, &error),
            error => Self::Corrupt {
                path,
                detail: error.to_string(),
            },
        }
    }
}

/// The library says so of a file that is none of its own, or that ends too early.
fn is_unreadable(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}

impl From<RedbError> for ReplicaStoreError {
    fn from(error: RedbError) -> Self {
        let detail = error.to_string();
        match error {
            RedbError::Corrupt { .. } => Self::Corrupt { detail },
            RedbError::Newer { .. } => Self::Newer { detail },
            RedbError::InUse { .. }
            | RedbError::Open { .. }
            | RedbError::Gone { .. }
            | RedbError::Thread { .. } => Self::Failed { detail },
        }
    }
}

/// What an error of a file that was open means.
pub(super) fn failure(error: Error) -> ReplicaStoreError {
    let detail = error.to_string();
    match error {
        Error::Io(error) if is_full(error.kind()) => ReplicaStoreError::Full { detail },
        Error::Io(error) if is_unreadable(error.kind()) => ReplicaStoreError::Corrupt { detail },
        Error::Corrupted(_) => ReplicaStoreError::Corrupt {
            detail: format!("the replica's file is damaged: {detail}; restore it from a backup"),
        },
        _ => ReplicaStoreError::Failed { detail },
    }
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// The library has an error type for each of its operations; one is enough here.
pub(super) fn any(error: impl Into<Error>) -> Error {
    error.into()
}

/// As [`any`], for what opening says.
pub(super) fn opening(path: &Path) -> impl Fn(DatabaseError) -> RedbError {
    move |error| RedbError::of_library(path, error.into())
}
