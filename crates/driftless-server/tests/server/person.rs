//! Somebody with a raw socket.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use driftless_model::{
    BoardId, Change, ClientId, Cursor, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId,
    Value, Version,
};
use driftless_protocol::message::{Event, Hello, Push, Resume, Settled, Subscribe, Welcome};
use driftless_protocol::{ClientMessage, Codec, Payload, ServerMessage};
use driftless_server::{
    Builder, Driftless, StoredAuth, ops_router, push_router, router, sharing_router,
};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{self, ClientRequestBuilder, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a port of its own.
pub struct Server {
    pub address: SocketAddr,
    pub driftless: Driftless,
}

impl Server {
    pub async fn start(builder: Builder) -> Self {
        Self::start_with(builder, None).await
    }

    /// With accounts that owners may share their boards in.
    pub async fn start_with(builder: Builder, auth: Option<StoredAuth>) -> Self {
        let driftless = builder.start().await.expect("starts");
        let app: Router = Router::new()
            .nest("/rt", router(driftless.clone()))
            .merge(ops_router(driftless.clone()))
            .merge(push_router(driftless.clone()))
            .merge(sharing_router(driftless.clone(), auth));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, app).into_future());
        Self { address, driftless }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/rt", self.address)
    }

    /// A socket that has said nothing yet.
    pub async fn socket(&self, codec: Codec) -> Person {
        let uri = self.url().parse().expect("a URL");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(codec.subprotocol());
        let (socket, _) = connect_async(request).await.expect("connects");
        Person {
            socket,
            codec,
            client: ClientId(0),
        }
    }

    /// Somebody who said hello, and on whose own side little waits that they have not read.
    pub async fn small_socket(&self, client: u128, name: &str) -> Person {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(8 * 1024).expect("is set");
        let stream = socket.connect(self.address).await.expect("connects");
        let codec = Codec::Json;
        let uri = self.url().parse().expect("a URL");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(codec.subprotocol());
        let shaken = client_async(request, MaybeTlsStream::Plain(stream)).await;
        let mut person = Person {
            socket: shaken.expect("shakes hands").0,
            codec,
            client: ClientId(client),
        };
        person.hello(name).await;
        person.message().await;
        person
    }

    /// A socket of somebody whom a proxy of this machine lets through; else the answer.
    pub async fn socket_from(&self, address: &str) -> Result<Person, Box<Response>> {
        let codec = Codec::Json;
        let uri = self.url().parse().expect("a URL");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(codec.subprotocol());
        let request = request.with_header("X-Forwarded-For", address);
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Person {
                socket,
                codec,
                client: ClientId(0),
            }),
            Err(tungstenite::Error::Http(response)) => Err(response),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// Somebody who said hello.
    pub async fn person(&self, client: u128, name: &str) -> Person {
        self.person_with(Codec::Json, client, name).await.0
    }

    /// Whoever comes with this token and is refused: with which close code, and why.
    pub async fn refused(&self, token: &str) -> (u16, String) {
        let mut person = self.socket(Codec::Json).await;
        person.hello(token).await;
        person.last_words().await
    }

    pub async fn person_with(&self, codec: Codec, client: u128, name: &str) -> (Person, Welcome) {
        let mut person = self.socket(codec).await;
        person.client = ClientId(client);
        person.hello(name).await;
        match person.message().await {
            ServerMessage::Welcome(welcome) => (person, welcome),
            other => panic!("no welcome: {other:?}"),
        }
    }

    /// Somebody who follows the board "home" from nothing.
    pub async fn follower(&self, client: u128, name: &str) -> Person {
        let mut person = self.person(client, name).await;
        person.subscribe(None).await;
        person
    }
}

/// Somebody with a raw socket.
pub struct Person {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    codec: Codec,
    client: ClientId,
}

/// What came in.
#[derive(Debug)]
pub enum Heard {
    Message(ServerMessage),
    Closed(u16),
    Gone,
}

impl Person {
    pub async fn send(&mut self, message: ClientMessage) {
        let bytes = self.codec.encode_client(&message);
        let frame = match self.codec {
            Codec::Json => Frame::text(String::from_utf8(bytes).expect("text")),
            Codec::MessagePack => Frame::binary(bytes),
        };
        self.socket.send(frame).await.expect("sends");
    }

