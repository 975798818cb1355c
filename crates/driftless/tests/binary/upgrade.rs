//! An older build and this one take turns with one data folder, while clients stay connected and
//! edit. `cargo xtask upgrade --from REVISION` names the older one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use driftless_model::Version;
use driftless_protocol::Code;
use driftless_sync::replica::view::EntryProgress;

use crate::live::Live;
use crate::process::{Running, driftless, error_of};

fn older() -> PathBuf {
    let older = std::env::var_os("DRIFTLESS_OLDER");
    let older = older.expect("DRIFTLESS_OLDER names the older build: cargo xtask upgrade sets it");
    older.into()
}

fn run(mut command: Command, arguments: &[&str], data: &Path) -> Output {
    command.args(arguments).arg("--data").arg(data);
    command.stdin(Stdio::null()).output().expect("runs")
}

fn serve(mut command: Command, address: SocketAddr, data: &Path) -> Running {
    let address = address.to_string();
    let options = [
        "serve",
        "--listen",
        &address,
        "--log",
        "warn",
        "--no-host-metrics",
    ];
    command.args(options).arg("--data").arg(data);
    Running::launch(&mut command)
}

/// Asks it to stop and waits for its end, as an operator does.
fn stop(mut server: Running) {
    server.signal("-TERM");
    server.process.wait().expect("ends");
}

/// The copy that the newer build made before it brought the file up to date.
fn kept_copy(data: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(data).expect("lists");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_copy = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("driftless.db.format-") && !name.ends_with("-lock")
    };
    paths.filter(is_copy).max()
}

/// Everybody sees these records at this version.
async fn all_see(people: [&Live; 2], version: u64, records: &[&str]) {
    for person in people {
        person
            .until(|person| {
                person.board.version() == Version(version) && person.records() == records
            })
            .await;
    }
}

#[tokio::test]
#[ignore = "needs an older build: cargo xtask upgrade"]
async fn two_builds_take_turns_and_no_edit_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let old = || Command::new(older());
    let new = || driftless(&[]);
    let mut server = serve(old(), "127.0.0.1:0".parse().expect("an address"), &data);
    let address = server.address;
    let ann = Live::arrives(address, "Ann").await;
    let bob = Live::arrives(address, "Bob").await;
    ann.adds("a1").applied().await.expect("is applied");
    all_see([&ann, &bob], 1, &["a1"]).await;

    // Forward: the clients stay, and what waits for a server arrives at the newer one.
    stop(server);
    let pending = ann.adds("a2");
    server = serve(new(), address, &data);
    assert_eq!(pending.applied().await, Ok(Version(2)));
    bob.adds("b3").applied().await.expect("is applied");
    all_see([&ann, &bob], 3, &["a1", "a2", "b3"]).await;
    stop(server);

    // Back: with the same format at once, else with the copy that the newer build made.
    let pending = ann.adds("a4");
    let Some(copy) = kept_copy(&data) else {
        println!("both builds have one format: the older one goes on with the newer one's file");
        let _server = serve(old(), address, &data);
        assert_eq!(pending.applied().await, Ok(Version(4)));
        return all_see([&ann, &bob], 4, &["a1", "a2", "a4", "b3"]).await;
    };
    let before = std::fs::read(data.join("driftless.db")).expect("reads");
    let refused = run(old(), &["serve", "--listen", "127.0.0.1:0"], &data);
    assert_eq!(refused.status.code(), Some(1));
    let said = error_of(&refused);
    assert!(
        said.contains("update this build, nothing is lost"),
        "{said}"
    );
    println!("the older build refuses the newer format: {}", said.trim());
    let after = std::fs::read(data.join("driftless.db")).expect("reads");
    assert_eq!(before, after, "the older build touches nothing");
    let restored = run(old(), &["restore", copy.to_str().expect("text")], &data);
    assert!(restored.status.success(), "{}", error_of(&restored));
    server = serve(old(), address, &data);
    // What was pending arrives; what the older file lacks is offered to its author again.
    assert_eq!(pending.applied().await, Ok(Version(2)));
    all_see([&ann, &bob], 2, &["a1", "a4"]).await;
    for (person, record) in [(&ann, "a2"), (&bob, "b3")] {
        person
            .until(|person| person.client.status().quarantined == 1)
            .await;
        let outbox = person.board.outbox();
        let [entry] = &outbox[..] else {
            panic!("not one entry: {outbox:?}");
        };
        let EntryProgress::Quarantined { code, .. } = &entry.state else {
            panic!("not set aside: {entry:?}");
        };
        assert_eq!(*code, Code::Restored, "{record}");
    }

    // And forward again, with what was offered still there.
    stop(server);
    let _server = serve(new(), address, &data);
    ann.adds("a5").applied().await.expect("is applied");
    all_see([&ann, &bob], 3, &["a1", "a4", "a5"]).await;
    assert_eq!(bob.client.status().quarantined, 1);
}
