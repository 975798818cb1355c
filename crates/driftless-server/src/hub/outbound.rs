//! What is written to a connection: a frame of its own, or one whose bytes others share.

use std::sync::Arc;

use bytes::Bytes;
use driftless_protocol::{Codec, ServerMessage};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// What is written to a connection.
#[derive(Debug, Clone)]
pub enum Outbound {
    /// A frame. The socket copies it, together with those that go in the same write.
    Frame(Message),
    /// A frame too large for that.
    Shared(SharedFrame),
}

/// A frame that is written from where its bytes are.
#[derive(Debug, Clone)]
pub struct SharedFrame {
    /// The WebSocket's header, and what is for this connection alone.
    pub own: Bytes,
    /// The rest.
    pub shared: Arc<[Bytes]>,
    /// The payload, in bytes.
    pub payload_bytes: usize,
}

impl Outbound {
    /// A message as a frame of its sub-protocol.
    pub fn message(codec: Codec, message: &ServerMessage) -> Self {
        Self::Frame(frame(codec, codec.encode_server(message)))
    }

    /// A message in pieces, copied together.
    pub fn joined(codec: Codec, mut head: Vec<u8>, rest: &[Bytes]) -> Self {
        head.reserve(rest.iter().map(Bytes::len).sum());
        for piece in rest {
            head.extend_from_slice(piece);
        }
        Self::Frame(frame(codec, head))
    }

    /// A message in pieces, of which the rest, of so many bytes, stays where it is.
    pub fn shared(codec: Codec, head: &[u8], rest: Arc<[Bytes]>, rest_bytes: usize) -> Self {
        let payload_bytes = head.len() + rest_bytes;
        let data = match codec {
            Codec::MessagePack => Data::Binary,
            Codec::Json => Data::Text,
        };
        let header = FrameHeader {
            opcode: OpCode::Data(data),
            ..FrameHeader::default()
        };
        let length = u64::try_from(payload_bytes).unwrap_or(u64::MAX);
        let mut own = Vec::with_capacity(head.len() + header.len(length));
        let formatted = header.format(length, &mut own);
        formatted.expect("memory takes everything");
        own.extend_from_slice(head);
        Self::Shared(SharedFrame {
            own: own.into(),
            shared: rest,
            payload_bytes,
        })
    }

    /// The payload, in bytes.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Self::Frame(Message::Text(text)) => text.len(),
            Self::Frame(Message::Binary(bytes)) => bytes.len(),
            Self::Frame(_) => 0,
            Self::Shared(frame) => frame.payload_bytes,
        }
    }
}

fn frame(codec: Codec, bytes: Vec<u8>) -> Message {
    match codec {
        Codec::MessagePack => Message::Binary(bytes.into()),
        Codec::Json => {
            Message::Text(Utf8Bytes::try_from(bytes).expect("the JSON encoder writes UTF-8"))
        }
    }
}
