//! What a board says to those who come to it, once for all of them.

use std::sync::Weak;

use driftless_protocol::Codec;

use super::*;
use crate::hub::Outbound;

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

#[tokio::test]
async fn a_thousand_readers_of_a_large_board_hold_on_to_one_encoding_of_it() {
    let server = Server::new(MemoryBoards::new());
    let author = large_board(&server).await;
    let encodings = &server.boards.metrics().resume_encodings;
    let before = encodings.get();
    let mut readers = Vec::new();
    for number in 0..READERS {
        readers.push(server.follower(2 + number, None).await);
    }
    let mut places = std::collections::BTreeSet::new();
    let (mut own_bytes, mut shared_bytes) = (0, 0);
    for reader in &mut readers {
        let delivery = take(reader, 1).await.remove(0);
        let frame = delivery.frame(reader.client(), Codec::MessagePack);
        let Some(Outbound::Shared(frame)) = frame else {
            panic!("no shared frame: {frame:?}");
        };
        own_bytes += frame.own.len();
        for piece in frame.shared.iter() {
            if places.insert(piece.as_ptr() as usize) {
                shared_bytes += piece.len();
            }
        }
    }
    assert_eq!(encodings.get() - before, 1);
    let board_bytes = usize::try_from(RECORDS).expect("is small") * TEXT_BYTES;
    assert!(shared_bytes < board_bytes + 100_000, "{shared_bytes} bytes");
    assert!(own_bytes < 1_000_000, "{own_bytes} bytes");
    println!("{READERS} readers of {board_bytes} bytes: {own_bytes} own, {shared_bytes} shared");
    drop(author);
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
