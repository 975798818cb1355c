//! One connection of the load: the real protocol over a real socket, or the floor's bare frames.

use std::time::Instant;

use driftless_model::{
    BoardId, Change, ClientId, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId, Value,
    Version, limits,
};
use driftless_protocol::message::{Hello, Outcome, Push, Settled, Subscribe};
use driftless_protocol::{ClientMessage, Codec, PROTOCOL, Payload, ServerMessage};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, ClientRequestBuilder, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::bench::error::BenchError;
use crate::bench::target::{Side, Target};

/// The read and write buffers of a connection of the load, in bytes.
const BUFFER_BYTES: usize = 16 * 1024;
/// What comes before the filler in a frame of the floor: writer, seq and time.
const HEADER_BYTES: usize = 24;
/// How an event begins: a map with one entry of this name.
const EVENT: &[u8] = b"\x81\xa5event";

/// One connection of the load.
pub struct Line {
    socket: WebSocketStream<TcpStream>,
    side: Side,
    board: BoardId,
    /// Its number among the connections, from 0: part of its client id, and its record.
    number: u64,
    /// Where the load's clock starts.
    epoch: Instant,
    last_seq: u64,
    settled: u64,
    /// The newest version of an own edit: what the next one has seen.
    seen: Version,
    /// The floor's last frame: the next one differs in its header only.
    filler: Vec<u8>,
    /// What came in.
    pub bytes_in: u64,
    /// What went out.
    pub bytes_out: u64,
}

/// What came in.
#[derive(Debug)]
pub enum Heard {
    /// The oldest own update that was not acknowledged is.
    Acknowledged,
    /// Somebody else's update, as it came.
    Update(Bytes),
}

/// Who connects.
#[derive(Debug, Clone)]
pub struct Who {
    /// Its number among all connections, from 0.
    pub number: u64,
    /// What its client id begins with: no two runs share one.
    pub run: u64,
    /// The board that it follows.
    pub board: BoardId,
    /// Where the load's clock starts.
    pub epoch: Instant,
}

impl Line {
    /// Connects and follows a board.
    pub async fn connect(target: &Target, who: Who) -> Result<Self, BenchError> {
        let mut line = Self {
            socket: socket(target, &who.board).await?,
            side: target.side,
            board: who.board,
            number: who.number,
            epoch: who.epoch,
            last_seq: 0,
            settled: 0,
            seen: Version(0),
            filler: Vec::new(),
            bytes_in: 0,
            bytes_out: 0,
        };
        if target.side == Side::Driftless {
            let client = ClientId(u128::from(who.run) << 64 | u128::from(who.number));
            line.greet(target.token.clone(), client).await?;
        }
        Ok(line)
    }

    async fn greet(&mut self, token: Option<String>, client: ClientId) -> Result<(), BenchError> {
        let board = self.board.clone();
        let hello = ClientMessage::Hello(Hello {
            protocol: PROTOCOL,
            client,
            token,
            build: "driftless bench".to_owned(),
            boards: vec![Subscribe {
                board,
                cursor: None,
            }],
        });
        self.feed(&hello).await?;
        self.flush().await?;
        loop {
            match decode(&self.frame().await?)? {
                ServerMessage::Resume(_) => return Ok(()),
                ServerMessage::Welcome(_) => {}
                other => return Err(unexpected(other)),
            }
        }
    }

    /// Makes the connection's own record, and waits until it is there: what is sent from here on
    /// rests on nothing that is under way.
    pub async fn make_record(&mut self) -> Result<(), BenchError> {
        self.update(0).await?;
        self.flush().await?;
        while !matches!(self.heard().await?, Heard::Acknowledged) {}
        Ok(())
    }

    /// Puts an update into what is written next: a value of `bytes` bytes that begins with the
    /// time, on the connection's own record and one of its leaves.
    ///
    /// Leaves are taken in turn, so that no update rests on one that is still under way as long as
    /// there are at most [`limits::IN_FLIGHT_MAX`].
    pub async fn update(&mut self, bytes: usize) -> Result<(), BenchError> {
        let leaf = self.last_seq % limits::IN_FLIGHT_MAX as u64;
        self.last_seq += 1;
        let micros = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        let is_like_the_last = self.last_seq > 2 && self.side != Side::Driftless;
        let mut frame = std::mem::take(&mut self.filler);
        if !is_like_the_last {
            let value = format!("{micros:016x}{}", "x".repeat(bytes.saturating_sub(16)));
            let message = ClientMessage::Push(self.push(leaf, &value));
            frame = Codec::MessagePack.encode_client(&message);
        }
        if self.side != Side::Driftless {
            // As large as a real one.
            let header = [self.number, self.last_seq, micros].map(u64::to_le_bytes);
            frame[..HEADER_BYTES].copy_from_slice(&header.concat());
            self.filler.clone_from(&frame);
        }
        self.feed_bytes(frame).await
    }

    fn push(&self, leaf: u64, value: &str) -> Push {
        let leaf = LeafPath::new(format!("options/o{leaf}")).expect("a path");
        let value = Value::from(value);
        // The first edit makes the record; on a record that is there, a creation sets its leaves.
        let op = if self.last_seq == 1 {
            Op::Create {
                kind: KindName::new("note").expect("a kind"),
                leaves: [(leaf, value)].into(),
            }
        } else {
            Op::Set { leaf, value }
        };
        let id = EditId(u128::from(self.number) << 64 | u128::from(self.last_seq));
        let edit = Edit {
            id,
            label: "Edit".to_owned(),
            on_stale: OnStale::Policy,
            changes: vec![Change {
                record: RecordId::new(format!("r{}", self.number)).expect("a record id"),
                seen: self.seen,
                op,
            }],
        };
        Push {
            board: self.board.clone(),
            seq: self.last_seq,
            id,
            settled: self.settled,
            payload: Payload::seal(&edit).expect("is small"),
            again: None,
        }
    }

