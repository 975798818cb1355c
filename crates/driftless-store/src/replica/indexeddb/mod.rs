//! Rows in a browser's `IndexedDB`.

mod request;
mod database;
mod transaction;
mod lease;

pub use lease::Lease;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use driftless_protocol::durable::Row;
use driftless_sync::replica::storage::{Committed, Transaction};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

use super::{ReplicaStore, ReplicaStoreError};
use database::{OpenDatabase, Opening, factory};
use request::Answer;

/// The one object store: a row's key as text, its bytes as a `Uint8Array`.
const ROWS: &str = "rows";

/// The other object store: what belongs to the device's copy as such, in plain JavaScript values.
const DEVICE: &str = "device";

/// Rows in the database `driftless/<namespace>` of the page's origin, written with strict
/// durability. It is opened at the first use, and again after the browser closed it.
#[derive(Debug)]
pub struct IndexedDbRows {
    name: String,
    open: RefCell<Option<Rc<OpenDatabase>>>,
    /// Waits for tabs of an older layout.
    opening: RefCell<Option<Opening>>,
    /// Which database was opened first.
    born: Cell<Option<f64>>,
}

impl IndexedDbRows {
    /// The rows of a replica, by its namespace.
    pub fn new(namespace: &str) -> Self {
        Self {
            name: format!("driftless/{namespace}"),
            open: RefCell::default(),
            opening: RefCell::default(),
            born: Cell::default(),
        }
    }

    /// Reads the lease, and writes what `change` makes of it, in one transaction; where that is
    /// nothing, the lease stays. Answers the lease as it is then.
    pub async fn change_lease(
        &self,
        change: impl FnOnce(Option<Lease>) -> Option<Lease>,
    ) -> Result<Option<Lease>, ReplicaStoreError> {
        let database = self.database().await?;
        let changed = lease::change(&database, change).await;
        changed.map_err(|error| failed(&error))
    }

    /// Deletes the whole database of a namespace. Whoever has it open is asked to close it.
    pub async fn delete(namespace: &str) -> Result<(), ReplicaStoreError> {
        let request = factory()?.delete_database(&format!("driftless/{namespace}"));
        let request = request.map_err(|error| failed(&error))?;
        let deleted = Answer::to(&request).await;
        deleted.map_err(|error| failed(&error))?;
        Ok(())
    }

    async fn database(&self) -> Result<Rc<OpenDatabase>, ReplicaStoreError> {
        let usable = |open: &&Rc<OpenDatabase>| !open.is_closed();
        if let Some(open) = self.open.borrow().as_ref().filter(usable) {
            return Ok(Rc::clone(open));
        }
        let begun = self.opening.take();
        let mut opening = begun.map_or_else(|| Opening::begin(&self.name), Ok)?;
        let Some(open) = opening.connection().await else {
            self.opening.replace(Some(opening));
            return Err(ReplicaStoreError::Blocked);
        };
        let open = Rc::new(open?);
        let born = self.born.get().unwrap_or(open.born);
        self.born.set(Some(born));
        // Another one: what was in memory of the first would be mixed with it.
        if born.to_bits() != open.born.to_bits() {
            return Err(ReplicaStoreError::Cleared);
        }
        self.open.replace(Some(Rc::clone(&open)));
        Ok(open)
    }
}

impl ReplicaStore for IndexedDbRows {
    async fn load(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        let database = self.database().await?;
        let rows = transaction::read_all(&database).await?;
        rows.iter().map(|row| decode(&row)).collect()
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, ReplicaStoreError> {
        let database = self.database().await?;
        transaction::commit(&database, &transaction).await
    }
}

fn decode(value: &JsValue) -> Result<Row, ReplicaStoreError> {
    let bytes = value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
    Ok(Row::decode(&bytes.unwrap_or_default())?)
}

fn refused(error: &JsValue) -> ReplicaStoreError {
    ReplicaStoreError::Refused {
        detail: message(error),
    }
}

/// What an exception of the browser's means.
fn failed(error: &JsValue) -> ReplicaStoreError {
    match error.dyn_ref::<DomException>() {
        Some(exception) => failed_with(exception),
        None => ReplicaStoreError::Failed {
            detail: message(error),
        },
    }
}

fn message(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok();
    let message = message.and_then(|message| message.as_string());
    message.unwrap_or_else(|| "the browser does not say why".to_owned())
}

fn failed_with(exception: &DomException) -> ReplicaStoreError {
    let detail = format!("{}: {}", exception.name(), exception.message());
    match exception.name().as_str() {
        "QuotaExceededError" => ReplicaStoreError::Full { detail },
        "SecurityError" | "InvalidStateError" => ReplicaStoreError::Refused { detail },
        "VersionError" => ReplicaStoreError::Newer {
            detail: format!(
                "a newer version of this page uses this device's storage; reload this tab: {detail}"
            ),
        },
        _ => ReplicaStoreError::Failed { detail },
    }
}
