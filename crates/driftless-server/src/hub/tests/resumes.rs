//! What a board says to those who come to it, once for all of them.

use std::collections::BTreeSet;
use std::sync::Weak;

use bytes::Bytes;

use super::*;
use crate::hub::{Outbound, SharedFrame};

const READERS: u128 = 1_000;
/// The board: so many records, each with a text of so many bytes.
const RECORDS: u64 = 80;
const TEXT_BYTES: usize = 60_000;

/// A board of nearly five megabytes.
async fn large_board(server: &Server) -> Follower {
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    for seq in 1..=RECORDS {
        let text = "x".repeat(TEXT_BYTES);
        let push = write_to(&format!("r{seq}"), seq, "options/text", &text);
        applied(&mut author, push).await;
    }
    author
}

/// What frames that are not written yet take, in bytes: of each its own, and what they share.
#[derive(Debug, Default)]
struct Held {
    frames: Vec<SharedFrame>,
}

impl Held {
    /// Takes a reader's resume out, as its connection would to write it.
    async fn take_from(&mut self, reader: &mut Follower, codec: Codec) {
        let delivery = take(reader, 1).await.remove(0);
        match delivery.frame(reader.client(), codec) {
            Some(Outbound::Shared(frame)) => self.frames.push(frame),
            other => panic!("no shared frame: {other:?}"),
        }
    }

    /// What each has for itself: its head, and where the rest is.
    fn own_bytes(&self) -> usize {
        let own = |frame: &SharedFrame| frame.own.len() + size_of_val(&*frame.shared);
        self.frames.iter().map(own).sum()
    }

    /// What is said of the board, every place in memory counted once.
    fn shared_bytes(&self) -> usize {
        let mut places = BTreeSet::new();
        let pieces = self.frames.iter().flat_map(|frame| frame.shared.iter());
        let new = pieces.filter(|piece| places.insert(piece.as_ptr()));
        new.map(Bytes::len).sum()
    }

    fn payload_bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.payload_bytes).sum()
    }
}

fn encoded_bytes(server: &Server) -> usize {
    let text = server.boards.metrics().text();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("driftless_resume_encoded_bytes_total "));
    value.expect("is counted").parse().expect("a number")
}

#[tokio::test]
async fn a_thousand_readers_of_a_large_board_hold_on_to_one_encoding_of_it() {
    let server = Server::new(MemoryBoards::new());
    let author = large_board(&server).await;
    let before = encoded_bytes(&server);
    let mut readers = Vec::new();
    for number in 0..READERS {
        readers.push(server.follower(2 + number, None).await);
    }
    let mut held = Held::default();
    for reader in &mut readers {
        held.take_from(reader, Codec::MessagePack).await;
    }
    let board_bytes = usize::try_from(RECORDS).expect("is small") * TEXT_BYTES;
    let encoded = encoded_bytes(&server) - before;
    assert!(encoded < board_bytes + 100_000, "{encoded} bytes");
    let (own, shared) = (held.own_bytes(), held.shared_bytes());
    assert!(shared < board_bytes + 100_000, "{shared} bytes");
    assert!(own < 4_000_000, "{own} bytes");
    println!("{READERS} readers of {board_bytes} bytes: {own} own, {shared} shared");
    drop(author);
}

/// A thousand edits to small leaves; then all large ones change. Answers where the board stood
/// after each of the thousand.
async fn change_all(author: &mut Follower) -> Vec<Cursor> {
    let mut stood = Vec::new();
    let first = RECORDS + 1;
    for seq in first..first + 1_000 {
        let push = write_to(&format!("r{}", seq % RECORDS + 1), seq, "title", "x");
        stood.push(applied_at(author, push).await);
    }
    for seq in first + 1_000..first + 1_000 + RECORDS {
        let text = "y".repeat(TEXT_BYTES);
        let record = format!("r{}", seq % RECORDS + 1);
        applied(author, write_to(&record, seq, "options/text", &text)).await;
    }
    stood
}

#[tokio::test]
async fn a_thousand_readers_at_a_thousand_versions_hold_on_to_one_encoding_of_what_changed() {
    let server = Server::new(MemoryBoards::new());
    let mut author = large_board(&server).await;
    let stood = change_all(&mut author).await;
    for codec in Codec::ALL {
        let before = encoded_bytes(&server);
        let (mut readers, mut held) = (Vec::new(), Held::default());
        for (number, cursor) in (0..).zip(&stood) {
            let mut reader = server.speaking(codec, 2 + number, Some(*cursor)).await;
            held.take_from(&mut reader, codec).await;
            readers.push(reader);
        }
        let changed_bytes = usize::try_from(RECORDS).expect("is small") * TEXT_BYTES;
        assert!(held.payload_bytes() > stood.len() * changed_bytes);
        // Beside what changed, each has a run of small leaves at most.
        let bytes_max = changed_bytes + stood.len() * limits::COPIED_BYTES_MAX;
        let (own, shared) = (held.own_bytes(), held.shared_bytes());
        let encoded = encoded_bytes(&server) - before;
        assert!(shared < bytes_max, "{shared} bytes in {codec:?}");
        assert!(encoded < bytes_max, "{encoded} bytes in {codec:?}");
        assert!(own < stood.len() * limits::COPIED_BYTES_MAX, "{own} bytes");
        println!("{codec:?}: {own} own, {shared} shared, {encoded} encoded");
    }
}

#[tokio::test(start_paused = true)]
async fn what_resumes_were_made_of_is_let_go_when_nobody_has_asked_for_a_while() {
    let server = Server::new(MemoryBoards::new());
    let _author = large_board(&server).await;
    let news = async |client: u128| -> Weak<crate::hub::news::News> {
        let mut reader = server.follower(client, None).await;
        match take(&mut reader, 1).await.remove(0) {
            Delivery::Resume(_, news) => Arc::downgrade(&news),
            other => panic!("no resume: {other:?}"),
        }
    };
    let first = news(2).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let second = news(3).await;
    assert!(first.ptr_eq(&second) && first.strong_count() > 0);
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(first.strong_count() > 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(first.strong_count(), 0);
}

#[tokio::test]
async fn a_resume_says_what_its_reader_lacks_and_where_its_own_edits_stand() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let nothing = resume(&mut author).await.cursor;
    applied(&mut author, push(1, "CPU")).await;
    applied(&mut author, write(2, "unit", "%")).await;
    let mut other = server.follower(2, Some(nothing)).await;
    let others = resume(&mut other).await;
    let mut again = server.follower(1, Some(nothing)).await;
    let own = resume(&mut again).await;
    assert_eq!((own.full, own.last_seq), (false, 2));
    assert_eq!((others.full, others.last_seq), (false, 0));
    assert_eq!(own.records, others.records);
    assert_eq!(own.records[0].leaves.len(), 2);
    drop(author);
}
