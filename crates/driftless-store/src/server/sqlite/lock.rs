//! Who uses a file: servers share it, a restore and a migration have it alone.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::server::error::StoreError;
use crate::server::sqlite::place::{beside, place};

/// A lock on the file `NAME-lock` beside the boards, until it is dropped or the process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Shares the file with other servers.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let lock = Self::open(path)?;
        let locked = lock.file.try_lock_shared();
        verdict(path, locked)?;
        Ok(lock)
    }

    /// Has the file alone.
    pub fn take_alone(path: &Path) -> Result<Self, StoreError> {
        let lock = Self::open(path)?;
        lock.exclusive(path)?;
        Ok(lock)
    }

    fn open(path: &Path) -> Result<Self, StoreError> {
        let mut options = File::options();
        let opened = options.create(true).append(true);
        let opened = opened.open(beside(path, "-lock"));
        let file = opened.map_err(|error| StoreError::Open {
            place: place(path),
            reason: error.to_string(),
        })?;
        Ok(Self { file })
    }

    /// From here on alone.
    pub fn exclusive(&self, path: &Path) -> Result<(), StoreError> {
        verdict(path, self.file.try_lock())
    }

    /// From here on shared again.
    pub fn shared(&self, path: &Path) -> Result<(), StoreError> {
        verdict(path, self.file.try_lock_shared())
    }
}

fn verdict(path: &Path, locked: Result<(), TryLockError>) -> Result<(), StoreError> {
    let place = place(path);
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { place }),
        Err(TryLockError::Error(error)) => Err(StoreError::Open {
            place,
            reason: format!("it cannot be locked: {error}"),
        }),
    }
}
