//! `kill -9` proves no sync, since the page cache survives it. So the system calls are looked at.

use std::collections::HashSet;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::person::{Person, push};
use crate::process::{Running, serve};
use crate::skipped::skip;

/// The calls that write to the log, sync it, and answer.
const CALLS: &str = "trace=pwrite64,pwritev,fdatasync,fsync,sendto,sendmsg,write,writev,setsockopt";

/// A call as strace tells it.
#[derive(Debug, PartialEq)]
enum Call {
    /// Something was written to the write-ahead log.
    LogWritten,
    /// The write-ahead log is on the disk.
    LogSynced,
    /// The outcome of an edit goes to its author.
    Answered,
}

/// The calls in order: a write counts from its beginning, a sync from its end.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun = HashSet::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = match line
            .strip_prefix("[pid ")
            .and_then(|line| line.split_once(']'))
        {
            Some((thread, call)) => (thread.trim(), call.trim()),
            None => ("", line),
        };
        let is_sync = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if call.starts_with("pwrite") && call.contains("/driftless.db-wal>") {
            calls.push(Call::LogWritten);
        } else if is_sync && call.contains("/driftless.db-wal>") {
            if call.contains("<unfinished") {
                begun.insert(thread);
            } else if call.ends_with("= 0") {
                calls.push(Call::LogSynced);
            }
        } else if call.contains("sync resumed>") {
            if begun.remove(thread) && call.ends_with("= 0") {
                calls.push(Call::LogSynced);
            }
        } else if call.contains(r#"{\"outcome\":"#) {
            calls.push(Call::Answered);
        }
    }
    calls
}

#[test]
fn the_order_of_calls_is_read_from_a_trace() {
    let trace = r#"
[pid 7] pwrite64(9</d/driftless.db-wal>, "..", 24, 0) = 24
[pid 7] fdatasync(9</d/driftless.db-wal> <unfinished ...>
[pid 8] sendto(5<TCP:[1]>, "\201\10{\"pong\":{}}", 8, 0, NULL, 0) = 8
[pid 7] <... fdatasync resumed>) = 0
[pid 8] sendto(5<TCP:[1]>, "\201~{\"outcome\":{", 8, 0, NULL, 0) = 8
[pid 7] fdatasync(9</d/driftless.db-wal>) = -1 EIO (Input/output error)
[pid 7] fdatasync(3</d/driftless.db>) = 0"#;
    assert_eq!(
        calls(trace),
        [Call::LogWritten, Call::LogSynced, Call::Answered]
    );
}

/// Why processes cannot be traced here, if so.
fn obstacle() -> Option<String> {
    let mut probe = Command::new("strace");
    probe.args(["-qq", "-e", "trace=none", "true"]);
    match probe.stdout(Stdio::null()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(format!("strace does not run: {error}")),
    }
}

#[tokio::test]
async fn an_edit_is_on_the_disk_before_its_author_hears_of_it() {
    if let Some(obstacle) = obstacle() {
        let what = "an edit on the disk before its author hears of it";
        let why = obstacle.trim();
        skip(&format!("{what}: processes cannot be traced here: {why}"));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let serve = serve(folder.path(), &["--log", "off", "--no-host-metrics"]);
    // With -D the server is our own child, and the tracer ends with it.
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-y", "-qq", "-s", "200", "-e", CALLS]);
    command.arg(serve.get_program()).args(serve.get_args());
    let mut server = Running::launch(command.stderr(Stdio::piped()));
    let mut trace = server.process.stderr.take().expect("is piped");
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        trace.read_to_end(&mut bytes).expect("reads");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    for seq in 1..=5 {
        ann.push(push(seq)).await;
        assert_eq!(ann.outcome().await.seq, seq);
    }
    server.kill();
    let trace = reading.join().expect("is read");
    // Small answers do not wait for the acknowledgement of the last ones either.
    assert!(trace.contains("TCP_NODELAY, [1]"), "{trace}");
    let calls = calls(&trace);
    let answers: Vec<_> = (0..calls.len())
        .filter(|at| calls[*at] == Call::Answered)
        .collect();
    assert_eq!(answers.len(), 5, "{trace}");
    let mut start = 0;
    for end in answers {
        let before = &calls[start..end];
        assert!(before.contains(&Call::LogWritten), "{trace}");
        assert_eq!(before.last(), Some(&Call::LogSynced), "{trace}");
        start = end + 1;
    }
}
