//! A browser page: the browser's sockets, clock, timers and events.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use driftless_protocol::Codec;
use futures::channel::{mpsc, oneshot};
use futures::{FutureExt, Stream, StreamExt};
use js_sys::{ArrayBuffer, Date, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    BinaryType, BroadcastChannel, CloseEvent, Event, EventTarget, MessageEvent, Performance,
    VisibilityState, WebSocket, Window,
};

use crate::platform::{Platform, Signal, Socket, SocketEvent};

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

fn window() -> Window {
    web_sys::window().expect("a page has a window")
}

/// A page, as one replica's driver uses it.
pub struct Web {
    performance: Performance,
    /// Where the tabs of this replica talk; absent where the browser has none.
    channel: Option<BroadcastChannel>,
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
        Self {
            performance: window().performance().expect("a page has a clock"),
            channel: BroadcastChannel::new(&format!("driftless/{namespace}")).ok(),
            listeners: Vec::new(),
        }
    }

    fn listen(&mut self, target: &EventTarget, name: &'static str, told: impl Fn(Event) + 'static) {
        self.listeners.extend(Listener::new(target, name, told));
    }

    fn hear_network(&mut self, sender: &mpsc::UnboundedSender<Signal>) {
        for (name, has_it) in [("online", true), ("offline", false)] {
            let sender = sender.clone();
            self.listen(&window(), name, move |_| {
                tell(&sender, Signal::Network(has_it));
            });
        }
        if !window().navigator().on_line() {
            tell(sender, Signal::Network(false));
        }
    }

    fn hear_visibility(&mut self, sender: &mpsc::UnboundedSender<Signal>) {
        let Some(document) = window().document() else {
            return;
        };
        let (sender, target) = (sender.clone(), document.clone());
        let say = move || {
            let is_visible = document.visibility_state() != VisibilityState::Hidden;
            tell(&sender, Signal::Visible(is_visible));
        };
        say();
        self.listen(&target, "visibilitychange", move |_| say());
    }

    fn hear_tabs(&mut self, sender: &mpsc::UnboundedSender<Signal>) {
        let Some(channel) = self.channel.clone() else {
            return;
        };
        let sender = sender.clone();
        self.listen(&channel, "message", move |event| {
            if let Some(term) = announced_term(&event) {
                tell(&sender, Signal::Announced { term });
            }
        });
    }
}

fn tell(sender: &mpsc::UnboundedSender<Signal>, signal: Signal) {
    // The driver may have stopped.
    let _ = sender.unbounded_send(signal);
}

/// What another tab says: `{"term": "7"}`. Anything else is somebody else's.
fn announced_term(event: &Event) -> Option<u64> {
    let data = event.dyn_ref::<MessageEvent>()?.data();
    let term = Reflect::get(&data, &"term".into()).ok()?;
    term.as_string()?.parse().ok()
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
        let (sender, signals) = mpsc::unbounded();
        self.hear_network(&sender);
        self.hear_visibility(&sender);
        self.hear_tabs(&sender);
        signals
    }

    fn announce(&mut self, term: u64) {
        let Some(channel) = &self.channel else {
            return;
        };
        let message = js_sys::Object::new();
        let written = Reflect::set(&message, &"term".into(), &term.to_string().into());
        // Who does not hear it finds out at the next write.
        let _ = written.and_then(|_| channel.post_message(&message));
    }

    /// Plain http has no such storage; there it stays as it is.
    fn request_persistence(&self) {
        let storage = Reflect::get(&window().navigator(), &"storage".into());
        let storage = storage.ok().filter(JsValue::is_truthy);
        let Some(storage) = storage.map(JsCast::unchecked_into::<web_sys::StorageManager>) else {
            return;
        };
        if let Ok(asked) = storage.persist() {
            wasm_bindgen_futures::spawn_local(async move {
                // Either answer is fine: the status says what was saved.
                let _ = wasm_bindgen_futures::JsFuture::from(asked).await;
            });
        }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.close();
        }
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

/// An event listener that is taken away when it is dropped.
struct Listener {
    target: EventTarget,
    name: &'static str,
    told: Closure<dyn Fn(Event)>,
}

