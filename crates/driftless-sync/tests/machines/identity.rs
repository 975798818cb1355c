//! Who a replica is: copies of a profile, earlier states of it, other users. Whatever happens to
//! the client id, an edit has its effect once and under the user who made it.

use driftless_model::{Check, Cursor, EditId, UserId, Version, limits};
use driftless_protocol::durable::Row;
use driftless_protocol::message::{
    ChangedLeaf, ClientMessage, Outcome, Resume, ServerMessage, Settled,
};
use driftless_protocol::{CloseCode, Code};
use driftless_sync::replica::view::Connection;
use driftless_sync::replica::{Command, Notice, Settlement};

use crate::pair::{Pair, board, create, path, record, set};

const ANN: usize = 0;
pub const BOB: usize = 1;

/// Ann and Bob, and a chart titled "CPU" that both see.
pub fn two() -> Pair {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.edit(ANN, vec![("cpu", create("CPU"))]);
    pair.settle();
    pair
}

/// Ann, away, made an edit, and her profile was copied to another device then.
fn copied() -> (Pair, usize) {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    let (user, disk) = (pair.people[ANN].user.clone(), pair.people[ANN].disk.clone());
    let copy = pair.join(user, disk, false);
    (pair, copy)
}

fn client(pair: &Pair, who: usize) -> Option<driftless_model::ClientId> {
    pair.people[who].replica.status().client
}

#[test]
fn an_edit_in_two_copies_of_a_profile_is_applied_once() {
    let (mut pair, copy) = copied();
    pair.plug(ANN);
    pair.settle();
    pair.plug(copy);
    pair.settle();
    assert_eq!(pair.applied(), 2, "the chart and the title");
    assert!(pair.entries(ANN).is_empty() && pair.entries(copy).is_empty());
    assert_ne!(client(&pair, ANN), client(&pair, copy));
}

#[test]
fn copies_that_edit_both_lose_nothing() {
    let (mut pair, copy) = copied();
    pair.edit(copy, vec![("mem", create("Memory"))]);
    pair.edit(ANN, vec![("net", create("Network"))]);
    pair.plug(copy);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.stored("mem", "title"), Some("Memory".into()));
    assert_eq!(pair.stored("net", "title"), Some("Network".into()));
    assert_eq!(pair.applied(), 4);
}

#[test]
fn a_copy_does_not_go_on_under_an_identity_that_was_given_up() {
    let (mut pair, copy) = copied();
    let old = client(&pair, ANN);
    pair.plug(ANN);
    for _ in 0..3 {
        pair.close(ANN, CloseCode::Replaced.number());
    }
    while client(&pair, ANN) == old {
        pair.settle();
        pair.close(ANN, CloseCode::Replaced.number());
    }
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.plug(copy);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.applied(), 3);
    assert_ne!(client(&pair, copy), old);
}

#[test]
fn an_edit_that_comes_back_with_an_earlier_state_of_the_profile_is_not_applied_again() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    let earlier = pair.people[ANN].disk.clone();
    pair.plug(ANN);
    pair.settle();
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.edit(ANN, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    pair.people[ANN].disk = earlier;
    pair.restart(ANN);
    pair.settle();
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.conflicts(ANN), 0, "it was applied long ago");
    assert_eq!(pair.applied(), 4);
}

#[test]
fn an_edit_remembers_the_last_client_ids_that_were_given_up() {
    let (mut pair, _) = copied();
    pair.plug(ANN);
    let remembered = |pair: &Pair| {
        let mut rows = pair.people[ANN].disk.values();
        rows.find_map(|row| match row {
            Row::Entry(row) => Some(row.again.clone().unwrap_or_default().clients),
            _ => None,
        })
    };
    let mut given_up = Vec::new();
    for _ in 0..=limits::FORMER_CLIENTS_MAX {
        let old = client(&pair, ANN);
        while client(&pair, ANN) == old {
            pair.wake(ANN);
            pair.close(ANN, CloseCode::Replaced.number());
        }
        given_up.extend(old);
        let first = given_up.len().saturating_sub(limits::FORMER_CLIENTS_MAX);
        assert_eq!(remembered(&pair), Some(given_up[first..].to_vec()));
    }
    pair.settle();
    assert_eq!(pair.applied(), 2);
}

#[test]
fn edits_of_one_user_are_never_sent_as_anothers() {
    let mut pair = two();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    let ann = pair.people[ANN].user.clone();
    let bob = std::mem::replace(&mut pair.people[BOB].user, ann);
    pair.command(BOB, Command::SetToken(Some("Ann".to_owned())));
    pair.people[BOB].is_plugged = true;
    pair.command(BOB, Command::Network(true));
    for _ in 0..3 {
        pair.settle_some();
    }
    let connection = pair.people[BOB].replica.status().connection;
    assert!(matches!(connection, Connection::Closed { .. }));
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    anns_are_refused(&mut pair);
    pair.people[BOB].user = bob.clone();
    pair.command(BOB, Command::SetToken(Some("Bob".to_owned())));
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    let row = pair
        .state()
        .record(&crate::pair::record("cpu"))
        .expect("is there");
    assert_eq!(row.leaves[&crate::pair::path("title")].author, bob);
}

