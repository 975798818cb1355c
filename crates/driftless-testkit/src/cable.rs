//! Sockets without a network: a client's end, and the server's.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use driftless_client::platform::{Socket, SocketEvent};
use driftless_protocol::{ClientMessage, CloseCode, Codec, ServerMessage};
use futures::channel::mpsc;
use futures::{Stream, StreamExt};

/// Whether a person has a network; shared by all their sockets.
#[derive(Debug, Clone)]
pub struct Cable(Rc<Cell<bool>>);

impl Cable {
    /// One that is plugged in.
    pub fn new() -> Self {
        Self(Rc::new(Cell::new(true)))
    }

    /// Whether anything gets through.
    pub fn is_whole(&self) -> bool {
        self.0.get()
    }

    /// Cuts it, or mends it.
    pub fn set_whole(&self, is_whole: bool) {
        self.0.set(is_whole);
    }
}

#[derive(Debug, Default)]
struct Line {
    to_server: RefCell<VecDeque<Vec<u8>>>,
    is_client_gone: Cell<bool>,
}

/// A client's end of a socket.
#[derive(Debug)]
pub struct KitSocket {
    events: mpsc::UnboundedReceiver<SocketEvent>,
    line: Rc<Line>,
    cable: Cable,
}

/// The server's end of a socket. Dropping it closes the socket without a word.
#[derive(Debug)]
pub struct ServerEnd {
    events: mpsc::UnboundedSender<SocketEvent>,
    line: Rc<Line>,
    cable: Cable,
}

/// Both ends of a socket over a cable.
pub fn socket(cable: &Cable) -> (KitSocket, ServerEnd) {
    let (sender, events) = mpsc::unbounded();
    let line = Rc::<Line>::default();
    let client = KitSocket {
        events,
        line: Rc::clone(&line),
        cable: cable.clone(),
    };
    let server = ServerEnd {
        events: sender,
        line,
        cable: cable.clone(),
    };
    (client, server)
}

impl Stream for KitSocket {
    type Item = SocketEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        self.events.poll_next_unpin(context)
    }
}

impl Socket for KitSocket {
    fn send(&mut self, frame: Vec<u8>) {
        if self.cable.is_whole() {
            self.line.to_server.borrow_mut().push_back(frame);
        }
    }

    fn close(&mut self) {
        self.line.is_client_gone.set(true);
    }
}

impl Drop for KitSocket {
    fn drop(&mut self) {
        self.line.is_client_gone.set(true);
    }
}

impl ServerEnd {
    /// Tells the client that the socket is open.
    pub fn open(&self) {
        self.tell(SocketEvent::Opened);
    }

    /// The next message of the client, or what its bytes are instead.
    pub fn receive(&self) -> Option<Result<ClientMessage, String>> {
        let frame = self.line.to_server.borrow_mut().pop_front()?;
        let message = Codec::MessagePack.decode_client(&frame);
        Some(message.map_err(|error| error.to_string()))
    }

    /// Sends a message, as bytes like any other; before a large one, that it comes.
    pub fn send(&self, message: &ServerMessage) {
        if self.cable.is_whole() {
            let frame = Codec::MessagePack.encode_server(message);
            if let Some(announcing) = ServerMessage::announcing(frame.len()) {
                self.send(&announcing);
            }
            self.tell(SocketEvent::Frame(frame));
        }
    }

    /// Closes the socket, with a code where there is one.
    pub fn close(&self, code: Option<CloseCode>, reason: &str) {
        self.tell(SocketEvent::Closed {
            code: code.map(CloseCode::number),
            reason: reason.to_owned(),
        });
    }

    /// Whether the client let go of it, or the cable is cut.
    pub fn is_gone(&self) -> bool {
        self.is_abandoned() || !self.cable.is_whole()
    }

    /// Whether the client let go of it.
    pub fn is_abandoned(&self) -> bool {
        self.line.is_client_gone.get()
    }

    fn tell(&self, event: SocketEvent) {
        // The client may have let go of it.
        let _ = self.events.unbounded_send(event);
    }
}
