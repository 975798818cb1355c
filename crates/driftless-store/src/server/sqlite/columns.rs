//! Columns to values and back.

use std::collections::HashMap;

use driftless_model::{Check, Cursor, UserId, Version};
use driftless_protocol::durable::from_text;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::server::error::StoreError;

pub fn from_version(version: Version) -> i64 {
    version.0.cast_signed()
}

pub fn from_check(check: Check) -> i64 {
    check.0.cast_signed()
}

/// A number of milliseconds, or of a row, in a table: none lies past what a column can hold.
pub fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn unavailable(error: &sqlx::Error) -> StoreError {
    StoreError::Unavailable {
        reason: error.to_string(),
    }
}

/// Reads the columns of one row. An error names the table's noun and the board.
pub struct Columns<'a> {
    row: &'a SqliteRow,
    what: &'static str,
    board: &'a str,
}

impl<'a> Columns<'a> {
    pub fn new(row: &'a SqliteRow, what: &'static str, board: &'a str) -> Self {
        Self { row, what, board }
    }

    fn corrupt(&self, reason: &impl ToString) -> StoreError {
        StoreError::Corrupt {
            what: self.what,
            board: self.board.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub fn text(&self, index: usize) -> Result<&'a str, StoreError> {
        self.row
            .try_get(index)
            .map_err(|error| self.corrupt(&error))
    }

    pub fn optional_text(&self, index: usize) -> Result<Option<&'a str>, StoreError> {
        self.row
            .try_get(index)
            .map_err(|error| self.corrupt(&error))
    }

    /// A checked name: an id, a path, a user.
    pub fn name<T>(&self, index: usize) -> Result<T, StoreError>
    where
        T: for<'t> TryFrom<&'t str, Error = driftless_model::IdError>,
    {
        T::try_from(self.text(index)?).map_err(|error| self.corrupt(&error))
    }

    pub fn whole(&self, index: usize) -> Result<u64, StoreError> {
        let number: i64 = self
            .row
            .try_get(index)
            .map_err(|error| self.corrupt(&error))?;
        Ok(number.cast_unsigned())
    }

    pub fn optional_version(&self, index: usize) -> Result<Option<Version>, StoreError> {
        let number: Option<i64> = self
            .row
            .try_get(index)
            .map_err(|error| self.corrupt(&error))?;
        Ok(number.map(|number| Version(number.cast_unsigned())))
    }

    /// A version and its check, in two columns.
    pub fn cursor(&self, index: usize) -> Result<Cursor, StoreError> {
        Ok(Cursor {
            version: Version(self.whole(index)?),
            check: Check(self.whole(index + 1)?),
        })
    }

    pub fn id(&self, index: usize) -> Result<u128, StoreError> {
        let bytes: &[u8] = self
            .row
            .try_get(index)
            .map_err(|error| self.corrupt(&error))?;
        let bytes = <[u8; 16]>::try_from(bytes).map_err(|error| self.corrupt(&error))?;
        Ok(u128::from_be_bytes(bytes))
    }

    pub fn json<T: DeserializeOwned>(&self, index: usize) -> Result<T, StoreError> {
        from_text(self.text(index)?).map_err(|error| self.corrupt(&error))
    }

    pub fn optional_json<T: DeserializeOwned>(
        &self,
        index: usize,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(index)?;
        text.map(|text| from_text(text).map_err(|error| self.corrupt(&error)))
            .transpose()
    }
}

/// Users by name: few people write many leaves, so that each name is kept once.
#[derive(Default)]
pub struct Users(HashMap<String, UserId>);

impl Users {
    pub fn read(&mut self, columns: &Columns<'_>, index: usize) -> Result<UserId, StoreError> {
        let text = columns.text(index)?;
        if let Some(user) = self.0.get(text) {
            return Ok(user.clone());
        }
        let user: UserId = columns.name(index)?;
        self.0.insert(text.to_owned(), user.clone());
        Ok(user)
    }
}
