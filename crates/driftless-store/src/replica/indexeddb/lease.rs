//! A lease: for browsers without locks. Who may take it is the caller's decision.

use idb::{Database, Error, TransactionMode};
use js_sys::Float64Array;
use wasm_bindgen::{JsCast, JsValue};

use super::DEVICE;

const LEASE: &str = "lease";

/// Who leads, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lease {
    /// Any number that nobody else has.
    pub holder: f64,
    /// Until when, in milliseconds since 1970.
    pub ends_ms: f64,
}

impl Lease {
    /// Whether it is this holder's.
    pub fn is_of(&self, holder: f64) -> bool {
        self.holder.to_bits() == holder.to_bits()
    }
}

pub(super) async fn change(
    database: &Database,
    change: impl FnOnce(Option<Lease>) -> Option<Lease>,
) -> Result<Option<Lease>, Error> {
    let transaction = database.transaction(&[DEVICE], TransactionMode::ReadWrite)?;
    let device = transaction.object_store(DEVICE)?;
    let found = device.get(JsValue::from_str(LEASE))?.await?;
    let found = found.as_ref().and_then(read);
    let Some(lease) = change(found) else {
        return Ok(found);
    };
    let value = Float64Array::from([lease.holder, lease.ends_ms].as_slice());
    device.put(&value, Some(&LEASE.into()))?.await?;
    Ok(Some(lease))
}

fn read(value: &JsValue) -> Option<Lease> {
    let value = value.dyn_ref::<Float64Array>()?;
    Some(Lease {
        holder: value.get_index(0),
        ends_ms: value.get_index(1),
    })
}
