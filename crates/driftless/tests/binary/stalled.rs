//! A thousand connections that follow a board and read nothing of it.

use std::io::{BufRead as _, Read as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use driftless_model::{
    BoardId, Change, ClientId, Cursor, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId,
    Version,
};
use driftless_protocol::message::{Hello, Outcome, Push, Subscribe};
use driftless_protocol::{ClientMessage, Codec, PROTOCOL, Payload, ServerMessage};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message as Frame};

use crate::person::{Person, home};
use crate::process::{PATIENCE, Running, serve};

const STALLED: u128 = 1_000;
const EDITS: u64 = 6_000;
/// Edits that wait for an answer at once.
const UNDER_WAY: u64 = 128;
/// The text of each edit, in bytes: together more than a ring holds.
const TEXT_BYTES: usize = 2_000;
/// What all of this may take, in bytes: a ring with its encoded bytes, and a few kilobytes a
/// connection. One copy of the edits for each of them would be 12 GB.
const GROWTH_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// As many files as the system lets this process and its children open.
fn raise_file_limit() {
    let process = std::process::id().to_string();
    let ask = [
        "--pid",
        &process,
        "--nofile",
        "--output=HARD",
        "--noheadings",
    ];
    let hard = Command::new("prlimit").args(ask).output();
    let hard = String::from_utf8(hard.expect("prlimit runs").stdout).expect("text");
    let limit = format!("--nofile={}:", hard.trim());
    let raised = Command::new("prlimit")
        .args(["--pid", &process, &limit])
        .status();
    assert!(raised.expect("prlimit runs").success());
}

/// What the server has in memory, in bytes.
fn resident_bytes(server: &Running) -> u64 {
    let path = format!("/proc/{}/status", server.process.id());
    let status = std::fs::read_to_string(path).expect("reads");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.expect("a size").trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().expect("a number") * 1024
}

/// Somebody who follows the board and then reads nothing any more.
async fn stalled(address: SocketAddr, client: u128) -> WebSocketStream<TcpStream> {
    let mut socket = sleeper(address, client, None).await;
    for _ in ["welcome", "resume"] {
        socket.next().await.expect("a frame").expect("a frame");
    }
    socket
}

/// Somebody who stands there, asks for the board and reads nothing. Little waits on their own side.
async fn sleeper(
    address: SocketAddr,
    client: u128,
    cursor: Option<Cursor>,
) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8 * 1024).expect("is set");
    let stream = socket.connect(address).await.expect("connects");
    let uri = format!("ws://{address}/rt").parse().expect("a URL");
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(Codec::Json.subprotocol());
    let shaken = tokio_tungstenite::client_async(request, stream).await;
    let (mut socket, _) = shaken.expect("shakes hands");
    let board = home();
    let hello = ClientMessage::Hello(Hello {
        protocol: PROTOCOL,
        client: ClientId(client),
        token: Some("Sleeper".to_owned()),
        build: "test".to_owned(),
        boards: vec![Subscribe { board, cursor }],
    });
    let text = String::from_utf8(Codec::Json.encode_client(&hello)).expect("text");
    socket.send(Frame::text(text)).await.expect("sends");
    socket
}

/// The nth edit of the same record.
fn edit(seq: u64) -> Push {
    edit_of("cpu", seq, TEXT_BYTES)
}

fn edit_of(record: &str, seq: u64, text_bytes: usize) -> Push {
    let id = EditId(seq.into());
    let text = format!("{seq:0text_bytes$}");
    let leaf = LeafPath::new("options/text").expect("a path");
    let change = Change {
        record: RecordId::new(record).expect("a record id"),
        seen: Version(u64::MAX),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [(leaf, text.into())].into(),
        },
    };
    let edit = Edit {
        id,
        label: "Write".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![change],
    };
    Push {
        board: BoardId::new("home").expect("a board id"),
        seq,
        id,
        settled: seq.saturating_sub(UNDER_WAY + 1),
        payload: Payload::seal(&edit).expect("is small"),
        again: None,
    }
}

