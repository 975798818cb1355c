//! What a room does when it is told that somebody's role changed.

use std::sync::Arc;

use driftless_model::{Check, ClientId, Cursor, EditId, Role, Schema, Version, limits};
use driftless_protocol::durable::LedgerRow;
use driftless_protocol::message::{Again, Push};
use driftless_protocol::{Code, ServerMessage};
use driftless_sync::room::{BoardImage, ConnectionId, Found, Input, Output, Room, Stored};

use crate::alone::{
    ANN, BOB, committed, followed, member, push, pushed, streamed, subscribe, tell,
};
use crate::pair::board;

fn withdraw(room: &mut Room, connection: ConnectionId) -> Vec<Output> {
    let role = Role::None;
    tell(room, Input::Role { connection, role })
}

/// The code with which a connection is taken out of the stream.
fn withdrawn(outputs: &[Output], of: ConnectionId) -> Option<Code> {
    outputs.iter().find_map(|output| match output {
        Output::Withdraw {
            connection,
            message,
        } if *connection == of => match &**message {
            ServerMessage::Error { code, .. } => Some(*code),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn a_lost_right_to_read_takes_the_connection_out_of_the_stream() {
    let mut room = followed();
    let told = withdraw(&mut room, BOB);
    assert_eq!(withdrawn(&told, BOB), Some(Code::Forbidden));
    assert_eq!(told.len(), 1);
    tell(&mut room, Input::Unsubscribe { connection: ANN });
    assert!(room.is_idle(), "nobody follows any more");
}

#[test]
fn a_resume_that_waits_is_not_answered_after_the_withdrawal() {
    let mut room = Room::new(board(), Arc::new(Schema::builtin()));
    subscribe(&mut room, ANN, Role::Editor);
    subscribe(&mut room, BOB, Role::Editor);
    withdraw(&mut room, BOB);
    let told = tell(&mut room, Input::Loaded(Box::default()));
    let resumed = told.iter().filter_map(|output| match output {
        Output::Resume { connection, .. } => Some(*connection),
        _ => None,
    });
    assert_eq!(resumed.collect::<Vec<_>>(), [ANN]);
}

#[test]
fn an_edit_in_a_commit_under_way_may_still_be_applied_and_a_later_one_is_not() {
    let mut room = followed();
    assert!(matches!(pushed(&mut room, BOB, 1)[..], [Output::Commit(_)]));
    pushed(&mut room, BOB, 2);
    pushed(&mut room, ANN, 1);
    withdraw(&mut room, BOB);
    let told = committed(&mut room);
    assert_eq!(streamed(&told), [(ClientId(2), 1, Ok(()))]);
    let told = committed(&mut room);
    assert_eq!(streamed(&told), [(ClientId(1), 1, Ok(()))]);
    // The seq is not used up: with the right back, the edit is taken from where it stopped.
    subscribe(&mut room, BOB, Role::Editor);
    pushed(&mut room, BOB, 2);
    let told = committed(&mut room);
    assert_eq!(streamed(&told), [(ClientId(2), 2, Ok(()))]);
}

#[test]
fn a_lost_right_to_edit_counts_for_what_waits_and_uses_up_the_seq() {
    let mut room = followed();
    pushed(&mut room, ANN, 1);
    pushed(&mut room, BOB, 1);
    let role = Role::Viewer;
    let connection = BOB;
    assert_eq!(tell(&mut room, Input::Role { connection, role }), []);
    committed(&mut room);
    let told = committed(&mut room);
    let refused = (ClientId(2), 1, Err(Code::Forbidden));
    assert_eq!(streamed(&told), [refused]);
    let role = Role::Owner;
    tell(&mut room, Input::Role { connection, role });
    pushed(&mut room, BOB, 2);
    assert_eq!(streamed(&committed(&mut room)), [(ClientId(2), 2, Ok(()))]);
}

#[test]
fn what_a_connection_left_in_the_queue_is_decided_by_the_role_that_it_has_then() {
    for (role, expected) in [
        (Role::Viewer, vec![(ClientId(2), 1, Err(Code::Forbidden))]),
        (Role::None, vec![]),
    ] {
        let mut room = followed();
        pushed(&mut room, ANN, 1);
        pushed(&mut room, BOB, 1);
        let connection = BOB;
        tell(&mut room, Input::Unsubscribe { connection });
        tell(&mut room, Input::Role { connection, role });
        committed(&mut room);
        assert_eq!(streamed(&committed(&mut room)), expected);
    }
}

#[test]
fn a_failed_commit_says_nothing_to_who_may_not_read() {
    let mut room = followed();
    pushed(&mut room, BOB, 1);
    withdraw(&mut room, BOB);
    let told = tell(&mut room, Input::Stored(Stored::Failed));
    let is_to_bob =
        |output: &Output| matches!(output, Output::Send { connection, .. } if *connection == BOB);
    assert!(!told.iter().any(is_to_bob), "{told:?}");
}

#[test]
fn a_push_without_a_right_to_read_is_answered_and_not_dropped() {
    let mut room = followed();
    withdraw(&mut room, BOB);
    let told = pushed(&mut room, BOB, 1);
    let [Output::Send { message, .. }] = &told[..] else {
        panic!("no answer: {told:?}");
    };
    assert!(matches!(
        **message,
        ServerMessage::Error {
            code: Code::NotSubscribed,
            ..
        }
    ));
}

/// Nobody ever pushed under the client id that this replica gave up: whatever the log no longer
/// has, this edit is not in it.
#[test]
fn an_edit_of_a_client_that_the_board_never_met_is_new_however_short_the_log() {
    let max = limits::FORMER_CLIENTS_MAX as u128;
    let many = |count| (100..100 + count).map(ClientId).collect::<Vec<_>>();
    for (former, expected) in [
        (vec![ClientId(9)], Ok(())),
        (vec![ClientId(1)], Err(Code::Forgotten)),
        (many(max - 1), Ok(())),
        // It may have given up more than it names.
        (many(max), Err(Code::Forgotten)),
    ] {
        let mut room = Room::new(board(), Arc::new(Schema::builtin()));
        subscribe(&mut room, BOB, Role::Editor);
        let ledger = vec![LedgerRow {
            client: ClientId(1),
            user: member(BOB.0, Role::Editor).user,
            last_seq: 3,
            last_id: EditId(3),
            settled: 3,
            outcomes: vec![],
        }];
        let image = BoardImage {
            head: Cursor {
                version: Version(7),
                check: Check(7),
            },
            ledger,
            pruned: Version(5),
            ..BoardImage::default()
        };
        tell(&mut room, Input::Loaded(Box::new(image)));
        let again = Some(Again {
            above: Version(4),
            clients: former,
        });
        let push = Push {
            again,
            ..push(BOB.0, 1)
        };
        let connection = BOB;
        let number = look(&tell(&mut room, Input::Push { connection, push }));
        let found = Input::Found {
            number: number.expect("the log is asked"),
            found: Found::Nowhere,
        };
        tell(&mut room, found);
        assert_eq!(
            streamed(&committed(&mut room)),
            [(ClientId(2), 1, expected)]
        );
    }
}

/// The number of the look that a room asks for.
fn look(outputs: &[Output]) -> Option<u64> {
    outputs.iter().find_map(|output| match output {
        Output::Find { number, .. } => Some(*number),
        _ => None,
    })
}

/// A look that was asked for before the withdrawal is answered after the edit was pushed again: it
/// may be older than what was applied in between.
#[test]
fn the_answer_to_a_look_that_nobody_waits_for_counts_for_nothing() {
    let mut room = followed();
    let again = Some(Again {
        above: Version(0),
        clients: vec![ClientId(9)],
    });
    let push = Push {
        again,
        ..push(BOB.0, 1)
    };
    let connection = BOB;
    let input = Input::Push { connection, push };
    let first = look(&tell(&mut room, input.clone())).expect("the log is asked");
    withdraw(&mut room, BOB);
    subscribe(&mut room, BOB, Role::Editor);
    let second = look(&tell(&mut room, input)).expect("the log is asked again");
    let found = |number| Input::Found {
        number,
        found: Found::Nowhere,
    };
    assert_eq!(tell(&mut room, found(first)), []);
    assert!(matches!(
        tell(&mut room, found(second))[..],
        [Output::Commit(_)]
    ));
}
