//! One connection to a database, and the two ways in which a browser takes it away.

use std::cell::Cell;
use std::rc::Rc;

use idb::event::VersionChangeEvent;
use idb::{Database, DatabaseEvent, Error, Factory, ObjectStoreParams};
use web_sys::IdbDatabase;

use super::{ROWS, failed, refused};
use crate::replica::ReplicaStoreError;

/// The version of the database's layout, which is apart from the format of its rows.
const LAYOUT: u32 = 1;

/// An open connection.
#[derive(Debug)]
pub(super) struct OpenDatabase {
    database: Database,
    raw: IdbDatabase,
    is_closed: Rc<Cell<bool>>,
}

impl OpenDatabase {
    /// Opens the database; makes it where there is none.
    pub(super) async fn open(name: &str) -> Result<Self, ReplicaStoreError> {
        let factory = Factory::new().map_err(|error| refused(&error))?;
        let mut request = factory
            .open(name, Some(LAYOUT))
            .map_err(|error| failed(&error))?;
        request.on_upgrade_needed(|event| {
            // An error surfaces as a failed open.
            let _ = create_rows(&event);
        });
        // Blocked, it waits: every connection of this build steps aside when asked to.
        let database = request.await.map_err(|error| failed(&error))?;
        Ok(Self::watch(database))
    }

    /// Steps aside when another tab deletes the database or brings a new layout, so that nobody
    /// blocks; and notices when the browser closes the connection.
    fn watch(database: Database) -> Self {
        let raw: IdbDatabase = database.into();
        let mut database = Database::from(raw.clone());
        let is_closed = Rc::new(Cell::new(false));
        let (closing, closed) = (raw.clone(), Rc::clone(&is_closed));
        database.on_version_change(move |_| {
            closing.close();
            closed.set(true);
        });
        let closed = Rc::clone(&is_closed);
        database.on_close(move |_| closed.set(true));
        Self {
            database,
            raw,
            is_closed,
        }
    }

    /// Whether it was taken away.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// The library's view of it.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The browser's own object.
    pub(super) fn raw(&self) -> &IdbDatabase {
        &self.raw
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        self.database.close();
    }
}

fn create_rows(event: &VersionChangeEvent) -> Result<(), Error> {
    let database = event.database()?;
    database.create_object_store(ROWS, ObjectStoreParams::new())?;
    Ok(())
}
