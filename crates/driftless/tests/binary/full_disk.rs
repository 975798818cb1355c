//! A disk that takes nothing more, and then does again. What stands for it is a limit on how large
//! files of the process may grow: the system refuses writes in the same place, without root.

use std::process::{Command, Stdio};

use driftless_model::Version;
use driftless_protocol::message::Outcome;
use driftless_protocol::{Aggregate, ClientMessage, Code, Query, ServerMessage};

use crate::person::{Person, push};
use crate::process::{Running, serve};

/// From here on no file of the process grows past this.
fn limit_files(server: &Running, bytes: &str) {
    let process = server.process.id().to_string();
    let mut command = Command::new("prlimit");
    command.args(["--pid", &process, &format!("--fsize={bytes}:")]);
    assert!(command.status().expect("prlimit runs").success());
}

/// The server, told to get an error where it would be killed otherwise.
fn start(folder: &std::path::Path) -> Running {
    let serve = serve(folder, &["--log", "off"]);
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$@""#, "sh"]);
    command.arg(serve.get_program()).args(serve.get_args());
    Running::launch(command.stderr(Stdio::null()))
}

/// The next message that is no sample.
async fn heard(person: &mut Person) -> ServerMessage {
    loop {
        match person.message().await {
            ServerMessage::Feed(_) => {}
            message => return message,
        }
    }
}

#[tokio::test]
async fn on_a_full_disk_reads_and_feeds_go_on_and_edits_wait_until_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(folder.path());
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    ann.push(push(1)).await;
    assert_eq!(ann.outcome().await.seq, 1);
    limit_files(&server, "4096");
    for _ in 0..3 {
        ann.push(push(2)).await;
        let ServerMessage::Refused { seq, code, .. } = heard(&mut ann).await else {
            panic!("not refused");
        };
        assert_eq!((seq, code), (2, Code::Unavailable));
    }
    let query = Query {
        selector: "memory_used_bytes".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    };
    ann.send(&ClientMessage::OpenFeed { feed: 1, query }).await;
    for _ in 0..2 {
        let message = ann.message().await;
        assert!(matches!(message, ServerMessage::Feed(_)), "{message:?}");
    }
    let mut bo = Person::connect(server.address, 2).await;
    let resume = bo.subscribe().await;
    assert_eq!(
        (resume.cursor.version, resume.records.len()),
        (Version(1), 1)
    );
    assert!(server.get("/readyz").0.starts_with("http/1.1 200"));
    limit_files(&server, "unlimited");
    ann.push(push(2)).await;
    let ServerMessage::Outcome(settled) = heard(&mut ann).await else {
        panic!("no outcome");
    };
    let Outcome::Applied { version, .. } = settled.outcome else {
        panic!("not applied: {settled:?}");
    };
    assert_eq!(version, Version(2));
    assert!(matches!(bo.message().await, ServerMessage::Event(_)));
}
