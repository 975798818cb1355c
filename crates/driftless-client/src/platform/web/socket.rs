//! The browser's sockets.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use driftless_protocol::Codec;
use futures::channel::mpsc;
use futures::{Stream, StreamExt};
use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::listener::Listener;
use crate::platform::{Socket, SocketEvent};

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
    pub(super) fn connect(url: &str) -> Self {
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
