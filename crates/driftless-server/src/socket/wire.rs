//! One WebSocket as messages in one encoding, and how it ends.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use driftless_model::limits;
use driftless_protocol::{ClientMessage, CloseCode, Code, Codec, ServerMessage};
use futures::task::AtomicWaker;
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as CloseNumber;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};

use crate::hub::{Closing, Outbound};
use crate::metrics::Metrics;
use crate::pace::TooFast;
use crate::socket::stream::SharedStream;

/// How long the last messages of a connection may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest reason in a close frame, in bytes: a control frame has at most 125.
const REASON_BYTES_MAX: usize = 120;

/// A WebSocket of the server's.
pub type WebSocket = WebSocketStream<SharedStream<TokioIo<Upgraded>>>;

/// One WebSocket with the messages on it.
pub struct Wire {
    socket: WebSocket,
    codec: Codec,
    /// How long a peer may read nothing.
    patience: Duration,
    /// Until when the peer may still be reading what was written.
    reads_until: Instant,
    metrics: Arc<Metrics>,
    arrival: Arc<Arrival>,
    /// Of `arrival`.
    waker: Waker,
}

/// Tells the socket's wakes from all others of a connection.
#[derive(Debug)]
struct Arrival {
    is_there: AtomicBool,
    connection: AtomicWaker,
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_there.store(true, Ordering::Release);
        self.connection.wake();
    }
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Box<ClientMessage>),
    /// A sign of life without content.
    Heard,
    /// Nothing more will come.
    End(End),
}

/// Why a connection ends.
#[derive(Debug)]
pub enum End {
    /// The peer is gone.
    Gone,
    /// The server ends it.
    Close {
        /// What is wrong, if anything.
        error: Option<Box<ServerMessage>>,
        /// How it ends.
        closing: Closing,
    },
}

impl End {
    /// The number of the close; `None` where there was nobody to tell.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Gone => None,
            Self::Close { closing, .. } => Some(closing.code.number()),
        }
    }

    /// An end without a fault.
    pub fn close(closing: Closing) -> Self {
        Self::Close {
            error: None,
            closing,
        }
    }

    /// An end with an error that says why.
    pub fn fault(close: CloseCode, code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let closing = Closing::new(close, detail.clone());
        let error = Some(Box::new(ServerMessage::Error {
            code,
            detail,
            board: None,
            feed: None,
        }));
        Self::Close { error, closing }
    }

    /// The client asks for more than it may, at once or altogether.
    pub fn too_fast(wait: TooFast, detail: impl Into<String>) -> Self {
        let mut end = Self::fault(CloseCode::Overloaded, Code::RateLimited, detail);
        if let Self::Close { closing, .. } = &mut end {
            closing.reconnect_after_ms = limits::OVERLOADED_RETRY_MS.max(wait.retry_after_ms());
        }
        end
    }

    /// The client broke the protocol.
    pub fn violation(code: Code, detail: impl Into<String>) -> Self {
        Self::fault(CloseCode::Violation, code, detail)
    }
}

impl Wire {
    /// A socket that speaks `codec`.
    pub fn new(socket: WebSocket, codec: Codec, patience: Duration, metrics: Arc<Metrics>) -> Self {
        // Nobody has looked yet.
        let arrival = Arc::new(Arrival {
            is_there: AtomicBool::new(true),
            connection: AtomicWaker::new(),
        });
        Self {
            socket,
            codec,
            patience,
            reads_until: Instant::now(),
            metrics,
            waker: arrival.clone().into(),
            arrival,
        }
    }

    /// The encoding.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Waits for what comes in. May be dropped at any time without losing anything.
    pub async fn receive(&mut self) -> Incoming {
        poll_fn(|context| self.poll_receive(context)).await
    }

