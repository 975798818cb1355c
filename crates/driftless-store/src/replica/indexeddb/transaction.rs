//! Reading everything, and one atomic write. Between the first request of a transaction and its
//! end only its own requests are awaited: anything else would let the browser commit it early.

use std::cell::Cell;
use std::rc::Rc;

use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::storage::{Committed, Transaction, Write};
use futures::channel::oneshot;
use idb::{Error, ObjectStore, TransactionMode};
use js_sys::{Function, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbTransaction;

use super::database::OpenDatabase;
use super::{ROWS, failed, failed_with};
use crate::replica::ReplicaStoreError;

/// Every row's bytes, in the order of their keys.
pub(super) async fn read_all(open: &OpenDatabase) -> Result<Vec<JsValue>, ReplicaStoreError> {
    let read = || {
        let database = open.database();
        let transaction = database.transaction(&[ROWS], TransactionMode::ReadOnly)?;
        transaction.object_store(ROWS)?.get_all(None, None)
    };
    let request = read().map_err(|error| failed(&error))?;
    request.await.map_err(|error| failed(&error))
}

/// Carries out a transaction, with strict durability.
pub(super) async fn commit(
    open: &OpenDatabase,
    transaction: &Transaction,
) -> Result<Committed, ReplicaStoreError> {
    let raw = strict_transaction(open).map_err(|error| failed(&error))?;
    let ended = Ended::watch(&raw);
    let rows = idb::Transaction::from(raw.clone()).object_store(ROWS);
    let rows = rows.map_err(|error| failed(&error))?;
    let written = write(&rows, transaction).await;
    if written != Ok(Committed::Yes) {
        // It fails only where the transaction has ended already, without a write.
        let _ = raw.abort();
    }
    let ended = ended.result(&raw).await;
    match written {
        Ok(Committed::Yes) => ended,
        Ok(Committed::Conflict) => Ok(Committed::Conflict),
        // The cause of the end says more than the request that met it.
        Err(error) => Err(ended.err().unwrap_or_else(|| failed(&error))),
    }
}

/// Checks the expectations, then writes: all writes at once, so that they are all there or none.
async fn write(rows: &ObjectStore, transaction: &Transaction) -> Result<Committed, Error> {
    let get = |(key, _): &(Key, Option<Row>)| rows.get(text(key)).map(IntoFuture::into_future);
    let gets = transaction.expect.iter().map(get);
    let gets = gets.collect::<Result<Vec<_>, _>>()?;
    // All are under way by now. All of them are heard, even where one fails: a dropped request's
    // callback would still be called.
    let mut found = Vec::new();
    for get in gets {
        found.push(get.await);
    }
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    let holds = |((_, row), found): (&(Key, Option<Row>), &Option<JsValue>)| {
        let found = found.as_ref().map(|found| Uint8Array::new(found).to_vec());
        row.as_ref().map(Row::encode) == found
    };
    if !transaction.expect.iter().zip(&found).all(holds) {
        return Ok(Committed::Conflict);
    }
    for write in &transaction.writes {
        match write {
            Write::Put(row) => {
                let bytes = Uint8Array::from(row.encode().as_slice());
                rows.put(&bytes, Some(&text(&row.key())))?;
            }
            Write::Delete(key) => {
                rows.delete(text(key))?;
            }
        }
    }
    Ok(Committed::Yes)
}

fn text(key: &Key) -> JsValue {
    JsValue::from_str(&key.to_string())
}

/// A transaction that is on the disk when it says so. The option is called by name: web-sys hides
/// it behind an unstable flag that every adopter would have to set. Browsers that do not know the
/// option ignore it.
fn strict_transaction(open: &OpenDatabase) -> Result<IdbTransaction, Error> {
    let begin = || -> Result<JsValue, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        let method = Reflect::get(open.raw(), &"transaction".into())?;
        let method: Function = method.dyn_into()?;
        method.call3(open.raw(), &ROWS.into(), &"readwrite".into(), &options)
    };
    let transaction = begin().map_err(Error::TransactionOpenFailed)?;
    let unexpected = |value| Error::UnexpectedJsType("IDBTransaction", value);
    transaction.dyn_into().map_err(unexpected)
}

/// Hears how a transaction ends.
struct Ended {
    /// Keeps the callbacks alive.
    _transaction: idb::Transaction,
    is_complete: oneshot::Receiver<bool>,
}

impl Ended {
    fn watch(raw: &IdbTransaction) -> Self {
        let mut transaction = idb::Transaction::from(raw.clone());
        let (completed, is_complete) = oneshot::channel();
        let completed = Rc::new(Cell::new(Some(completed)));
        let aborted = Rc::clone(&completed);
        let tell = |ended: &Cell<Option<oneshot::Sender<bool>>>, is_complete| {
            if let Some(ended) = ended.take() {
                // The driver may be gone.
                let _ = ended.send(is_complete);
            }
        };
        transaction.on_complete(move |_| tell(&completed, true));
        transaction.on_abort(move |_| tell(&aborted, false));
        Self {
            _transaction: transaction,
            is_complete,
        }
    }

    async fn result(self, raw: &IdbTransaction) -> Result<Committed, ReplicaStoreError> {
        if self.is_complete.await.unwrap_or(false) {
            return Ok(Committed::Yes);
        }
        Err(match raw.error() {
            Some(exception) => failed_with(&exception),
            None => ReplicaStoreError::Failed {
                detail: "the browser gave the write up".to_owned(),
            },
        })
    }
}