    pub async fn hello(&mut self, name: &str) {
        let hello = hello(self.client, Some(name));
        self.send(ClientMessage::Hello(hello)).await;
    }

    /// The next thing that is no heartbeat.
    pub async fn heard(&mut self) -> Heard {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let message = match next.expect("something comes") {
                Some(Ok(Frame::Text(text))) => self.codec.decode_server(text.as_bytes()),
                Some(Ok(Frame::Binary(bytes))) => self.codec.decode_server(&bytes),
                Some(Ok(Frame::Close(frame))) => {
                    let frame = frame.expect("closes have a code");
                    return Heard::Closed(frame.code.into());
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Heard::Gone,
            };
            match message.expect("a message") {
                ServerMessage::Ping { nonce, .. } => self.send(ClientMessage::Pong { nonce }).await,
                message => return Heard::Message(message),
            }
        }
    }

    pub async fn message(&mut self) -> ServerMessage {
        match self.heard().await {
            Heard::Message(message) => message,
            other => panic!("no message: {other:?}"),
        }
    }

    /// With which code the connection ends, and what the error before that said.
    pub async fn last_words(&mut self) -> (u16, String) {
        let mut said = String::new();
        loop {
            match self.heard().await {
                Heard::Message(ServerMessage::Error { detail, .. }) => said = detail,
                Heard::Message(ServerMessage::Goodbye { .. }) => {}
                Heard::Closed(code) => return (code, said),
                other => panic!("no end: {other:?}"),
            }
        }
    }

    /// The goodbye and the close after it.
    pub async fn goodbye(&mut self) -> (u16, String) {
        let ServerMessage::Goodbye { close, reason, .. } = self.message().await else {
            panic!("no goodbye");
        };
        match self.heard().await {
            Heard::Closed(code) => assert_eq!(code, close),
            other => panic!("no close: {other:?}"),
        }
        (close, reason)
    }

    pub async fn resume(&mut self) -> Resume {
        match self.message().await {
            ServerMessage::Resume(resume) => *resume,
            other => panic!("no resume: {other:?}"),
        }
    }

    pub async fn event(&mut self) -> Event {
        match self.message().await {
            ServerMessage::Event(event) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    pub async fn outcome(&mut self) -> Settled {
        match self.message().await {
            ServerMessage::Outcome(settled) => settled,
            other => panic!("no outcome: {other:?}"),
        }
    }

    /// Follows "home" and takes the resume.
    pub async fn subscribe(&mut self, cursor: Option<Cursor>) -> Resume {
        let board = home();
        let subscribe = Subscribe { board, cursor };
        self.send(ClientMessage::Subscribe(subscribe)).await;
        self.resume().await
    }

    pub async fn push(&mut self, push: Push) {
        self.send(ClientMessage::Push(push)).await;
    }

    /// Pushes and takes the outcome.
    pub async fn settle(&mut self, push: Push) -> Settled {
        self.push(push).await;
        self.outcome().await
    }
}

pub fn hello(client: ClientId, token: Option<&str>) -> Hello {
    Hello {
        protocol: driftless_protocol::PROTOCOL,
        client,
        token: token.map(str::to_owned),
        build: "test".to_owned(),
        boards: vec![],
    }
}

pub fn home() -> BoardId {
    BoardId::new("home").expect("a board id")
}

/// The push of an edit that makes a chart, or gives it a title.
pub fn titled(seq: u64, id: u128, seen: u64, record: &str, title: &str) -> Push {
    written(seq, id, seen, (record, "title"), title)
}

/// The push of an edit that makes a chart, or writes a leaf of it.
pub fn written(seq: u64, id: u128, seen: u64, at: (&str, &str), value: &str) -> Push {
    let (record, leaf) = at;
    let leaf = LeafPath::new(leaf).expect("a path");
    let change = Change {
        record: RecordId::new(record).expect("a record id"),
        seen: Version(seen),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [(leaf, Value::from(value))].into(),
        },
    };
    sealed(seq, id, vec![change])
}

pub fn sealed(seq: u64, id: u128, changes: Vec<Change>) -> Push {
    let id = EditId(id);
    let edit = Edit {
        id,
        label: "Rename".to_owned(),
        on_stale: OnStale::Policy,
        changes,
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