/// What a connection that does nothing may take, in bytes. With buffers as libraries choose them it
/// is 136 KB.
const IDLE_BYTES_MAX: u64 = 24 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_that_do_nothing_have_no_buffers_of_their_own() {
    raise_file_limit();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut idle = vec![stalled(server.address, 999).await];
    let before = resident_bytes(&server);
    for number in 0..STALLED {
        idle.push(stalled(server.address, 1_000 + number).await);
    }
    let grown = resident_bytes(&server).saturating_sub(before);
    let each = grown / u64::try_from(STALLED).expect("is small");
    println!("{each} bytes a connection that does nothing");
    assert!(each < IDLE_BYTES_MAX, "{each} bytes each");
    drop(idle);
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_that_stall_take_little_memory_and_hold_up_nobody() {
    raise_file_limit();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut sleepers = Vec::new();
    for number in 0..STALLED {
        sleepers.push(stalled(server.address, 1_000 + number).await);
    }
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    let mut bo = Person::connect(server.address, 2).await;
    bo.subscribe().await;
    let before = resident_bytes(&server);
    let watching = tokio::spawn(async move {
        let mut last = Version(0);
        while last < Version(EDITS) {
            match bo.message().await {
                ServerMessage::Event(event) => last = event.version,
                // Who is a little late resumes, like everybody.
                ServerMessage::Resume(resume) => last = resume.cursor.version,
                other => panic!("no event: {other:?}"),
            }
        }
    });
    for seq in 1..=EDITS + UNDER_WAY {
        if seq <= EDITS {
            ann.push(edit(seq)).await;
        }
        if seq > UNDER_WAY {
            assert_eq!(ann.outcome().await.seq, seq - UNDER_WAY);
        }
    }
    watching.await.expect("sees everything");
    let grown = resident_bytes(&server).saturating_sub(before);
    println!("{STALLED} stalled readers: {grown} bytes more");
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes more");
    drop(sleepers);
    server.kill();
}

/// What a thousand readers that stall before a board of five megabytes may take, in bytes: the
/// board decoded and encoded, and a few kilobytes a connection. One copy for each would be 5 GB.
const SNAPSHOTS_BYTES_MAX: u64 = 96 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_that_stall_before_a_large_board_take_little_memory() {
    raise_file_limit();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    for seq in 1..=80 {
        ann.push(edit_of(&format!("chart-{seq}"), seq, 60_000))
            .await;
        assert_eq!(ann.outcome().await.seq, seq);
    }
    let before = resident_bytes(&server);
    let mut sleepers = Vec::new();
    for number in 0..STALLED {
        let mut sleeper = sleeper(server.address, 1_000 + number, None).await;
        // The resume is on its way once the welcome is here.
        sleeper.next().await.expect("a frame").expect("a frame");
        sleepers.push(sleeper);
    }
    // Everybody before them in the room's queue is answered once these are.
    let mut bo = Person::connect(server.address, 2).await;
    bo.subscribe().await;
    ann.push(edit_of("chart-1", 81, 60_000)).await;
    assert_eq!(ann.outcome().await.seq, 81);
    let grown = resident_bytes(&server).saturating_sub(before);
    println!("{STALLED} readers stalled before a large board: {grown} bytes more");
    assert!(grown < SNAPSHOTS_BYTES_MAX, "{grown} bytes more");
    drop(sleepers);
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_that_stall_at_a_thousand_versions_take_little_memory() {
    raise_file_limit();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    let mut stood = Vec::new();
    // Eighty records; then as many versions as there are readers; then all eighty anew.
    let versions = u64::try_from(STALLED).expect("is small");
    for seq in 1..=160 + versions {
        let is_large = seq > 80 + versions;
        let text_bytes = if is_large { 60_000 } else { 10 };
        ann.push(edit_of(&format!("chart-{}", seq % 80), seq, text_bytes))
            .await;
        match ann.outcome().await.outcome {
            Outcome::Applied { version, check, .. } => stood.push(Cursor { version, check }),
            other => panic!("not applied: {other:?}"),
        }
    }
    let before = resident_bytes(&server);
    let mut sleepers = Vec::new();
    for (number, cursor) in (0..STALLED).zip(&stood[80..]) {
        let mut sleeper = sleeper(server.address, 1_000 + number, Some(*cursor)).await;
        sleeper.next().await.expect("a frame").expect("a frame");
        sleepers.push(sleeper);
    }
    // Everybody before them in the room's queue is answered once these are.
    let mut bo = Person::connect(server.address, 2).await;
    bo.subscribe().await;
    let grown = resident_bytes(&server).saturating_sub(before);
    println!("{STALLED} readers stalled at as many versions: {grown} bytes more");
    assert!(grown < SNAPSHOTS_BYTES_MAX, "{grown} bytes more");
    drop(sleepers);
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_before_a_large_resume_is_closed_after_the_heartbeat_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = ["--log", "driftless_server=debug", "--no-host-metrics"];
    let mut command = serve(folder.path(), &log);
    let mut server = Running::launch(command.stderr(Stdio::piped()));
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    // Together a megabyte, which would take minutes at the slowest pace that counts as reading.
    for seq in 1..=20 {
        ann.push(edit_of(&format!("chart-{seq}"), seq, 60_000))
            .await;
        assert_eq!(ann.outcome().await.seq, seq);
    }
    drop(ann);
    let sleeper = sleeper(server.address, 1_000, None).await;
    let errors = server.process.stderr.take().expect("is piped");
    let ending = tokio::task::spawn_blocking(move || {
        let lines = std::io::BufReader::new(errors).lines();
        let lines = lines.map(|line| line.expect("text"));
        lines
            .filter(|line| line.contains("a connection ended"))
            .nth(1)
    });
    let ended = tokio::time::timeout(PATIENCE, ending).await;
    let ended = ended.expect("in time").expect("reads").expect("a line");
    assert!(ended.contains("Gone"), "{ended}");
    drop(sleeper);
    server.kill();
}

/// Edits of which a reader that stalls cannot take all.
const TOO_MANY: u64 = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_does_not_hold_up_a_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(folder.path(), &["--log", "warn", "--no-host-metrics"]);
    let mut server = Running::launch(command.stderr(Stdio::piped()));
    let sleeper = stalled(server.address, 1_000).await;
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    for seq in 1..=TOO_MANY {
        ann.push(edit(seq)).await;
        assert_eq!(ann.outcome().await.seq, seq);
    }
    server.signal("-TERM");
    let ending = tokio::task::spawn_blocking(move || {
        let status = server.process.wait().expect("ends");
        let mut log = String::new();
        let errors = server.process.stderr.take().expect("is piped");
        std::io::BufReader::new(errors)
            .read_to_string(&mut log)
            .expect("reads");
        (status, log)
    });
    let goodbye = ann.message().await;
    assert!(
        matches!(goodbye, ServerMessage::Goodbye { .. }),
        "{goodbye:?}"
    );
    let (status, log) = ending.await.expect("ends");
    assert_eq!(status.code(), Some(0));
    // Nothing ran into its deadline.
    assert!(!log.contains("in time"), "{log}");
    drop(sleeper);
}