/// Ann is signed in at Bob's device, where an edit of his waits: what she makes would be sent as
/// his, and what she decided as his decision.
fn anns_are_refused(pair: &mut Pair) {
    let waiting = pair.entries(BOB);
    pair.notices(BOB);
    let edit = pair.edit(BOB, vec![("cpu", set("title", "Ann's"))]);
    let is_refused = |notice: &Notice| {
        let code = Code::WrongUser;
        matches!(notice, Notice::EditSettled {
            id, settlement: Settlement::Refused { code: said, .. }, ..
        } if *id == edit && *said == code)
    };
    assert!(pair.notices(BOB).iter().any(is_refused));
    let roll_back = Command::RollBack {
        board: board(),
        edit: waiting[0].id,
    };
    pair.command(BOB, roll_back);
    pair.command(BOB, Command::Undo(board()));
    let is_told = |notice: &&Notice| match notice {
        Notice::Error { code, detail } => *code == Code::WrongUser && detail.contains("Bob"),
        _ => false,
    };
    assert_eq!(pair.notices(BOB).iter().filter(is_told).count(), 2);
    assert_eq!(pair.entries(BOB).len(), 1);
}

#[test]
fn whoever_starts_with_another_token_owns_what_they_make_before_the_server_says_who_they_are() {
    let mut pair = two();
    pair.edit(BOB, vec![("cpu", set("unit", "ms"))]);
    pair.settle();
    let bobs = client(&pair, BOB);
    pair.restart_as(BOB, "Cleo");
    assert_eq!(pair.people[BOB].replica.status().user, None);
    pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.plug(BOB);
    pair.settle();
    let cpu = pair.state().record(&record("cpu")).expect("is there");
    let cell = &cpu.leaves[&path("title")];
    assert_eq!(cell.value, Some("Cleo's".into()));
    assert_eq!(cell.author, pair.people[BOB].user);
    assert!(pair.entries(BOB).is_empty());
    assert_ne!(client(&pair, BOB), bobs);
}

#[test]
fn whoever_starts_with_the_same_token_is_known_without_the_server() {
    let mut pair = two();
    pair.command(BOB, Command::SetToken(Some("Bob".to_owned())));
    pair.settle();
    pair.restart_as(BOB, "Bob");
    let status = pair.people[BOB].replica.status();
    assert_eq!(status.user, Some(pair.people[BOB].user.clone()));
}

#[test]
fn whoever_starts_where_anothers_edits_wait_leaves_them_to_that_one() {
    let mut pair = two();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    let bob = pair.people[BOB].user.clone();
    pair.restart_as(BOB, "Cleo");
    assert_eq!(pair.people[BOB].replica.status().user, Some(bob));
    pair.plug(BOB);
    pair.some_rounds(3);
    let connection = pair.people[BOB].replica.status().connection;
    assert!(matches!(connection, Connection::Closed { .. }));
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
}

/// Cleo sits down at Bob's device, which is away: nothing of his waits.
pub fn cleo_at_bobs(mut pair: Pair) -> Pair {
    pair.edit(BOB, vec![("cpu", set("unit", "ms"))]);
    pair.settle();
    pair.unplug(BOB);
    pair.people[BOB].user = driftless_model::UserId::new("Cleo").expect("a user");
    pair.command(BOB, Command::SetToken(Some("Cleo".to_owned())));
    pair
}

