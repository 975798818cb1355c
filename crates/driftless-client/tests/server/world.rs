//! A real server and real clients, over real sockets on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use driftless_client::realtime_config::Setting;
use driftless_client::{Board, Client, ClientBuilder, EditHandle, RealtimeConfig};
use driftless_model::{BoardId, LeafPath, RecordId, Value, Version};
use driftless_server::{Driftless, router};
use driftless_store::server::MemoryBoards;
use driftless_sync::replica::view::EntryView;
use futures::{FutureExt, StreamExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Far longer than anything takes: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that can be killed and started again on the same data.
pub struct Server {
    boards: MemoryBoards,
    address: SocketAddr,
    running: Option<(Runtime, Driftless)>,
}

impl Server {
    /// A server without boards, on a free port.
    pub async fn start() -> Self {
        let mut server = Self {
            boards: MemoryBoards::new(),
            address: ([127, 0, 0, 1], 0).into(),
            running: None,
        };
        server.restart().await;
        server
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (boards, address) = (self.boards.clone(), self.address);
        let started = runtime.spawn(serve(boards, address)).await;
        let (driftless, address) = started.expect("it starts");
        self.address = address;
        self.running = Some((runtime, driftless));
    }

    /// Ends it without a word, in the middle of whatever it does.
    pub async fn kill(&mut self) {
        let (runtime, _) = self.running.take().expect("it runs");
        let killing = tokio::task::spawn_blocking(|| runtime.shutdown_timeout(PATIENCE));
        killing.await.expect("nothing panics");
    }

    pub fn url(&self) -> String {
        format!("ws://{}/rt", self.address)
    }

    pub fn driftless(&self) -> &Driftless {
        &self.running.as_ref().expect("it runs").1
    }

    /// A client of it, as this person.
    pub fn client(&self, name: &str) -> ClientBuilder {
        let mut config = RealtimeConfig::default();
        for (setting, milliseconds) in [
            (Setting::BackoffBaseMs, 20_u64),
            (Setting::BackoffMaxMs, 200),
        ] {
            config.set(setting, milliseconds).expect("in range");
        }
        Client::builder(self.url())
            .token(Some(name.to_owned()))
            .config(config)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((runtime, _)) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(boards: MemoryBoards, address: SocketAddr) -> (Driftless, SocketAddr) {
    let driftless = Driftless::builder()
        .store(boards)
        .start()
        .await
        .expect("it starts");
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = Router::new().nest("/rt", router(driftless.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (driftless, address)
}

/// A person with a board open.
#[derive(Clone)]
pub struct Person {
    pub client: Client,
    pub board: Board,
}

impl Person {
    /// Opens the board, and waits until the server has answered.
    pub async fn arrives(builder: ClientBuilder) -> Self {
        let person = Self::opens(builder);
        person.until(|person| person.board.is_loaded()).await;
        person
    }

    /// Opens the board, and waits for nothing.
    pub fn opens(builder: ClientBuilder) -> Self {
        Self::with(builder.start())
    }

    /// Opens the board with a client that was started already.
    pub fn with(client: Client) -> Self {
        let board = client.board(home());
        Self { client, board }
    }

    /// Waits until something holds.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let mut events = self.client.events();
        let waiting = async {
            while !holds(self) {
                events.next().await.expect("the client runs");
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(
            waited.is_ok(),
            "it never came to be: {:?} {:?}",
            self.client.status(),
            self.board.records()
        );
    }

    /// Waits until everybody has the same board at this version, with nothing under way.
    pub async fn meet(people: &[&Self], version: u64) {
        for person in people {
            let is_there = |person: &Self| {
                person.board.version() == Version(version) && person.client.status().pending == 0
            };
            person.until(is_there).await;
        }
        let records = |person: &Self| person.board.records();
        assert!(
            people
                .iter()
                .all(|person| records(person) == records(people[0]))
        );
    }

    pub fn make_note(&self, text: &str) -> EditHandle {
        let text = Value::from(text);
        let edit = self.board.edit("Add a note", |edit| {
            edit.create(note(), "note", [(title(), text)]);
        });
        edit.expect("a valid edit")
    }

    pub fn retitle(&self, text: &str) -> EditHandle {
        let text = Value::from(text);
        let edit = self
            .board
            .edit("Rename", |edit| edit.set(note(), title(), text));
        edit.expect("a valid edit")
    }

    pub fn remove(&self) -> EditHandle {
        let edit = self.board.edit("Remove", |edit| edit.remove(note()));
        edit.expect("a valid edit")
    }

    /// The title on screen.
    pub fn title(&self) -> Option<String> {
        let record = self.board.record(note())?;
        record.value(&title())?.as_text().map(str::to_owned)
    }

    /// Waits for the one conflict, and gives it.
    pub async fn conflict(&self) -> EntryView {
        self.until(|person| person.client.status().conflicts == 1)
            .await;
        let outbox = self.board.outbox();
        let waits = outbox.iter().find(|entry| entry.state.waits_for_person());
        waits.expect("a conflict").clone()
    }
}

/// Waits for an edit, but not forever.
pub async fn applied(edit: EditHandle) -> Version {
    let waited = tokio::time::timeout(PATIENCE, edit.applied().boxed()).await;
    waited.expect("it is settled").expect("it is applied")
}

pub fn home() -> BoardId {
    BoardId::new("home").expect("an id")
}

pub fn note() -> RecordId {
    RecordId::new("note").expect("an id")
}

pub fn title() -> LeafPath {
    LeafPath::new("title").expect("a path")
}
