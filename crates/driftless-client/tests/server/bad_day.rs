//! What goes wrong on a bad day, on a replica in a file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use driftless_client::platform::Platform;
use driftless_client::platform::native::{Native, NativeSocket};
use driftless_client::{Client, ClientBuilder, SyncState};
use driftless_store::replica::Redb;
use driftless_sync::replica::view::Connection;

use crate::world::{Person, Server, applied, home, note, title};

const HOUR_MS: i64 = 60 * 60 * 1_000;

fn on_file(server: &Server, name: &str, file: &Path) -> ClientBuilder {
    let storage = Redb::open(file).expect("nobody has it");
    server.client(name).storage(storage)
}

#[tokio::test]
async fn a_conflict_that_is_decided_offline_after_a_restart_holds() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ann.redb");
    let ann = Person::arrives(on_file(&server, "Ann", &file)).await;
    let bob = Person::arrives(server.client("Bob")).await;
    applied(ann.make_note("One")).await;
    Person::meet(&[&ann, &bob], 1).await;
    ann.client.hold_network(true);
    ann.retitle("Ann's").stored().await.expect("it is saved");
    applied(bob.retitle("Bob's")).await;
    ann.client.hold_network(false);
    ann.conflict().await;
    ann.client.shutdown().await;

    // The process starts again where there is no network: the conflict is there, and is decided.
    let ann = Person::opens(on_file(&server, "Ann", &file).auto_connect(false));
    ann.conflict().await;
    let conflict = ann.board.conflicts().remove(0);
    assert_eq!(conflict.leaves()[0].theirs, Some("Bob's".into()));
    conflict
        .merge(|m| m.set(note(), title(), "Both's"))
        .expect("it is there");
    ann.until(|ann| ann.title().as_deref() == Some("Both's"))
        .await;
    ann.client.shutdown().await;

    let ann = Person::arrives(on_file(&server, "Ann", &file)).await;
    Person::meet(&[&ann, &bob], 3).await;
    assert_eq!(bob.title().as_deref(), Some("Both's"));
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_has_each_edit_of_a_file_once() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ann.redb");
    let mut ann = Person::arrives(on_file(&server, "Ann", &file)).await;
    for round in 0..4 {
        for number in 0..20 {
            let record = format!("n{round}-{number}");
            let edit = ann.board.edit("Add", |e| e.create(record, "note", []));
            edit.expect("a valid edit")
                .stored()
                .await
                .expect("it is saved");
        }
        server.kill().await;
        // Every other time the client starts again as well.
        if round % 2 == 0 {
            ann.client.shutdown().await;
            ann = Person::opens(on_file(&server, "Ann", &file));
        }
        server.restart().await;
    }
    let bob = Person::arrives(server.client("Bob")).await;
    Person::meet(&[&ann, &bob], 80).await;
    assert_eq!(bob.board.records().len(), 80);
}

#[tokio::test]
async fn what_one_user_has_not_sent_is_never_sent_as_another() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("replica.redb");
    let ann = Person::arrives(on_file(&server, "Ann", &file)).await;
    ann.client.hold_network(true);
    ann.make_note("Ann's").stored().await.expect("it is saved");
    ann.client.shutdown().await;

    // Somebody else's token on Ann's file: nothing is sent, nothing is lost.
    let bob = Person::opens(on_file(&server, "Bob", &file));
    let is_refused = |bob: &Person| {
        matches!(
            bob.client.status().connection,
            Connection::Closed { .. } | Connection::Unauthorised { .. }
        )
    };
    bob.until(is_refused).await;
    assert_eq!(bob.client.status().pending, 1);
    let eve = Person::arrives(server.client("Eve")).await;
    assert_eq!(eve.board.records().len(), 0);
    // Ann signs in again, in the same process.
    bob.client.set_token(Some("Ann".to_owned()));
    Person::meet(&[&bob, &eve], 1).await;
    let note = eve.board.record(note()).expect("it is there");
    let author = note
        .leaves
        .values()
        .next()
        .and_then(|leaf| leaf.author.clone());
    assert_eq!(author.expect("it is confirmed").as_str(), "Ann");
}

/// A native process whose clock somebody moves.
struct Moved {
    native: Native,
    by_ms: Arc<AtomicI64>,
}

impl Platform for Moved {
    type Socket = NativeSocket;
    type Sleep = <Native as Platform>::Sleep;
    type Signals = <Native as Platform>::Signals;

    fn mono_ms(&self) -> u64 {
        self.native.mono_ms()
    }

    fn epoch_ms(&self) -> u64 {
        let by_ms = self.by_ms.load(Ordering::Relaxed);
        self.native.epoch_ms().saturating_add_signed(by_ms)
    }

    fn sleep_until(&self, mono_ms: u64) -> Self::Sleep {
        self.native.sleep_until(mono_ms)
    }

    fn connect(&self, url: &str) -> NativeSocket {
        self.native.connect(url)
    }

    fn signals(&mut self) -> Self::Signals {
        self.native.signals()
    }
}

/// A client on a thread of its own whose clock can be moved.
fn start_moved(builder: ClientBuilder, by_ms: Arc<AtomicI64>) -> Client {
    let (sender, client) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let native = Native::new();
            let (client, driver) = builder.start_on(Moved { native, by_ms });
            sender.send(client).expect("the test waits");
            driver.await;
        });
    });
    client.recv().expect("it starts")
}

#[tokio::test]
async fn a_clock_that_is_moved_changes_nothing_but_what_is_shown_of_time() {
    let server = Server::start().await;
    let bob = Person::arrives(server.client("Bob")).await;
    let by_ms = Arc::<AtomicI64>::default();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ann.redb");
    let client = start_moved(on_file(&server, "Ann", &file), Arc::clone(&by_ms));
    let board = client.board(home());
    let ann = Person { client, board };
    ann.until(|ann| ann.board.is_loaded()).await;
    applied(ann.make_note("0")).await;
    let years_ms = 24 * 365 * 50 * HOUR_MS;
    for (number, moved_ms) in [HOUR_MS, -HOUR_MS, years_ms, -years_ms]
        .into_iter()
        .enumerate()
    {
        by_ms.store(moved_ms, Ordering::Relaxed);
        ann.client.hold_network(true);
        ann.retitle(&format!("{number}"))
            .stored()
            .await
            .expect("it is saved");
        ann.client.hold_network(false);
        Person::meet(&[&ann, &bob], number as u64 + 2).await;
    }
    assert_eq!(bob.title().as_deref(), Some("3"));
    assert_eq!(ann.client.status().sync_state(), SyncState::Live);
    // What it wrote by a clock 50 years behind goes on by one that is right.
    ann.retitle("again").stored().await.expect("it is saved");
    ann.client.shutdown().await;
    let ann = Person::opens(on_file(&server, "Ann", &file));
    Person::meet(&[&ann, &bob], 6).await;
    assert_eq!(bob.title().as_deref(), Some("again"));
}
