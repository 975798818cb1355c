//! People with real clients, each on a thread of its own.

use std::net::SocketAddr;

use driftless_client::realtime_config::Setting;
use driftless_client::{Board, Client, ClientBuilder, ClientEvent, EditHandle, RealtimeConfig};
use driftless_model::{LeafPath, RecordId, Value};
use driftless_sync::replica::view::Connection;
use futures::StreamExt as _;

use crate::person::home;
use crate::process::PATIENCE;

/// A person with a board open.
pub struct Live {
    pub client: Client,
    pub board: Board,
}

impl Live {
    /// Opens the board "home".
    pub fn opens(address: SocketAddr, name: &str) -> Self {
        Self::starts(Client::builder(format!("ws://{address}/rt")), name)
    }

    /// Opens the board "home" in a client of the caller's.
    pub fn starts(builder: ClientBuilder, name: &str) -> Self {
        let mut config = RealtimeConfig::default();
        for (setting, milliseconds) in [
            (Setting::BackoffBaseMs, 20_u64),
            (Setting::BackoffMaxMs, 200),
            (Setting::RightsRetryMs, 200),
        ] {
            config.set(setting, milliseconds).expect("in range");
        }
        let client = builder.token(Some(name.to_owned())).config(config).start();
        let board = client.board(home());
        Self { client, board }
    }

    /// Opens the board, and waits until the server has answered.
    pub async fn arrives(address: SocketAddr, name: &str) -> Self {
        let person = Self::opens(address, name);
        person.until(|person| person.board.is_loaded()).await;
        person
    }

    /// Waits until something holds.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let mut events = self.client.events();
        let waiting = async {
            while !holds(self) {
                let event: Option<ClientEvent> = events.next().await;
                event.expect("the client runs");
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        let (status, outbox) = (self.client.status(), self.board.outbox());
        assert!(waited.is_ok(), "it never came to be: {status:?} {outbox:?}");
    }

    /// Why there is no connection, if one was tried.
    pub fn refusal(&self) -> Option<String> {
        match self.client.status().connection {
            Connection::Waiting { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Adds a note.
    pub fn adds(&self, record: &str) -> EditHandle {
        let record = RecordId::new(record).expect("an id");
        let title = LeafPath::new("title").expect("a path");
        let text = Value::from(record.as_str());
        let edit = self.board.edit("Add a note", |edit| {
            edit.create(&record, "note", [(title, text)]);
        });
        edit.expect("a valid edit")
    }

    /// The records on screen, by id.
    pub fn records(&self) -> Vec<String> {
        let records = self.board.records().into_iter();
        records.map(|(id, _)| id.as_str().to_owned()).collect()
    }
}
