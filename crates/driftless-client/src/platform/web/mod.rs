//! A browser page: the browser's sockets, clock, timers and events.

mod listener;
mod sleep;
mod socket;
mod election;
mod lease;
mod tabs;

use std::fmt;

use futures::channel::mpsc;
use js_sys::{Date, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Event, EventTarget, PageTransitionEvent, Performance, VisibilityState, Window};

pub use self::sleep::Sleep;
pub use self::socket::WebSocketEvents;

use self::listener::Listener;
use self::tabs::Tabs;
use crate::platform::{Platform, Signal};

/// The address of an endpoint, resolved against the page: `/rt` becomes `wss://host/rt`.
pub fn resolve(url: &str) -> String {
    let absolute = window().location().href().and_then(|base| {
        let url = web_sys::Url::new_with_base(url, &base)?;
        let protocol = match url.protocol().as_str() {
            "https:" => "wss:".to_owned(),
            "http:" => "ws:".to_owned(),
            other => other.to_owned(),
        };
        url.set_protocol(&protocol);
        Ok(url.href())
    });
    // What is no address stays as it is: the socket says so.
    absolute.unwrap_or_else(|_| url.to_owned())
}

/// What is global. In a worker it has no document, and says nothing of visibility; everything else
/// that is asked for here it has too, by the same names.
fn window() -> Window {
    js_sys::global().unchecked_into()
}

/// A page, as one replica's driver uses it.
pub struct Web {
    performance: Performance,
    namespace: String,
    signals: mpsc::UnboundedSender<Signal>,
    /// Until the driver asks for them.
    told: Option<mpsc::UnboundedReceiver<Signal>>,
    tabs: Option<Tabs>,
    listeners: Vec<Listener>,
}

impl fmt::Debug for Web {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Web").finish_non_exhaustive()
    }
}

impl Web {
    /// The page, for the replica of a namespace.
    pub fn new(namespace: &str) -> Self {
        let (signals, told) = mpsc::unbounded();
        Self {
            performance: window().performance().expect("a page has a clock"),
            namespace: namespace.to_owned(),
            signals,
            told: Some(told),
            tabs: None,
            listeners: Vec::new(),
        }
    }

    fn listen(&mut self, target: &EventTarget, name: &'static str, told: impl Fn(Event) + 'static) {
        self.listeners.extend(Listener::new(target, name, told));
    }

    fn hear_network(&mut self) {
        for (name, has_it) in [("online", true), ("offline", false)] {
            let signals = self.signals.clone();
            self.listen(&window(), name, move |_| {
                tell(&signals, Signal::Network(has_it));
            });
        }
        if !window().navigator().on_line() {
            tell(&self.signals, Signal::Network(false));
        }
    }

    fn hear_visibility(&mut self) {
        let Some(document) = window().document() else {
            return;
        };
        let (signals, target) = (self.signals.clone(), document.clone());
        let say = move || {
            let is_visible = document.visibility_state() != VisibilityState::Hidden;
            tell(&signals, Signal::Visible(is_visible));
        };
        say();
        self.listen(&target, "visibilitychange", move |_| say());
    }

    /// A page that is left is kept by the browser for "back", if it holds nothing that others wait
    /// for: it puts everything down, and takes it up again when it is shown.
    fn hear_leaving(&mut self) {
        for (name, is_away) in [("pagehide", true), ("pageshow", false)] {
            let signals = self.signals.clone();
            self.listen(&window(), name, move |event| {
                let shown = event.unchecked_ref::<PageTransitionEvent>();
                if is_away || shown.persisted() {
                    tell(&signals, Signal::Away(is_away));
                }
            });
        }
    }
}

fn tell(sender: &mpsc::UnboundedSender<Signal>, signal: Signal) {
    // The driver may have stopped.
    let _ = sender.unbounded_send(signal);
}

impl Platform for Web {
    type Socket = WebSocketEvents;
    type Sleep = Sleep;
    type Signals = mpsc::UnboundedReceiver<Signal>;

    fn mono_ms(&self) -> u64 {
        whole(self.performance.now())
    }

    fn epoch_ms(&self) -> u64 {
        whole(Date::now())
    }

    fn sleep_until(&self, mono_ms: u64) -> Sleep {
        Sleep::start(mono_ms.saturating_sub(self.mono_ms()))
    }

    fn connect(&self, url: &str) -> WebSocketEvents {
        WebSocketEvents::connect(url)
    }

    fn signals(&mut self) -> Self::Signals {
        self.hear_network();
        self.hear_visibility();
        self.hear_leaving();
        self.told
            .take()
            .expect("a driver asks for its signals once")
    }

    fn join(&mut self) -> bool {
        self.tabs = Some(Tabs::join(&self.namespace, &self.signals));
        true
    }

    fn tell(&mut self, frame: Vec<u8>) {
        if let Some(tabs) = &self.tabs {
            tabs.say(&frame);
        }
    }

    fn elect(&mut self) {
        if let Some(tabs) = &self.tabs {
            tabs.steal();
        }
    }

    fn leave(&mut self) {
        self.tabs = None;
    }

    fn request_persistence(&self) {
        let storage = Reflect::get(&window().navigator(), &"storage".into());
        // Plain http has no such thing.
        let storage = storage.ok().filter(JsValue::is_truthy);
        let storage = storage.map(JsCast::unchecked_into::<web_sys::StorageManager>);
        let Some(asked) = storage.and_then(|storage| storage.persist().ok()) else {
            return tell(&self.signals, Signal::Persistent(false));
        };
        let signals = self.signals.clone();
        spawn_local(async move {
            let answer = JsFuture::from(asked).await;
            tell(&signals, Signal::Persistent(answer == Ok(JsValue::TRUE)));
        });
    }
}

/// Milliseconds as the browser gives them. Never negative, and far below 2⁵³.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time since page load or 1970"
)]
fn whole(milliseconds: f64) -> u64 {
    milliseconds.max(0.0) as u64
}
