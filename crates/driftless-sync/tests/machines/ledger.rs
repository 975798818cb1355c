//! What a room remembers of the edits that it decided, so that none of them counts twice.

use driftless_model::{ClientId, Role, UserId};
use driftless_protocol::message::{Outcome, Push};
use driftless_protocol::{Code, ServerMessage};
use driftless_sync::room::{ConnectionId, Input, Member, Output, Room, StreamItem};

use crate::alone::{ANN, BOB, committed, followed, push, pushed, streamed, tell};

/// What a connection is told outside the stream.
fn told(outputs: &[Output], to: ConnectionId) -> Vec<&ServerMessage> {
    let own = outputs.iter().filter_map(|output| match output {
        Output::Send {
            connection,
            message,
        } if *connection == to => Some(&**message),
        _ => None,
    });
    own.collect()
}

/// The code of the one error that a connection is told, outside the stream or as the end of it.
fn error(outputs: &[Output], to: ConnectionId) -> Option<Code> {
    let messages = outputs.iter().filter_map(|output| match output {
        Output::Send {
            connection,
            message,
        }
        | Output::Withdraw {
            connection,
            message,
        } if *connection == to => Some(&**message),
        _ => None,
    });
    let mut codes = messages.filter_map(|message| match message {
        ServerMessage::Error { code, .. } => Some(*code),
        _ => None,
    });
    codes.next()
}

/// A room that decided Ann's first three edits.
fn after_three() -> Room {
    let mut room = followed();
    for seq in 1..=3 {
        pushed(&mut room, ANN, seq);
        committed(&mut room);
    }
    room
}

#[test]
fn a_seq_that_is_used_up_gets_its_own_outcome_again() {
    let mut room = after_three();
    for seq in [2, 1, 3] {
        let outputs = pushed(&mut room, ANN, seq);
        assert_eq!(streamed(&outputs), [(ClientId(1), seq, Ok(()))]);
        assert_eq!(told(&outputs, ANN), Vec::<&ServerMessage>::new());
    }
}

#[test]
fn a_seq_that_another_edit_used_up_is_a_copys() {
    let mut room = after_three();
    let connection = ANN;
    let push = Push {
        id: push(7, 2).id,
        ..push(1, 2)
    };
    let outputs = tell(&mut room, Input::Push { connection, push });
    assert_eq!(error(&outputs, ANN), Some(Code::Cloned));
    assert_eq!(streamed(&outputs), []);
}

#[test]
fn an_outcome_that_the_client_has_is_not_kept_for_it() {
    let mut room = after_three();
    let connection = ANN;
    let push = Push {
        settled: 2,
        ..push(1, 4)
    };
    tell(&mut room, Input::Push { connection, push });
    committed(&mut room);
    assert_eq!(error(&pushed(&mut room, ANN, 2), ANN), Some(Code::Cloned));
}

#[test]
fn an_edit_that_is_not_the_one_its_envelope_names_is_refused() {
    let mut room = followed();
    let connection = ANN;
    let push = Push {
        id: push(7, 1).id,
        ..push(1, 1)
    };
    tell(&mut room, Input::Push { connection, push });
    let refused = (ClientId(1), 1, Err(Code::Undecodable));
    assert_eq!(streamed(&committed(&mut room)), [refused]);
}

/// Its author has it already: only what differs from it is told.
#[test]
fn an_edit_that_did_what_it_says_is_not_told_to_its_author_again() {
    let mut room = followed();
    pushed(&mut room, ANN, 1);
    let outputs = committed(&mut room);
    let [Output::Stream(item)] = &outputs[..] else {
        panic!("one edit was applied: {outputs:?}");
    };
    let StreamItem::Applied { outcome, .. } = &**item else {
        panic!("it was applied: {item:?}");
    };
    let Outcome::Applied { effects, .. } = &outcome.outcome else {
        panic!("it was applied: {outcome:?}");
    };
    assert_eq!(*effects, None);
}

/// Both asked before either had pushed: nothing said then whose the client id is.
#[test]
fn a_replica_of_another_user_is_told_so_and_nothing_of_it_is_decided() {
    let mut room = followed();
    let connection = BOB;
    let member = Member {
        client: ClientId(1),
        user: UserId::new("somebody else").expect("a user"),
        role: Role::Editor,
    };
    let cursor = None;
    let subscribe = Input::Subscribe {
        connection,
        member,
        cursor,
    };
    tell(&mut room, subscribe);
    pushed(&mut room, ANN, 1);
    committed(&mut room);
    let push = push(1, 2);
    let outputs = tell(&mut room, Input::Push { connection, push });
    assert_eq!(error(&outputs, BOB), Some(Code::WrongUser));
    assert!(!outputs.iter().any(|it| matches!(it, Output::Commit(_))));
    let outputs = pushed(&mut room, ANN, 2);
    assert!(matches!(outputs[..], [Output::Commit(_)]));
}