#[test]
fn a_crash_between_two_users_leaves_the_edits_to_who_made_them() {
    let mut pair = cleo_at_bobs(two());
    let bobs = client(&pair, BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.restart_as(BOB, "Cleo");
    pair.plug(BOB);
    pair.settle();
    assert_ne!(client(&pair, BOB), bobs, "that one is Bob's on the server");
    assert_eq!(pair.stored("cpu", "title"), Some("Cleo's".into()));
    let row = pair
        .state()
        .record(&crate::pair::record("cpu"))
        .expect("is there");
    let author = &row.leaves[&crate::pair::path("title")].author;
    assert_eq!(*author, pair.people[BOB].user);
    assert!(pair.entries(BOB).is_empty());
}

/// A profile was copied before anybody had signed in, and Ann signed in at one of the two: the
/// server has its client id as hers.
#[test]
fn another_user_of_a_copy_from_before_the_first_sign_in_takes_an_identity_of_their_own() {
    let mut pair = two();
    let ann = pair.people[ANN].user.clone();
    let one = pair.join(ann, [].into(), false);
    let bob = pair.people[BOB].user.clone();
    let other = pair.join(bob, pair.people[one].disk.clone(), false);
    assert_eq!(client(&pair, one), client(&pair, other));
    pair.edit(one, vec![("mem", create("Ann's"))]);
    pair.edit(other, vec![("net", create("Bob's"))]);
    for (who, id, author) in [(one, "mem", ANN), (other, "net", BOB)] {
        pair.plug(who);
        pair.settle();
        assert!(pair.entries(who).is_empty());
        let row = pair.state().record(&record(id)).expect("is there");
        let author = &pair.people[author].user;
        assert_eq!(row.leaves[&path("title")].author, *author);
    }
    assert_ne!(client(&pair, one), client(&pair, other));
}

/// Bob had a token, and Cleo came with another while the server was away.
pub fn left_by_bob() -> Pair {
    let mut pair = two();
    pair.command(BOB, Command::SetToken(Some("Bob".to_owned())));
    pair.settle();
    cleo_at_bobs(pair)
}

#[test]
fn whoever_is_back_before_anybody_made_anything_goes_on_as_ever() {
    let mut pair = left_by_bob();
    pair.restart_as(BOB, "Bob");
    for title in ["One", "Two"] {
        pair.edit(BOB, vec![("cpu", set("title", title))]);
        pair.restart_as(BOB, "Bob");
    }
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Two".into()));
    assert!(pair.entries(BOB).is_empty());
}

#[test]
fn an_edit_of_the_next_user_has_seen_nothing_of_a_history_that_is_gone() {
    let mut pair = two();
    pair.edit(BOB, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    let backup = pair.backup();
    let mut pair = cleo_at_bobs(pair);
    pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.restore(&backup);
    pair.settle();
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    assert_eq!(pair.conflicts(BOB), 1);
}

#[test]
fn another_user_starts_from_nothing() {
    let mut pair = two();
    let old = client(&pair, BOB);
    pair.people[BOB].user = driftless_model::UserId::new("Cleo").expect("a user");
    pair.command(BOB, Command::SetToken(Some("Cleo".to_owned())));
    pair.settle();
    assert_ne!(client(&pair, BOB), old);
    let status = pair.people[BOB].replica.status();
    assert_eq!(status.user, Some(pair.people[BOB].user.clone()));
    assert!(pair.people[BOB].replica.board(&board()).is_some());
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("CPU".into()));
}

fn delta(cursor: Cursor, since: Version, leaves: Vec<ChangedLeaf>) -> ServerMessage {
    ServerMessage::Resume(Box::new(Resume {
        board: board(),
        cursor,
        full: false,
        diverged: false,
        since: Some(since),
        floor: Version(0),
        last_seq: 0,
        last_id: None,
        outcomes: vec![],
        removed: vec![],
        records: vec![],
        leaves,
    }))
}

/// From seed 62,644 with tabs: what a copy of the profile had applied was told here, and is not
/// known. The server took it for delivered, and sent what came after it in place of a stream that
/// it no longer had, before it heard what is missing.
#[test]
fn a_delta_from_above_where_a_copy_stands_is_left_for_the_one_that_was_asked_for() {
    let mut pair = two();
    let cursor = |pair: &Pair| {
        let state = pair.people[BOB].replica.board(&board());
        state
            .and_then(|board| board.state.cursor())
            .expect("a copy")
    };
    let asked = |pair: &Pair| {
        let sent = pair.people[BOB].sent.iter();
        sent.filter(|message| matches!(message, ClientMessage::Subscribe(_)))
            .count()
    };
    let before = cursor(&pair);
    let at = |version: Version| Cursor {
        version,
        check: Check(version.0),
    };
    let (lost, next) = (before.version.next(), before.version.next().next());
    pair.hear(
        BOB,
        ServerMessage::Outcome(Settled {
            board: board(),
            seq: 9,
            id: EditId(0xc0b1),
            outcome: Outcome::Applied {
                version: lost,
                check: at(lost).check,
                skipped: vec![],
                replaced: vec![],
                effects: None,
            },
        }),
    );
    assert_eq!((cursor(&pair), asked(&pair)), (before, 1));
    pair.hear(BOB, delta(at(next), lost, vec![]));
    assert_eq!((cursor(&pair), asked(&pair)), (before, 1), "it lacks one");
    let title = ChangedLeaf {
        record: record("cpu"),
        leaf: path("title"),
        value: Some("Copied".into()),
        version: lost,
        author: UserId::new("Bob").expect("a user"),
    };
    pair.hear(BOB, delta(at(lost), before.version, vec![title]));
    assert_eq!(cursor(&pair), at(lost));
    pair.wait(1_000);
    pair.wake(BOB);
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Copied".into()));
    // Nothing was asked for this time.
    pair.hear(BOB, delta(at(next.next()), next, vec![]));
    assert_eq!((cursor(&pair), asked(&pair)), (at(lost), 2));
}
