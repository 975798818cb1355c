//! A graceful restart under load.

use driftless_client::{ClientEvent, EditHandle};
use driftless_model::Version;
use driftless_sync::replica::view::Connection;
use futures::StreamExt as _;

use crate::live::Live;
use crate::process::{PATIENCE, Running};

const PEOPLE: usize = 20;

/// What a person's client told from the beginning of the restart on.
#[derive(Debug, Default, PartialEq)]
struct Told {
    sessions: usize,
    failures: Vec<String>,
}

/// Listens until everything that the person made is applied and they are in their next session.
async fn listen(person: &Live, first_session: &str) -> Told {
    let mut events = person.client.events();
    let mut told = Told::default();
    let mut last = first_session.to_owned();
    while let Some(event) = events.next().await {
        match event {
            ClientEvent::Status(status) => {
                if let Connection::Online { session, .. } = &status.connection
                    && *session != last
                {
                    last.clone_from(session);
                    told.sessions += 1;
                }
                if told.sessions > 0 && status.pending == 0 {
                    break;
                }
            }
            ClientEvent::Error(error) => told.failures.push(error.to_string()),
            ClientEvent::EditFailed { detail, .. } => told.failures.push(detail),
            _ => {}
        }
    }
    told
}

fn session(person: &Live) -> Option<String> {
    match person.client.status().connection {
        Connection::Online { session, .. } => Some(session),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_restart_under_load_costs_each_client_one_reconnect_and_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Running::start(folder.path(), &["--no-host-metrics"]);
    let address = server.address;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Live::arrives(address, &format!("Person {number}")).await);
    }
    let mut listening = Vec::new();
    let mut edits: Vec<EditHandle> = Vec::new();
    for (number, person) in people.iter().enumerate() {
        person.until(|person| session(person).is_some()).await;
        let session = session(person).expect("is online");
        listening.push(async move { listen(person, &session).await });
        edits.extend((0..10).map(|edit| person.adds(&format!("n{number}-{edit}"))));
    }
    let listening = futures::future::join_all(listening);
    let restarting = async {
        server.signal("-TERM");
        let data = folder.path().to_owned();
        let ending = tokio::task::spawn_blocking(move || {
            let status = server.process.wait().expect("ends");
            assert_eq!(status.code(), Some(0));
            Running::again(address, &data, &["--no-host-metrics"])
        });
        ending.await.expect("starts again")
    };
    let all = async { tokio::join!(listening, restarting) };
    let (told, server) = tokio::time::timeout(PATIENCE, all)
        .await
        .expect("everybody comes back");
    for told in told {
        let once = Told {
            sessions: 1,
            failures: vec![],
        };
        assert_eq!(told, once);
    }
    for edit in edits {
        edit.applied().await.expect("is applied");
    }
    let version = Version(PEOPLE as u64 * 10);
    for person in &people {
        person
            .until(|person| person.board.version() == version)
            .await;
        assert_eq!(person.records().len(), PEOPLE * 10);
    }
    server.kill();
}
