//! The few things that the app asks the browser for directly.

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, Storage, Window};

/// The window. Only called while there is a page.
pub fn window() -> Window {
    web_sys::window().expect("the app runs in a page")
}

/// Where the app is: `/`, or the path that a proxy has before it, with a slash at its end. The
/// server writes it before the names of the scripts.
pub fn base_path() -> String {
    build_folder().map_or_else(|| "/".to_owned(), |(base, _)| base)
}

/// Which build of the page runs: the name of the folder that its files are in.
pub fn page_build() -> String {
    build_folder().map_or_else(String::new, |(_, build)| build)
}

/// What is before the folder of the build, and its name.
fn build_folder() -> Option<(String, String)> {
    let boot = window().document()?;
    let boot = boot.query_selector("script[src$='/boot.js']").ok()??;
    let source = boot.get_attribute("src")?;
    let (base, file) = source.rsplit_once("assets/")?;
    let (build, _) = file.split_once('/')?;
    Some((base.to_owned(), build.to_owned()))
}

/// What is added to a universal time to get the local one, in milliseconds, at that time.
pub fn local_offset_ms(at_ms: f64) -> f64 {
    let date = js_sys::Date::new(&at_ms.into());
    -date.get_timezone_offset() * 60_000.0
}

/// Storage of this origin; `None` where the browser refuses it.
pub fn local_storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// Storage of this tab; `None` where the browser refuses it.
pub fn session_storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// A stored text.
pub fn stored(storage: Option<Storage>, key: &str) -> Option<String> {
    storage?
        .get_item(key)
        .ok()
        .flatten()
        .filter(|text| !text.is_empty())
}

/// Stores a text, where the browser allows: what is lost is a convenience.
pub fn store(storage: Option<Storage>, key: &str, text: &str) {
    if let Some(storage) = storage {
        let _ = storage.set_item(key, text);
    }
}

/// 64 random bits as 16 hex digits.
pub fn random_hex() -> String {
    let mut bytes = [0_u8; 8];
    let filled = window()
        .crypto()
        .and_then(|c| c.get_random_values_with_u8_array(&mut bytes));
    if filled.is_err() {
        bytes.fill_with(|| any_byte(js_sys::Math::random()));
    }
    format!("{:016x}", u64::from_be_bytes(bytes))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the fraction is from 0 to below 1"
)]
fn any_byte(fraction: f64) -> u8 {
    (fraction * 256.0) as u8
}

/// Whether somebody is writing: keys then belong to the text.
pub fn is_writing() -> bool {
    let active = window()
        .document()
        .and_then(|document| document.active_element());
    let Some(active) = active else { return false };
    let tag = active.tag_name();
    matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        || active
            .dyn_ref::<HtmlElement>()
            .is_some_and(HtmlElement::is_content_editable)
}

/// Moves the focus to the first element that matches, once the screen has been drawn.
pub fn focus_soon(selector: String) {
    leptos::prelude::request_animation_frame(move || {
        let found = window()
            .document()
            .and_then(|d| d.query_selector(&selector).ok().flatten());
        if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    });
}
