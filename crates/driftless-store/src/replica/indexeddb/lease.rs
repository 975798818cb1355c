//! A lease: for browsers without locks. Who may take it is the caller's decision.

use js_sys::Float64Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbTransactionMode;

use super::DEVICE;
use super::database::OpenDatabase;
use super::request::Answer;

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
    open: &OpenDatabase,
    change: impl FnOnce(Option<Lease>) -> Option<Lease>,
) -> Result<Option<Lease>, JsValue> {
    let (_, device) = open.store(DEVICE, IdbTransactionMode::Readwrite)?;
    let found = Answer::to(&device.get(&LEASE.into())?).await?;
    let found = read(&found);
    let Some(lease) = change(found) else {
        return Ok(found);
    };
    let value = Float64Array::from([lease.holder, lease.ends_ms].as_slice());
    Answer::to(&device.put_with_key(&value, &LEASE.into())?).await?;
    Ok(Some(lease))
}

fn read(value: &JsValue) -> Option<Lease> {
    let value = value.dyn_ref::<Float64Array>()?;
    Some(Lease {
        holder: value.get_index(0),
        ends_ms: value.get_index(1),
    })
}
