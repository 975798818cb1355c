//! Elements that tell their size and whether they are on the screen.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{
    Element, IntersectionObserver, IntersectionObserverEntry, ResizeObserver, js_sys::Array,
};

/// An observer with the closure that it calls. Kept until the owner is cleaned up.
struct Kept<O> {
    observer: O,
    _closure: Closure<dyn FnMut(Array)>,
}

/// Calls back with the element whenever its size may have changed, at once included.
pub fn on_resize(element: &Element, mut changed: impl FnMut(&Element) + 'static) {
    let target = element.clone();
    let closure = Closure::<dyn FnMut(Array)>::new(move |_| changed(&target));
    let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) else {
        return;
    };
    observer.observe(element);
    let kept = StoredValue::new_local(Kept {
        observer,
        _closure: closure,
    });
    on_cleanup(move || {
        kept.try_with_value(|kept| kept.observer.disconnect());
    });
}

/// Calls back whenever the element enters or leaves the screen, at once included.
pub fn on_visibility(element: &Element, mut changed: impl FnMut(bool) + 'static) {
    let closure = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
        let newest = entries.pop().dyn_into::<IntersectionObserverEntry>();
        if let Ok(entry) = newest {
            changed(entry.is_intersecting());
        }
    });
    let observer = IntersectionObserver::new(closure.as_ref().unchecked_ref());
    let Ok(observer) = observer else { return };
    observer.observe(element);
    let kept = StoredValue::new_local(Kept {
        observer,
        _closure: closure,
    });
    on_cleanup(move || {
        kept.try_with_value(|kept| kept.observer.disconnect());
    });
}
