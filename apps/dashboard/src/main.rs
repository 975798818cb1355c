//! The web app: boards with live widgets that people arrange, rename and fill together.
//!
//! What can be told without a browser stands in modules of its own, tested natively: [`plot`],
//! [`address`], `grid::metrics`, `grid::layout`, `grid::held`, `widgets::query`, `widgets::rows`.
#![cfg_attr(not(feature = "split"), forbid(unsafe_code))]

mod plot;
mod address;
mod browser;
mod stopped;
mod console_log;
mod observe;
mod announcer;
mod theme;
mod visitor;
mod shell;
mod lock;
mod editing;
mod field;
mod grid;
mod widgets;
mod sharing;
mod board;
mod app;

fn main() {
    stopped::watch();
    console_log::start();
    driftless_leptos::executor::start();
    let place = leptos::prelude::document().get_element_by_id("app");
    let place = place.map(wasm_bindgen::JsCast::unchecked_into::<web_sys::HtmlElement>);
    match place {
        Some(place) => leptos::mount::mount_to(place, app::App).forget(),
        None => leptos::mount::mount_to_body(app::App),
    }
}