impl Listener {
    fn new(
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

/// Resolves after a while. Dropping it stops the timer.
#[derive(Debug)]
pub struct Sleep {
    timer: i32,
    rings: oneshot::Receiver<()>,
    _ring: Closure<dyn FnMut()>,
}

impl Sleep {
    fn start(milliseconds: u64) -> Self {
        let (sender, rings) = oneshot::channel();
        let ring = Closure::once(move || {
            // Nobody may be waiting.
            let _ = sender.send(());
        });
        // A timer holds 31 bits: the machine is woken early and asks again.
        let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        let callback = ring.as_ref().unchecked_ref();
        let timer = window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(callback, milliseconds)
            .expect("a page has timers");
        Self {
            timer,
            rings,
            _ring: ring,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.rings.poll_unpin(context).map(|_| ())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        window().clear_timeout_with_handle(self.timer);
    }
}

/// A browser's socket.
pub struct WebSocketEvents {
    /// Absent where the browser refused the address.
    socket: Option<WebSocket>,
    events: mpsc::UnboundedReceiver<SocketEvent>,
    _listeners: Vec<Listener>,
}

impl fmt::Debug for WebSocketEvents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebSocketEvents")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

impl WebSocketEvents {
    fn connect(url: &str) -> Self {
        let (sender, events) = mpsc::unbounded();
        match WebSocket::new_with_str(url, Codec::MessagePack.subprotocol()) {
            Ok(socket) => {
                socket.set_binary_type(BinaryType::Arraybuffer);
                Self {
                    _listeners: hear(&socket, &sender),
                    socket: Some(socket),
                    events,
                }
            }
            Err(error) => {
                let reason = format!("the browser refuses the address {url}: {}", name(&error));
                // The receiver is right here.
                let _ = sender.unbounded_send(SocketEvent::Closed { code: None, reason });
                Self {
                    socket: None,
                    events,
                    _listeners: Vec::new(),
                }
            }
        }
    }
}

fn name(error: &JsValue) -> String {
    let name = Reflect::get(error, &"name".into()).ok();
    name.and_then(|name| name.as_string()).unwrap_or_default()
}

fn hear(socket: &WebSocket, sender: &mpsc::UnboundedSender<SocketEvent>) -> Vec<Listener> {
    type Read = fn(&Event) -> Option<SocketEvent>;
    let kinds: [(&'static str, Read); 3] = [
        ("open", |_| Some(SocketEvent::Opened)),
        ("message", read_message),
        ("close", read_close),
    ];
    let listen = |(kind, read): (&'static str, Read)| {
        let sender = sender.clone();
        Listener::new(socket, kind, move |event| {
            if let Some(event) = read(&event) {
                // The driver may have dropped the socket.
                let _ = sender.unbounded_send(event);
            }
        })
    };
    kinds.into_iter().filter_map(listen).collect()
}

fn read_message(event: &Event) -> Option<SocketEvent> {
    let data = event.dyn_ref::<MessageEvent>()?.data();
    // Text is no frame of this sub-protocol: empty bytes are refused by the codec.
    let bytes = data
        .dyn_ref::<ArrayBuffer>()
        .map(|buffer| Uint8Array::new(buffer).to_vec());
    Some(SocketEvent::Frame(bytes.unwrap_or_default()))
}

fn read_close(event: &Event) -> Option<SocketEvent> {
    let event = event.dyn_ref::<CloseEvent>()?;
    let reason = match event.reason() {
        reason if reason.is_empty() => "the connection ended".to_owned(),
        reason => reason,
    };
    Some(SocketEvent::Closed {
        code: Some(event.code()),
        reason,
    })
}

impl Stream for WebSocketEvents {
    type Item = SocketEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        self.events.poll_next_unpin(context)
    }
}

impl Socket for WebSocketEvents {
    fn send(&mut self, frame: Vec<u8>) {
        if let Some(socket) = &self.socket {
            // It fails before the socket is open and drops what is sent after: as promised.
            let _ = socket.send_with_u8_array(&frame);
        }
    }

    fn close(&mut self) {
        if let Some(socket) = &self.socket {
            // It fails only for a bad code.
            let _ = socket.close();
        }
    }
}

impl Drop for WebSocketEvents {
    fn drop(&mut self) {
        self.close();
    }
}
