use driftless_model::{Check, Cursor, EditId, Version};
use driftless_protocol::message::Outcome;
use driftless_protocol::{ClientMessage, Code, Codec, Payload, ServerMessage};
use driftless_server::{Driftless, StaticTokens};
use driftless_store::server::MemoryBoards;

use crate::person::{Server, home, titled};

async fn server() -> Server {
    Server::start(Driftless::builder()).await
}

fn version(outcome: &Outcome) -> Version {
    match outcome {
        Outcome::Applied { version, .. } => *version,
        other => panic!("not applied: {other:?}"),
    }
}

#[tokio::test]
async fn an_edit_is_an_outcome_for_its_author_and_an_event_for_others() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let (mut bo, _) = server.person_with(Codec::MessagePack, 2, "Bo").await;
    bo.subscribe(None).await;
    let settled = ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    assert_eq!((settled.seq, settled.id), (1, EditId(7)));
    let event = bo.event().await;
    let Outcome::Applied { version, check, .. } = settled.outcome else {
        panic!("not applied");
    };
    assert_eq!((event.version, event.check), (version, check));
    assert_eq!(
        (event.author.as_str(), event.label.as_str()),
        ("Ann", "Rename")
    );
    assert_eq!(event.effects.len(), 1);
}

#[tokio::test]
async fn an_edit_that_is_sent_twice_has_its_effect_once() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    let first = ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    let again = ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    assert_eq!(first, again);
    let next = ann.settle(titled(2, 8, 1, "cpu", "Load")).await;
    assert_eq!(version(&next.outcome), Version(2));
    assert_eq!(bo.event().await.version, Version(1));
    assert_eq!(bo.event().await.version, Version(2));
}

#[tokio::test]
async fn another_edit_at_a_known_seq_is_a_clone() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    ann.push(titled(1, 9, 0, "cpu", "Other")).await;
    assert!(matches!(
        ann.message().await,
        ServerMessage::Error {
            code: Code::Cloned,
            ..
        }
    ));
}

#[tokio::test]
async fn a_seq_too_far_is_asked_for_in_order() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    ann.push(titled(3, 7, 0, "cpu", "CPU")).await;
    let expect = ServerMessage::Expect {
        board: home(),
        seq: 1,
    };
    assert_eq!(ann.message().await, expect);
}

#[tokio::test]
async fn a_board_that_is_not_followed_takes_no_edits() {
    let server = server().await;
    let mut ann = server.person(1, "Ann").await;
    ann.push(titled(1, 7, 0, "cpu", "CPU")).await;
    assert!(matches!(
        ann.message().await,
        ServerMessage::Error {
            code: Code::NotSubscribed,
            ..
        }
    ));
}

#[tokio::test]
async fn an_edit_over_an_unseen_title_conflicts_and_uses_up_its_seq() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    // Outcomes travel in stream order: Ann's edit comes before what became of his.
    bo.push(titled(1, 8, 0, "cpu", "Load")).await;
    assert_eq!(bo.event().await.version, Version(1));
    let settled = bo.outcome().await;
    assert!(matches!(
        settled.outcome,
        Outcome::Conflict { at: Version(1), .. }
    ));
}

#[tokio::test]
async fn an_edit_that_cannot_be_read_still_has_a_place_in_the_sequence() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut broken = titled(1, 7, 0, "cpu", "CPU");
    broken.payload = Payload::from_text("{");
    let settled = ann.settle(broken).await;
    let Outcome::Rejected { code, .. } = settled.outcome else {
        panic!("not rejected");
    };
    assert_eq!(code, Code::Undecodable);
    let next = ann.settle(titled(2, 8, 0, "cpu", "CPU")).await;
    assert_eq!(version(&next.outcome), Version(1));
}

