//! Events of the browser.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventTarget};

/// An event listener that is taken away when it is dropped.
pub(super) struct Listener {
    target: EventTarget,
    name: &'static str,
    told: Closure<dyn Fn(Event)>,
}

impl Listener {
    pub(super) fn new(
        target: &EventTarget,
        name: &'static str,
        told: impl Fn(Event) + 'static,
    ) -> Option<Self> {
        let told = Closure::<dyn Fn(Event)>::new(told);
        let callback = told.as_ref().unchecked_ref();
        target
            .add_event_listener_with_callback(name, callback)
            .ok()?;
        Some(Self {
            target: target.clone(),
            name,
            told,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.told.as_ref().unchecked_ref();
        // It fails only for a listener that is gone already.
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, callback);
    }
}