    /// What came in already.
    pub async fn receive_now(&mut self) -> Option<Incoming> {
        poll_fn(|context| match self.poll_receive(context) {
            Poll::Ready(incoming) => Poll::Ready(Some(incoming)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// What comes in next. The socket is only looked at where it has woken the connection since:
    /// most wakes are for something to write, and a look costs as much as the write itself.
    pub fn poll_receive(&mut self, context: &Context<'_>) -> Poll<Incoming> {
        self.arrival.connection.register(context.waker());
        if !self.arrival.is_there.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let mut of_socket = Context::from_waker(&self.waker);
        let Poll::Ready(frame) = self.socket.poll_next_unpin(&mut of_socket) else {
            return Poll::Pending;
        };
        // There may be more.
        self.arrival.is_there.store(true, Ordering::Release);
        self.socket.get_mut().forget_read();
        Poll::Ready(self.read(frame))
    }

    /// From when on silence counts against a peer that was last heard at a time: what it still
    /// reads or writes at the slowest pace holds up whatever it says besides.
    pub fn silent_from(&self, heard_at: Instant) -> Instant {
        let mut from = heard_at.max(self.reads_until);
        if self.socket.get_ref().has_read() {
            from = from.max(heard_at + transfer(limits::FRAME_BYTES_MAX));
        }
        from
    }

    fn read(&self, frame: Option<Result<Frame, Error>>) -> Incoming {
        match frame {
            None | Some(Ok(Frame::Close(_))) => Incoming::End(End::Gone),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => Incoming::Heard,
            Some(Ok(Frame::Text(text))) if self.codec == Codec::Json => {
                self.decode(text.as_str().as_bytes())
            }
            Some(Ok(Frame::Binary(bytes))) if self.codec == Codec::MessagePack => {
                self.decode(&bytes)
            }
            Some(Ok(Frame::Text(_) | Frame::Binary(_))) => {
                let detail = "JSON travels in text frames, MessagePack in binary ones";
                Incoming::End(End::violation(Code::Malformed, detail))
            }
            Some(Err(error)) => Incoming::End(end_of(&error)),
        }
    }

    fn decode(&self, bytes: &[u8]) -> Incoming {
        match self.codec.decode_client(bytes) {
            Ok(message) => Incoming::Message(Box::new(message)),
            Err(error) => Incoming::End(End::violation(Code::Malformed, error.to_string())),
        }
    }

    /// Writes a message.
    pub async fn send(&mut self, message: &ServerMessage) -> Result<(), End> {
        let frame = Outbound::message(self.codec, message);
        self.send_all(vec![frame]).await
    }

    /// Writes frames, in as few writes as possible. A peer that does not read them is taken for
    /// gone.
    pub async fn send_all(&mut self, mut frames: Vec<Outbound>) -> Result<(), End> {
        if frames.is_empty() {
            return Ok(());
        }
        let mut bytes: usize = frames.iter().map(Outbound::payload_bytes).sum();
        if bytes > limits::UNANNOUNCED_BYTES_MAX {
            self.reads_until = self.reads_until.max(Instant::now() + transfer(bytes));
            frames = announced(self.codec, frames);
            bytes = frames.iter().map(Outbound::payload_bytes).sum();
        }
        let count = frames.len();
        let deadline = self.patience + transfer(bytes);
        let metrics = self.metrics.clone();
        let mut writing = pin!(self.write(frames));
        // Most writes are done at once: a timer would cost more than they do.
        let written = match futures::poll!(writing.as_mut()) {
            Poll::Ready(written) => Ok(written),
            Poll::Pending => tokio::time::timeout(deadline, writing).await,
        };
        match written {
            Ok(Ok(())) => {
                metrics.wrote(count, bytes);
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                let reason = format!("nothing was read for {} ms", deadline.as_millis());
                Err(End::close(Closing::new(CloseCode::TimedOut, reason)))
            }
        }
    }

    async fn write(&mut self, frames: Vec<Outbound>) -> Result<(), Error> {
        for frame in frames {
            match frame {
                Outbound::Frame(frame) => self.socket.feed(frame).await?,
                Outbound::Shared(frame) => {
                    self.socket.flush().await?;
                    self.socket.get_mut().put(frame);
                }
            }
        }
        self.socket.flush().await
    }

    /// Says goodbye, if there is anybody to say it to, and waits a moment for the peer to close:
    /// one that is cut off while it still sends would not see why.
    pub async fn finish(mut self, end: End) {
        let End::Close { error, closing } = end else {
            return;
        };
        let goodbye = ServerMessage::Goodbye {
            close: closing.code.number(),
            reason: closing.reason.clone(),
            reconnect_after_ms: closing.reconnect_after_ms,
        };
        let messages = error.iter().map(|error| &**error).chain([&goodbye]);
        let mut frames: Vec<_> = messages
            .map(|message| Outbound::message(self.codec, message))
            .collect();
        frames.push(Outbound::Frame(Frame::Close(Some(CloseFrame {
            code: CloseNumber::from(closing.code.number()),
            reason: shortened(&closing.reason).into(),
        }))));
        let farewell = async {
            if self.write(frames).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        tokio::time::timeout(FAREWELL, farewell).await.ok();
    }
}

/// How long the slowest peer takes for so many bytes.
fn transfer(bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_millis(bytes / limits::BYTES_PER_MS_MIN)
}

/// With a word before each large frame: its peer hears nothing else until that is whole.
fn announced(codec: Codec, frames: Vec<Outbound>) -> Vec<Outbound> {
    let announced = frames.into_iter().flat_map(|frame| {
        let announcing = ServerMessage::announcing(frame.payload_bytes());
        let announcing = announcing.map(|message| Outbound::message(codec, &message));
        announcing.into_iter().chain([frame])
    });
    announced.collect()
}

fn end_of(error: &Error) -> End {
    match error {
        Error::Capacity(_) => {
            let limit = limits::FRAME_BYTES_MAX;
            let detail = format!("a frame has at most {limit} bytes; send less at once");
            End::violation(Code::TooLarge, detail)
        }
        Error::Utf8(_) => End::violation(Code::Malformed, "a text frame is UTF-8"),
        _ => End::Gone,
    }
}

fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_in_a_control_frame_and_stays_text() {
        let long = "ß".repeat(100);
        assert_eq!(shortened(&long).len(), 120);
        assert_eq!(shortened("short"), "short");
        let odd = format!("a{long}");
        assert_eq!(shortened(&odd).len(), 119);
    }
}
