//! What `connect` waits for, and how it fails.

use std::env;
use std::process::Command;
use std::time::Duration;

use driftless_client::view::Connection;
use driftless_client::{Client, ConnectError, EditError, MemoryRows, SyncState};
use driftless_protocol::durable::Row;
use driftless_store::replica::{Redb, ReplicaStore, ReplicaStoreError};
use driftless_sync::replica::storage::{Committed, Transaction};
use futures::StreamExt;

use crate::world::{Person, Server, applied, home, note};

#[tokio::test]
async fn a_client_that_connected_is_live() {
    let server = Server::start().await;
    let connected = server.client("Ann").auto_connect(false).connect().await;
    let client = connected.expect("the server is there");
    assert_eq!(client.status().sync_state(), SyncState::Live);
    let board = client.board(home());
    let edit = board.edit("Add", |e| e.create(note(), "note", []));
    applied(edit.expect("a valid edit")).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_and_the_storage_is_free_again() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("replica.redb");
    server.kill().await;
    for _ in 0..3 {
        let storage = Redb::open(&file).expect("nobody has it");
        let refused = server.client("Ann").storage(storage).connect().await;
        assert!(
            matches!(refused, Err(ConnectError::Unreachable { .. })),
            "{refused:?}"
        );
    }
    server.restart().await;
    let storage = Redb::open(&file).expect("nobody has it");
    let client = server.client("Ann").storage(storage).connect().await;
    client.expect("it is there now").shutdown().await;
    Redb::open(&file).expect("a shutdown closes it");
}

/// Told to a process that has no room for a thread.
const CROWDED: &str = "DRIFTLESS_CROWDED";

#[tokio::test]
async fn where_no_thread_can_be_had_nothing_panics_and_everybody_is_told() {
    if env::var_os(CROWDED).is_some() {
        return starts_without_a_thread().await;
    }
    let mut crowded = Command::new(env::current_exe().expect("this test"));
    // The harness itself then makes none either.
    crowded.args(["--exact", "--test-threads=1", "--nocapture"]);
    crowded.arg("connect::where_no_thread_can_be_had_nothing_panics_and_everybody_is_told");
    // Stacks that are larger than any address space.
    crowded.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
    let done = crowded.env(CROWDED, "1").output().expect("runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{done:?}");
    assert!(said.contains("1 passed"), "{said}");
}

async fn starts_without_a_thread() {
    let builder = || Client::builder("ws://127.0.0.1:1/rt");
    let client = builder().start();
    let Connection::Closed { reason } = client.status().connection else {
        panic!("{:?}", client.status());
    };
    assert!(reason.contains("thread"), "{reason}");
    let edit = client
        .board(home())
        .edit("Add", |e| e.create(note(), "note", []));
    assert!(matches!(edit, Err(EditError::Closed)), "{edit:?}");
    client.shutdown().await;
    let refused = builder().connect().await;
    assert!(
        matches!(refused, Err(ConnectError::Thread { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_once() {
    for url in [
        "",
        "boards.example.org",
        "http://127.0.0.1/rt",
        "ws://",
        "ws://a b/rt",
    ] {
        let refused = Client::builder(url).connect().await;
        assert!(
            matches!(refused, Err(ConnectError::Url { .. })),
            "{url}: {refused:?}"
        );
    }
    if cfg!(not(feature = "tls")) {
        let refused = Client::builder("wss://127.0.0.1:1/rt").connect().await;
        let says = refused.expect_err("there is no TLS").to_string();
        assert!(says.contains("feature `tls`"), "{says}");
    }
}

#[tokio::test]
async fn storage_of_a_newer_build_is_refused_and_kept() {
    let server = Server::start().await;
    let rows = MemoryRows::new();
    // What a newer build wrote is neither read nor deleted.
    let key = driftless_protocol::durable::Key::Replica;
    rows.put_bytes(&key, b"\x81\xa6format\x63".to_vec());
    let refused = server.client("Ann").storage(rows.clone()).connect().await;
    let says = refused.expect_err("it is newer").to_string();
    assert!(says.contains("update this build"), "{says}");
    assert!(rows.load_now().is_err(), "it is still there");
}

/// What can be read of a disk without room.
struct FullDisk;

impl ReplicaStore for FullDisk {
    async fn load(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        Ok(Vec::new())
    }

    async fn commit(&self, _transaction: Transaction) -> Result<Committed, ReplicaStoreError> {
        let detail = "no space left on device".to_owned();
        Err(ReplicaStoreError::Full { detail })
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_not_waited_for() {
    let server = Server::start().await;
    let connecting = server.client("Ann").storage(FullDisk).connect();
    let refused = tokio::time::timeout(Duration::from_mins(1), connecting).await;
    let refused = refused.expect("it answers");
    let says = refused.expect_err("nothing can be kept").to_string();
    assert!(says.contains("free some space"), "{says}");
}

/// Storage with a fault that nobody thought of.
struct Broken;

impl ReplicaStore for Broken {
    async fn load(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        panic!("as this test wants it")
    }

    async fn commit(&self, _transaction: Transaction) -> Result<Committed, ReplicaStoreError> {
        Ok(Committed::Yes)
    }
}

#[tokio::test]
async fn nobody_waits_for_a_client_that_died() {
    let client = Client::builder("ws://127.0.0.1:1/rt").storage(Broken);
    let client = client.start();
    let board = client.board(home());
    let ended = async {
        assert_eq!(board.loaded().await, Err(EditError::Closed));
        // Made before it died, or refused since.
        match board.edit("Add", |e| e.create(note(), "note", [])) {
            Ok(edit) => assert_eq!(edit.applied().await, Err(EditError::Closed)),
            Err(error) => assert_eq!(error, EditError::Closed),
        }
        client.shutdown().await;
    };
    let ended = tokio::time::timeout(Duration::from_mins(1), ended).await;
    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn watches_and_events_end_with_the_client() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let mut record = ann.board.watch_record(note());
    let mut status = ann.client.watch_status();
    assert_eq!(record.next().await, Some(None));
    ann.make_note("One");
    assert!(record.next().await.flatten().is_some());
    ann.client.shutdown().await;
    // The newest, then the end; what is asked for afterwards has one item and ends too.
    while status.next().await.is_some() {}
    while record.next().await.is_some() {}
    assert!(ann.board.watch_record(note()).collect::<Vec<_>>().await[0].is_some());
    assert_eq!(ann.client.events().collect::<Vec<_>>().await, []);
    assert_eq!(ann.board.loaded().await, Ok(()), "it was loaded");
}

#[tokio::test]
async fn a_watch_does_not_keep_the_client_running() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let records = ann.board.watch_select(|_, _| true);
    drop(ann);
    assert!(records.collect::<Vec<_>>().await.len() <= 1);
}
