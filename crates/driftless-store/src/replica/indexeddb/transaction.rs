//! Reading everything, and one atomic write. Between the first request of a transaction and its
//! end only its own requests are awaited: anything else would let the browser commit it early.

use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::storage::{Committed, Transaction, Write};
use futures::channel::oneshot;
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, IdbObjectStore, IdbTransaction, IdbTransactionMode};

use super::database::OpenDatabase;
use super::request::Answer;
use super::{ROWS, failed, failed_with};
use crate::replica::ReplicaStoreError;

/// Every row's bytes, in the order of their keys.
pub(super) async fn read_all(open: &OpenDatabase) -> Result<Array, ReplicaStoreError> {
    let read = async || {
        let (_, rows) = open.store(ROWS, IdbTransactionMode::Readonly)?;
        Answer::to(&rows.get_all()?).await
    };
    let all = read().await.map_err(|error| failed(&error))?;
    Ok(all.unchecked_into())
}

/// Carries out a transaction, with strict durability.
pub(super) async fn commit(
    open: &OpenDatabase,
    transaction: &Transaction,
) -> Result<Committed, ReplicaStoreError> {
    let raw = strict_transaction(open).map_err(|error| failed(&error))?;
    let mut ended = Ended::watch(&raw);
    let rows = raw.object_store(ROWS).map_err(|error| failed(&error))?;
    let written = write(&rows, transaction).await;
    if written != Ok(Committed::Yes) {
        // It fails only where the transaction has ended already, without a write.
        let _ = raw.abort();
    }
    let ended = ended.result().await;
    match written {
        Ok(Committed::Yes) => ended,
        Ok(Committed::Conflict) => Ok(Committed::Conflict),
        // The cause of the end says more than the request that met it.
        Err(error) => Err(ended.err().unwrap_or_else(|| failed(&error))),
    }
}

/// Checks the expectations, then writes: all writes at once, so that they are all there or none.
async fn write(rows: &IdbObjectStore, transaction: &Transaction) -> Result<Committed, JsValue> {
    let get = |(key, _): &(Key, Option<Row>)| Ok(Answer::to(&rows.get(&text(key))?));
    let gets = transaction.expect.iter().map(get);
    // All are under way by the time that the first one is awaited.
    let gets = gets.collect::<Result<Vec<_>, JsValue>>()?;
    let mut is_met = true;
    for (get, (_, row)) in gets.into_iter().zip(&transaction.expect) {
        let found = get.await?;
        let found = found.is_truthy().then(|| Uint8Array::new(&found).to_vec());
        is_met &= found == row.as_ref().map(Row::encode);
    }
    if !is_met {
        return Ok(Committed::Conflict);
    }
    for write in &transaction.writes {
        match write {
            Write::Put(row) => {
                let bytes = Uint8Array::from(row.encode().as_slice());
                rows.put_with_key(&bytes, &text(&row.key()))?;
            }
            Write::Delete(key) => {
                rows.delete(&text(key))?;
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
fn strict_transaction(open: &OpenDatabase) -> Result<IdbTransaction, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into())?;
    let method = Reflect::get(open.database(), &"transaction".into())?;
    let method: Function = method.dyn_into()?;
    let transaction = method.call3(open.database(), &ROWS.into(), &"readwrite".into(), &options)?;
    transaction.dyn_into()
}

/// Hears how a transaction ends.
struct Ended<'a> {
    transaction: &'a IdbTransaction,
    is_complete: oneshot::Receiver<bool>,
    _end: Closure<dyn FnMut(Event)>,
}

impl<'a> Ended<'a> {
    fn watch(transaction: &'a IdbTransaction) -> Self {
        let (sender, is_complete) = oneshot::channel();
        let end = Closure::once(move |event: Event| {
            // The driver may be gone.
            let _ = sender.send(event.type_() == "complete");
        });
        let callback = Some(end.as_ref().unchecked_ref());
        transaction.set_oncomplete(callback);
        transaction.set_onabort(callback);
        Self {
            transaction,
            is_complete,
            _end: end,
        }
    }

    async fn result(&mut self) -> Result<Committed, ReplicaStoreError> {
        if (&mut self.is_complete).await.unwrap_or(false) {
            return Ok(Committed::Yes);
        }
        Err(match self.transaction.error() {
            Some(exception) => failed_with(&exception),
            None => ReplicaStoreError::Failed {
                detail: "the browser gave the write up".to_owned(),
            },
        })
    }
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.transaction.set_oncomplete(None);
        self.transaction.set_onabort(None);
    }
}
