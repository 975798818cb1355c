//! A graceful restart under load.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use driftless_client::{ClientEvent, EditHandle};
use driftless_model::Version;
use driftless_sync::replica::view::Connection;
use futures::StreamExt as _;
use tokio::sync::watch;

use crate::live::Live;
use crate::process::{PATIENCE, Running};

const PEOPLE: usize = 20;
/// How long after the last edit each person makes the next one.
const ROUND: Duration = Duration::from_millis(50);
/// How many rounds go before the restart, and after it.
const ROUNDS: u32 = 10;

/// What a person's client told from the beginning of the restart on.
#[derive(Debug, Default, PartialEq)]
struct Told {
    sessions: usize,
    failures: Vec<String>,
}

/// Listens until `ended` says so.
async fn listen(person: &Live, first_session: &str, mut ended: watch::Receiver<bool>) -> Told {
    let mut events = person.client.events();
    let mut told = Told::default();
    let mut last = first_session.to_owned();
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = ended.wait_for(|ended| *ended) => None,
        };
        match event {
            Some(ClientEvent::Status(status)) => {
                if let Connection::Online { session, .. } = &status.connection
                    && *session != last
                {
                    last.clone_from(session);
                    told.sessions += 1;
                }
            }
            Some(ClientEvent::Error(error)) => told.failures.push(error.to_string()),
            Some(ClientEvent::EditFailed { detail, .. }) => told.failures.push(detail),
            Some(_) => {}
            None => return told,
        }
    }
}

fn session(person: &Live) -> Option<String> {
    match person.client.status().connection {
        Connection::Online { session, .. } => Some(session),
        _ => None,
    }
}

/// Everybody goes on editing until some rounds after the server is back.
async fn write(people: &[Live], is_back: &Cell<bool>) -> Vec<EditHandle> {
    let mut edits = Vec::new();
    let mut rounds_after = 0;
    while rounds_after < ROUNDS {
        for person in people {
            edits.push(person.adds(&format!("n{}", edits.len())));
        }
        rounds_after += u32::from(is_back.get());
        tokio::time::sleep(ROUND).await;
    }
    edits
}

/// Some rounds later the server is asked to stop, and started again.
async fn restart(mut server: Running, folder: &Path) -> Running {
    tokio::time::sleep(ROUND * ROUNDS).await;
    server.signal("-TERM");
    let (address, data) = (server.address, folder.to_owned());
    let ending = tokio::task::spawn_blocking(move || {
        let status = server.process.wait().expect("ends");
        assert_eq!(status.code(), Some(0));
        Running::again(address, &data, &["--no-host-metrics"])
    });
    ending.await.expect("starts again")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_restart_under_load_costs_each_client_one_reconnect_and_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Live::arrives(server.address, &format!("Person {number}")).await);
    }
    let (end, ended) = watch::channel(false);
    let mut listening = Vec::new();
    for person in &people {
        person.until(|person| session(person).is_some()).await;
        let (session, ended) = (session(person).expect("is online"), ended.clone());
        listening.push(async move { listen(person, &session, ended).await });
    }
    let is_back = Cell::new(false);
    let living = async {
        let restarting = async {
            let server = restart(server, folder.path()).await;
            is_back.set(true);
            server
        };
        let (edits, server) = tokio::join!(write(&people, &is_back), restarting);
        let made = edits.len();
        for edit in edits {
            edit.applied().await.expect("is applied");
        }
        end.send_replace(true);
        (made, server)
    };
    let all = async { tokio::join!(futures::future::join_all(listening), living) };
    let (told, (made, server)) = tokio::time::timeout(PATIENCE, all)
        .await
        .expect("everybody comes back");
    for told in told {
        let once = Told {
            sessions: 1,
            failures: vec![],
        };
        assert_eq!(told, once);
    }
    let version = Version(made as u64);
    for person in &people {
        person
            .until(|person| person.board.version() == version)
            .await;
        assert_eq!(person.records().len(), made);
    }
    server.kill();
}
