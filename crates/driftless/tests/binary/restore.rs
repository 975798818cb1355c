//! Backups by command: made while the server runs, put back while it does not, and met by replicas
//! that know more.

use std::path::Path;
use std::process::Output;

use driftless_model::Version;
use driftless_protocol::Code;
use driftless_sync::replica::view::EntryProgress;

use crate::live::Live;
use crate::process::{Running, driftless, error_of};

fn runs(command: &str, file: &Path, data: &Path) -> Output {
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let arguments = [command, &text(file), "--data", &text(data)];
    driftless(&arguments).output().expect("runs")
}

fn succeeds(command: &str, file: &Path, data: &Path) -> String {
    let output = runs(command, file, data);
    assert!(output.status.success(), "{}", error_of(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn replicas_that_know_more_than_a_restored_server_adopt_it_and_offer_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, kept) = (folder.path().join("data"), folder.path().join("backup.db"));
    let server = Running::start(&data, &["--no-host-metrics"]);
    let address = server.address;
    let ann = Live::arrives(address, "Ann").await;
    let bob = Live::arrives(address, "Bob").await;
    for record in ["a1", "a2", "a3"] {
        ann.adds(record).applied().await.expect("is applied");
    }
    let said = succeeds("backup", &kept, &data);
    assert!(said.contains("1 board,"), "{said}");
    ann.adds("a4").applied().await.expect("is applied");
    bob.adds("b5").applied().await.expect("is applied");
    for person in [&ann, &bob] {
        person
            .until(|person| person.board.version() == Version(5))
            .await;
    }
    let refused = runs("restore", &kept, &data);
    assert_eq!(refused.status.code(), Some(1));
    assert!(error_of(&refused).contains("is in use; stop the server"));
    server.kill();
    let pending = ann.adds("a6");
    let said = succeeds("restore", &kept, &data);
    assert!(said.contains("what was there before is"), "{said}");
    let server = Running::again(address, &data, &["--no-host-metrics"]);
    // Ann's pending edit arrives by itself, on the old history.
    let version = pending.applied().await.expect("is applied");
    assert_eq!(version, Version(4));
    for person in [&ann, &bob] {
        person
            .until(|person| {
                person.board.version() == Version(4) && person.client.status().quarantined == 1
            })
            .await;
        assert_eq!(person.records(), ["a1", "a2", "a3", "a6"]);
    }
    for (person, missing) in [(&ann, "a4"), (&bob, "b5")] {
        // What the backup lacks is offered to its author again.
        let outbox = person.board.outbox();
        let [entry] = &outbox[..] else {
            panic!("not one entry: {outbox:?}");
        };
        assert_eq!(entry.records[0].as_str(), missing);
        let EntryProgress::Quarantined { code, .. } = &entry.state else {
            panic!("not offered: {entry:?}");
        };
        assert_eq!(*code, Code::Restored);
        person.board.retry(entry.number);
    }
    for person in [&ann, &bob] {
        let settled = |person: &Live| {
            let status = person.client.status();
            person.board.version() == Version(6) && status.pending + status.quarantined == 0
        };
        person.until(settled).await;
        assert_eq!(person.records(), ["a1", "a2", "a3", "a4", "a6", "b5"]);
    }
    server.kill();
}

#[test]
fn what_cannot_be_copied_or_put_back_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("backup.db"));
    let output = runs("backup", &file, &data);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("there are no boards in"));
    assert!(!file.exists() && !data.exists());
    let output = runs("restore", &file, &data);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("there is no file"));
    std::fs::write(&file, "x".repeat(10_000)).expect("writes");
    let output = runs("restore", &file, &data);
    assert_eq!(output.status.code(), Some(2));
    let error = error_of(&output);
    assert!(error.contains("is damaged"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!data.join("driftless.db").exists());
}