#[tokio::test]
async fn a_viewer_reads_and_may_not_edit() {
    let tokens = "0123456789abcdef Ann editor\nfedcba9876543210 Bo viewer";
    let tokens = StaticTokens::parse(tokens).expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    let mut ann = server.follower(1, "0123456789abcdef").await;
    let mut bo = server.follower(2, "fedcba9876543210").await;
    let settled = bo.settle(titled(1, 8, 0, "cpu", "Mine")).await;
    let Outcome::Rejected { code, .. } = settled.outcome else {
        panic!("a viewer edited: {settled:?}");
    };
    assert_eq!(code, Code::Forbidden);
    ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    assert_eq!(bo.event().await.author.as_str(), "Ann");
}

#[tokio::test]
async fn a_resume_brings_what_changed_or_everything_where_histories_differ() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    for seq in 1..=5 {
        let record = format!("chart-{seq}");
        ann.settle(titled(seq, seq.into(), 0, &record, "A")).await;
    }
    let mut bo = server.person(2, "Bo").await;
    let snapshot = bo.subscribe(None).await;
    assert!(snapshot.full && !snapshot.diverged);
    assert_eq!((snapshot.records.len(), snapshot.last_seq), (5, 0));
    ann.settle(titled(6, 6, 5, "chart-2", "B")).await;
    ann.settle(titled(7, 7, 6, "chart-2", "C")).await;
    assert_eq!(bo.event().await.version, Version(6));
    assert_eq!(bo.event().await.version, Version(7));
    let delta = bo.subscribe(Some(snapshot.cursor)).await;
    assert!(!delta.full);
    assert_eq!((delta.records.len(), delta.leaves.len()), (0, 1));
    assert_eq!(delta.cursor.version, Version(7));
    let elsewhere = Cursor {
        version: snapshot.cursor.version,
        check: Check(snapshot.cursor.check.0 ^ 1),
    };
    let diverged = bo.subscribe(Some(elsewhere)).await;
    assert!(diverged.full && diverged.diverged);
    let ahead = Cursor {
        version: Version(99),
        check: Check(1),
    };
    assert!(bo.subscribe(Some(ahead)).await.diverged);
    let own = ann.subscribe(Some(delta.cursor)).await;
    assert_eq!((own.last_seq, own.last_id), (7, Some(EditId(7))));
    assert_eq!(own.outcomes.len(), 7);
}

#[tokio::test]
async fn a_restart_keeps_everything_and_finds_old_cursors_in_the_store() {
    let store = MemoryBoards::new();
    let server = Server::start(Driftless::builder().store(store.clone())).await;
    let mut ann = server.follower(1, "Ann").await;
    ann.settle(titled(1, 1, 0, "cpu", "A")).await;
    let early = ann.subscribe(None).await.cursor;
    ann.settle(titled(2, 2, 1, "cpu", "B")).await;
    server.driftless.shutdown().await;
    let server = Server::start(Driftless::builder().store(store)).await;
    let mut ann = server.person(1, "Ann").await;
    let resume = ann.subscribe(Some(early)).await;
    assert!(!resume.full, "the check of an old version is looked up");
    assert_eq!((resume.leaves.len(), resume.last_seq), (1, 2));
    let again = ann.settle(titled(2, 2, 1, "cpu", "B")).await;
    assert_eq!(version(&again.outcome), Version(2));
}

#[tokio::test]
async fn who_leaves_a_board_hears_no_more_of_it() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    bo.send(ClientMessage::Unsubscribe { board: home() }).await;
    bo.send(ClientMessage::Ping { nonce: 1 }).await;
    assert_eq!(bo.message().await, ServerMessage::Pong { nonce: 1 });
    ann.settle(titled(1, 1, 0, "cpu", "A")).await;
    bo.send(ClientMessage::Ping { nonce: 2 }).await;
    assert_eq!(bo.message().await, ServerMessage::Pong { nonce: 2 });
}

#[tokio::test]
async fn many_edits_at_once_are_settled_in_order() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    for seq in 1..=100 {
        ann.push(titled(seq, seq.into(), seq, "cpu", &format!("t{seq}")))
            .await;
    }
    for seq in 1..=100 {
        let settled = ann.outcome().await;
        assert_eq!(
            (settled.seq, version(&settled.outcome)),
            (seq, Version(seq))
        );
        assert_eq!(bo.event().await.version, Version(seq));
    }
}
