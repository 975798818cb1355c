//! Somebody with a raw socket, who speaks JSON.

use std::net::SocketAddr;

use driftless_model::{
    BoardId, Change, ClientId, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId, Version,
};
use driftless_protocol::message::{Hello, Push, Resume, Settled, Subscribe};
use driftless_protocol::{ClientMessage, Codec, PROTOCOL, Payload, ServerMessage};
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::process::PATIENCE;

/// Somebody with a raw socket.
pub struct Person {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Person {
    pub async fn connect(address: SocketAddr, client: u128) -> Self {
        Self::connect_with(address, client, "Ann").await
    }

    /// Somebody who comes with this token.
    pub async fn connect_with(address: SocketAddr, client: u128, token: &str) -> Self {
        let uri = format!("ws://{address}/rt").parse().expect("a URL");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(Codec::Json.subprotocol());
        let (socket, _) = connect_async(request).await.expect("connects");
        let mut person = Self { socket };
        let hello = ClientMessage::Hello(Hello {
            protocol: PROTOCOL,
            client: ClientId(client),
            token: Some(token.to_owned()),
            build: "test".to_owned(),
            boards: vec![],
        });
        person.send(&hello).await;
        let welcome = person.message().await;
        assert!(matches!(welcome, ServerMessage::Welcome(_)), "{welcome:?}");
        person
    }

    pub async fn send(&mut self, message: &ClientMessage) {
        let text = String::from_utf8(Codec::Json.encode_client(message)).expect("text");
        self.socket.send(Frame::text(text)).await.expect("sends");
    }

    pub async fn message(&mut self) -> ServerMessage {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let frame = next.expect("something comes").expect("a frame");
            let text = frame.expect("a frame").into_text().expect("text");
            let message = Codec::Json.decode_server(text.as_bytes());
            match message.expect("a message") {
                ServerMessage::Ping { nonce, .. } => {
                    self.send(&ClientMessage::Pong { nonce }).await;
                }
                message => return message,
            }
        }
    }

    pub async fn subscribe(&mut self) -> Box<Resume> {
        let subscribe = Subscribe {
            board: home(),
            cursor: None,
        };
        self.send(&ClientMessage::Subscribe(subscribe)).await;
        match self.message().await {
            ServerMessage::Resume(resume) => resume,
            other => panic!("no resume: {other:?}"),
        }
    }

    pub async fn push(&mut self, push: Push) {
        self.send(&ClientMessage::Push(push)).await;
    }

    pub async fn outcome(&mut self) -> Settled {
        match self.message().await {
            ServerMessage::Outcome(settled) => settled,
            other => panic!("no outcome: {other:?}"),
        }
    }
}

pub fn home() -> BoardId {
    BoardId::new("home").expect("a board id")
}

/// The nth edit: another record each time.
pub fn push(seq: u64) -> Push {
    let title = LeafPath::new("title").expect("a path");
    let id = EditId(seq.into());
    let change = Change {
        record: RecordId::new(format!("chart-{seq}")).expect("a record id"),
        seen: Version(0),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [(title, seq.to_string().into())].into(),
        },
    };
    let edit = Edit {
        id,
        label: "Add a chart".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![change],
    };
    Push {
        board: home(),
        seq,
        id,
        settled: 0,
        payload: Payload::seal(&edit).expect("is small"),
        again: None,
    }
}
