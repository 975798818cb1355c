//! What a board publishes, as its followers read it.

use std::collections::BTreeSet;

use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::hub::Outbound;

/// Where the payload of a frame is.
fn place(frame: Option<Outbound>) -> *const u8 {
    match frame {
        Some(Outbound::Frame(Message::Binary(bytes))) => bytes.as_ptr(),
        Some(Outbound::Frame(Message::Text(text))) => text.as_str().as_ptr(),
        other => panic!("no frame with a payload: {other:?}"),
    }
}

#[tokio::test]
async fn an_event_is_encoded_once_for_all_who_speak_alike() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    let mut readers = Vec::new();
    for number in 2..102 {
        let codec = Codec::ALL[number as usize % Codec::ALL.len()];
        let mut reader = server.speaking(codec, number, None).await;
        resume(&mut reader).await;
        readers.push((codec, reader));
    }
    applied(&mut author, push(1, "CPU")).await;
    let (mut frames, mut places) = (Vec::new(), BTreeSet::new());
    for (codec, reader) in &mut readers {
        let delivery = take(reader, 1).await.remove(0);
        let frame = delivery.frame(reader.client(), *codec);
        frames.push(frame.clone());
        places.insert((codec.subprotocol(), place(frame)));
    }
    assert_eq!(frames.len(), 100);
    assert_eq!(places.len(), Codec::ALL.len());
}

#[tokio::test]
async fn the_author_gets_the_outcome_and_others_the_event() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut other).await;
    assert_eq!(applied(&mut author, push(1, "CPU")).await, Version(1));
    let ServerMessage::Event(event) = message(&mut other).await else {
        panic!("no event");
    };
    assert_eq!((event.version, event.author), (Version(1), ann()));
}

#[tokio::test]
async fn whoever_lags_past_the_ring_resumes_from_what_was_delivered() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut slow = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut slow).await;
    let first = applied(&mut author, push(1, "first")).await;
    assert!(
        matches!(message(&mut slow).await, ServerMessage::Event(event) if event.version == first)
    );
    let count = limits::RING_ITEMS_MAX as u64 + 10;
    for seq in 2..=count {
        applied(&mut author, push(seq, &format!("title {seq}"))).await;
    }
    let resume = resume(&mut slow).await;
    assert_eq!(resume.cursor.version, Version(count));
    assert!(!resume.full, "what was delivered is not sent again");
    assert_eq!((resume.records.len(), resume.leaves.len()), (0, 1));
    applied(&mut author, push(count + 1, "on")).await;
    let ServerMessage::Event(event) = message(&mut slow).await else {
        panic!("no event");
    };
    assert_eq!(event.version, Version(count + 1));
}

#[tokio::test]
async fn what_comes_before_a_letter_is_read_in_portions_too() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut slow = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut slow).await;
    let text = "x".repeat(60_000);
    for seq in 1..=20 {
        applied(&mut author, write(seq, "options/text", &text)).await;
    }
    // Out of order: answered after the twenty, and before the last.
    slow.push(push(9, "CPU")).await.expect("is taken");
    applied(&mut author, push(21, "CPU")).await;
    let mut all = Vec::new();
    loop {
        let mut portion = Vec::new();
        let is_all = slow.deliver(256, &mut portion).await;
        let weights = portion.iter().filter_map(|delivery| match delivery {
            Delivery::Item(item) => Some(item.weight_bytes),
            _ => None,
        });
        let weights: Vec<usize> = weights.collect();
        let (all_bytes, last) = (weights.iter().sum::<usize>(), weights.last());
        let before_last = all_bytes - last.expect("something comes");
        assert!(before_last < limits::DELIVERED_BYTES_MAX, "{weights:?}");
        assert!(
            is_all || all_bytes >= limits::DELIVERED_BYTES_MAX,
            "{weights:?}"
        );
        all.append(&mut portion);
        if is_all {
            break;
        }
    }
    assert_eq!(all.len(), 22);
    let answer = all[20].message(ClientId(2));
    assert!(
        matches!(answer, Some(ServerMessage::Expect { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_ring_keeps_only_what_somebody_has_not_read() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut slow = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut slow).await;
    for seq in 1..=20 {
        applied(&mut author, push(seq, "x")).await;
    }
    let ring = server.boards.open(&home()).expect("is open").ring;
    assert_eq!(
        ring.read(0, u64::MAX, Portion::ALL, |_| ())
            .map(|taken| taken.next),
        Ok(20)
    );
    take(&mut slow, 20).await;
    applied(&mut author, push(21, "x")).await;
    assert!(ring.read(0, u64::MAX, Portion::ALL, |_| ()).is_err());
    assert_eq!(ring.end(), 21);
}
