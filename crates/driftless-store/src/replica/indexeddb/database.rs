//! One connection to a database, and the two ways in which a browser takes it away.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, LocalBoxFuture, select};
use idb::event::VersionChangeEvent;
use idb::{Database, DatabaseEvent, Error, Factory, ObjectStoreParams, TransactionMode};
use js_sys::Math;
use wasm_bindgen::JsValue;
use web_sys::IdbDatabase;

use super::{DEVICE, ROWS, failed, refused};
use crate::replica::ReplicaStoreError;

/// The version of the database's layout, which is apart from the format of its rows.
const LAYOUT: u32 = 2;

/// The key of a number that every database gets when it is made: whether it is still the same.
const BORN: &str = "born";

/// A connection that is being opened.
pub(super) struct Opening {
    connection: LocalBoxFuture<'static, Result<Database, Error>>,
    /// Resolves when an older layout is in use, once.
    blocked: Option<oneshot::Receiver<()>>,
}

impl Opening {
    /// Opens the database; makes it where there is none.
    pub(super) fn begin(name: &str) -> Result<Self, ReplicaStoreError> {
        let factory = Factory::new().map_err(|error| refused(&error))?;
        let mut request = factory
            .open(name, Some(LAYOUT))
            .map_err(|error| failed(&error))?;
        request.on_upgrade_needed(|event| {
            // An error surfaces as a failed open.
            let _ = create(&event);
        });
        let (block, blocked) = oneshot::channel();
        let block = Cell::new(Some(block));
        request.on_blocked(move |_| {
            if let Some(block) = block.take() {
                // It may have been opened by now.
                let _ = block.send(());
            }
        });
        Ok(Self {
            connection: request.into_future().boxed_local(),
            blocked: Some(blocked),
        })
    }

    /// The connection; or nothing, once, where it has to wait until others let go of an older
    /// layout. The browser goes on with it by itself then: a second call waits for that.
    pub(super) async fn connection(&mut self) -> Option<Result<OpenDatabase, ReplicaStoreError>> {
        let connection = match self.blocked.take() {
            None => (&mut self.connection).await,
            Some(blocked) => match select(&mut self.connection, blocked).await {
                Either::Left((connection, _)) => connection,
                Either::Right((Ok(()), _)) => return None,
                Either::Right((Err(_), connection)) => connection.await,
            },
        };
        Some(OpenDatabase::of(connection).await)
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Opening")
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct OpenDatabase {
    database: Database,
    raw: IdbDatabase,
    is_closed: Rc<Cell<bool>>,
    /// Tells it from one that was made after it was deleted.
    pub(super) born: f64,
}

impl OpenDatabase {
    async fn of(connection: Result<Database, Error>) -> Result<Self, ReplicaStoreError> {
        let database = connection.map_err(|error| match failed(&error) {
            // The browser gave up making it, and does not say why: there is one reason.
            ReplicaStoreError::Failed { detail } if detail.starts_with("AbortError") => {
                ReplicaStoreError::Full { detail }
            }
            failed => failed,
        })?;
        let mut open = Self::watch(database);
        open.born = open.read_born().await.map_err(|error| failed(&error))?;
        Ok(open)
    }

    async fn read_born(&self) -> Result<f64, Error> {
        let transaction = self
            .database
            .transaction(&[DEVICE], TransactionMode::ReadOnly)?;
        let born = transaction
            .object_store(DEVICE)?
            .get(JsValue::from_str(BORN))?;
        Ok(born
            .await?
            .and_then(|born| born.as_f64())
            .unwrap_or_default())
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
            born: 0.0,
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

fn create(event: &VersionChangeEvent) -> Result<(), Error> {
    let database = event.database()?;
    if event.old_version()? == 0 {
        database.create_object_store(ROWS, ObjectStoreParams::new())?;
    }
    let device = database.create_object_store(DEVICE, ObjectStoreParams::new())?;
    device.put(&Math::random().into(), Some(&BORN.into()))?;
    Ok(())
}