    async fn feed(&mut self, message: &ClientMessage) -> Result<(), BenchError> {
        let bytes = Codec::MessagePack.encode_client(message);
        self.feed_bytes(bytes).await
    }

    async fn feed_bytes(&mut self, bytes: Vec<u8>) -> Result<(), BenchError> {
        self.bytes_out += bytes.len() as u64;
        let fed = self.socket.feed(Frame::binary(bytes)).await;
        fed.map_err(|error| BenchError::Broken(error.to_string()))
    }

    /// Writes what was put in.
    pub async fn flush(&mut self) -> Result<(), BenchError> {
        let flushed = self.socket.flush().await;
        flushed.map_err(|error| BenchError::Broken(error.to_string()))
    }

    /// Waits for what comes in, and answers heartbeats. May be dropped without losing anything,
    /// except while it answers one.
    pub async fn heard(&mut self) -> Result<Heard, BenchError> {
        loop {
            let frame = self.frame().await?;
            if let Some(heard) = self.read(frame).await? {
                return Ok(heard);
            }
        }
    }

    /// What is there already.
    pub async fn heard_now(&mut self) -> Result<Option<Heard>, BenchError> {
        while let Some(frame) = self.frame().now_or_never() {
            if let Some(heard) = self.read(frame?).await? {
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }

    async fn frame(&mut self) -> Result<Bytes, BenchError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Frame::Binary(bytes))) => {
                    self.bytes_in += bytes.len() as u64;
                    return Ok(bytes);
                }
                Some(Ok(Frame::Close(_))) | None => {
                    let reason = "the server closed it".to_owned();
                    return Err(BenchError::Broken(reason));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(BenchError::Broken(error.to_string())),
            }
        }
    }

    async fn read(&mut self, frame: Bytes) -> Result<Option<Heard>, BenchError> {
        if self.side != Side::Driftless {
            let is_own = frame.starts_with(&self.number.to_le_bytes());
            return Ok(Some(if is_own {
                Heard::Acknowledged
            } else {
                Heard::Update(frame)
            }));
        }
        if frame.starts_with(EVENT) {
            return Ok(Some(Heard::Update(frame)));
        }
        match decode(&frame)? {
            ServerMessage::Outcome(settled) => self.settle(&settled).map(Some),
            ServerMessage::Ping { nonce, .. } => {
                self.feed(&ClientMessage::Pong { nonce }).await?;
                self.flush().await?;
                Ok(None)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Outcomes come in the order of the edits, and every one of these edits can be applied.
    fn settle(&mut self, settled: &Settled) -> Result<Heard, BenchError> {
        match &settled.outcome {
            Outcome::Applied { version, .. } if settled.seq == self.settled + 1 => {
                self.settled = settled.seq;
                self.seen = *version;
                Ok(Heard::Acknowledged)
            }
            outcome => {
                let seq = settled.seq;
                Err(BenchError::Broken(format!("seq {seq} became {outcome:?}")))
            }
        }
    }
}

async fn socket(
    target: &Target,
    board: &BoardId,
) -> Result<WebSocketStream<TcpStream>, BenchError> {
    let failed = |reason: String| BenchError::Connect {
        address: target.host.clone(),
        reason,
    };
    let mut uri = format!("ws://{}{}", target.host, target.path);
    if target.side != Side::Driftless {
        uri = format!("{uri}/{board}");
    }
    let uri = uri.parse().map_err(|_| BenchError::Url(uri.clone()))?;
    let mut request = ClientRequestBuilder::new(uri);
    if target.side == Side::Driftless {
        request = request.with_sub_protocol(Codec::MessagePack.subprotocol());
    }
    let stream = TcpStream::connect(&target.host).await;
    let stream = stream.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    let connected = client_async_with_config(request, stream, Some(config)).await;
    let (socket, _) = connected.map_err(|error| failed(error.to_string()))?;
    Ok(socket)
}

/// When a floor's update was sent, in microseconds of the load's clock, and its seq.
pub fn of_floor(frame: &[u8]) -> Option<(u64, u64)> {
    let number = |from: usize| {
        let bytes = frame.get(from..from + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    Some((number(16)?, number(8)?))
}

/// When an event's update was sent, in microseconds of the load's clock, and its version.
pub fn of_event(frame: &[u8]) -> Option<(u64, u64)> {
    let Ok(ServerMessage::Event(event)) = Codec::MessagePack.decode_server(frame) else {
        return None;
    };
    let writes = event.effects.first()?.op.writes();
    let micros = writes.first()?.1?.as_text()?.get(..16)?;
    Some((u64::from_str_radix(micros, 16).ok()?, event.version.0))
}

fn decode(frame: &[u8]) -> Result<ServerMessage, BenchError> {
    let message = Codec::MessagePack.decode_server(frame);
    message.map_err(|error| BenchError::Broken(error.to_string()))
}

fn unexpected(message: ServerMessage) -> BenchError {
    match message {
        ServerMessage::Error { code, detail, .. } | ServerMessage::Refused { code, detail, .. } => {
            BenchError::Refused { code, detail }
        }
        ServerMessage::Goodbye { reason, .. } => BenchError::Broken(reason),
        other => BenchError::Broken(format!("unexpected: {other:?}")),
    }
}
