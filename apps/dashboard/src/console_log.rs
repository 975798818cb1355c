//! What the client says of its work, on the browser's console. Off by default: `?log=debug` in the
//! address switches it on for this browser, `?log=off` off again.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use wasm_bindgen::JsValue;
use web_sys::{UrlSearchParams, console};

use crate::browser;

/// Where the level is kept.
const KEY: &str = "driftless/log";

/// Starts it at the level that the address says, or said last time.
pub fn start() {
    let search = browser::window().location().search().unwrap_or_default();
    let parameters = UrlSearchParams::new_with_str(&search).ok();
    let said = parameters.and_then(|found| found.get("log"));
    if let Some(said) = &said {
        browser::store(browser::local_storage(), KEY, said);
    }
    let level = said.or_else(|| browser::stored(browser::local_storage(), KEY));
    let Some(most) = level.and_then(|level| level.parse::<Level>().ok()) else {
        return;
    };
    // The app has no other.
    let _ = tracing::subscriber::set_global_default(Console { most });
}

/// The console, up to a level.
struct Console {
    most: Level,
}

impl Subscriber for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.most))
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(format!("[{}]", metadata.target()));
        event.record(&mut line);
        let line = JsValue::from_str(&line.0);
        match *metadata.level() {
            Level::ERROR => console::error_1(&line),
            Level::WARN => console::warn_1(&line),
            Level::INFO => console::info_1(&line),
            Level::DEBUG | Level::TRACE => console::log_1(&line),
        }
    }

    // There are no spans in a page.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A line, field by field.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Text takes all.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
