//! Saving a text as a file, through the browser's download.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

/// Offers a JSON text as a file of this name. Where the browser refuses, the console says why.
pub fn download_json(name: &str, json: &str) {
    if let Err(error) = try_download(name, json) {
        leptos::logging::error!("{name} could not be saved: {error:?}");
    }
}

fn try_download(name: &str, json: &str) -> Result<(), JsValue> {
    let parts = js_sys::Array::of1(&JsValue::from_str(json));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type("application/json");
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = web_sys::Url::create_object_url_with_blob(&blob)?;
    let link: web_sys::HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The download has begun with the click and keeps the blob by itself.
    web_sys::Url::revoke_object_url(&url)
}
