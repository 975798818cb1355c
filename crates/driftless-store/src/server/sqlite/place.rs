//! How a file is named to a person.

use std::path::Path;

use crate::server::error::StoreError;

pub fn open_error(path: &Path, error: &sqlx::Error) -> StoreError {
    StoreError::Open {
        place: place(path),
        reason: error.to_string(),
    }
}

pub fn place(path: &Path) -> String {
    path.display().to_string()
}
