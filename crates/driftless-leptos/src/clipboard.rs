//! The clipboard, where there is one.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Puts a text into the clipboard. Fails where the browser refuses, and on plain http, which has no
/// clipboard, whatever the browser's types say: show the text to be taken by hand then.
pub async fn copy(text: &str) -> Result<(), JsValue> {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into())?;
    if !clipboard.is_truthy() {
        return Err(JsValue::UNDEFINED);
    }
    let clipboard: web_sys::Clipboard = clipboard.unchecked_into();
    JsFuture::from(clipboard.write_text(text)).await.map(drop)
}
