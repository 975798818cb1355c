//! What a room remembers of the edits that it decided, so that none of them counts twice.

use driftless_model::{
    Change, ClientId, Edit, EditId, LeafRef, OnStale, Op, Role, UserId, Version,
};
use driftless_protocol::message::{Again, Outcome, Push};
use driftless_protocol::{Code, Payload, ServerMessage};
use driftless_sync::room::{ConnectionId, Found, Input, Member, Output, Room, StreamItem};

use crate::alone::{ANN, BOB, committed, followed, push, pushed, streamed, tell};
use crate::pair::{path, record, set};

/// What a connection is told outside the stream, or as the end of it.
fn told(outputs: &[Output], to: ConnectionId) -> impl Iterator<Item = &ServerMessage> {
    outputs.iter().filter_map(move |output| match output {
        Output::Send {
            connection,
            message,
        }
        | Output::Withdraw {
            connection,
            message,
        } if *connection == to => Some(&**message),
        _ => None,
    })
}

/// The code of the first error that a connection is told.
fn error(outputs: &[Output], to: ConnectionId) -> Option<Code> {
    told(outputs, to).find_map(|message| match message {
        ServerMessage::Error { code, .. } => Some(*code),
        _ => None,
    })
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
        assert_eq!(told(&outputs, ANN).next(), None);
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
    let outputs = pushed(&mut room, ANN, 3);
    assert_eq!(streamed(&outputs), [(ClientId(1), 3, Ok(()))]);
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

/// An edit under another seq, that its replica may have sent under a client id that it gave up.
fn sent_again(seq: u64, edit: Push, former: u128) -> Push {
    let again = Again {
        above: Version(0),
        clients: vec![ClientId(former)],
    };
    Push {
        seq,
        again: Some(again),
        ..edit
    }
}

/// Tells the room of a push. Where it asks the log, the log has nothing.
fn tell_push(room: &mut Room, push: Push) {
    let connection = ANN;
    let outputs = tell(room, Input::Push { connection, push });
    for output in outputs {
        if let Output::Find { number, .. } = output {
            let found = Found::Nowhere;
            tell(room, Input::Found { number, found });
        }
    }
}

/// Each event that the stream gets, by its version.
fn events(outputs: &[Output]) -> Vec<Version> {
    let items = outputs.iter().filter_map(|output| match output {
        Output::Stream(item) => Some(&**item),
        _ => None,
    });
    let events = items.filter_map(|item| match item {
        StreamItem::Applied { event, .. } => Some(event.version),
        StreamItem::Private { .. } => None,
    });
    events.collect()
}

#[test]
fn what_was_applied_before_is_no_event_again() {
    let mut room = after_three();
    tell_push(&mut room, sent_again(4, push(1, 1), 9));
    let outputs = committed(&mut room);
    assert_eq!(events(&outputs), []);
    assert_eq!(streamed(&outputs), [(ClientId(1), 4, Ok(()))]);
    pushed(&mut room, ANN, 5);
    assert_eq!(events(&committed(&mut room)), [Version(4)]);
}

#[test]
fn who_names_its_own_client_id_as_a_former_one_goes_on() {
    let mut room = followed();
    tell_push(&mut room, sent_again(1, push(1, 1), 1));
    committed(&mut room);
    pushed(&mut room, ANN, 2);
    let applied = [(ClientId(1), 2, Ok(()))];
    assert_eq!(streamed(&committed(&mut room)), applied);
}

/// Makes one edit of Ann's and answers its outcome.
fn outcome(room: &mut Room, push: Push) -> Outcome {
    tell_push(room, push);
    let outputs = committed(room);
    let [Output::Stream(item)] = &outputs[..] else {
        panic!("one edit is settled: {outputs:?}");
    };
    match &**item {
        StreamItem::Applied { outcome, .. } | StreamItem::Private { outcome, .. } => {
            outcome.outcome.clone()
        }
    }
}

/// An undo that leaves out what was changed since.
fn undo(seq: u64, changes: Vec<(&str, Version, Op)>) -> Push {
    let change = |(id, seen, op)| Change {
        record: record(id),
        seen,
        op,
    };
    let edit = Edit {
        id: EditId(u128::from(seq)),
        label: "Undo".to_owned(),
        on_stale: OnStale::Skip,
        changes: changes.into_iter().map(change).collect(),
    };
    Push {
        id: edit.id,
        payload: Payload::seal(&edit).expect("fits"),
        ..push(1, seq)
    }
}

#[test]
fn what_an_edit_left_out_is_told_again_where_it_is_sent_again() {
    let mut room = after_three();
    let (fresh, stale) = (Version(9), Version(0));
    let parts = vec![
        ("r1-1", fresh, set("title", "New")),
        ("r1-1", stale, set("unit", "%")),
        ("r1-2", fresh, Op::Remove),
        ("r1-3", stale, Op::Remove),
    ];
    outcome(&mut room, undo(4, vec![("r1-1", fresh, set("unit", "W"))]));
    let first = outcome(&mut room, undo(5, parts.clone()));
    let Outcome::Applied { skipped, .. } = &first else {
        panic!("part of it is applied: {first:?}");
    };
    let at = |id, leaf: Option<&str>| LeafRef {
        record: record(id),
        leaf: leaf.map(path),
    };
    assert_eq!(*skipped, [at("r1-1", Some("unit")), at("r1-3", None)]);
    let again = outcome(&mut room, sent_again(6, undo(5, parts), 9));
    assert_eq!(again, first);
}
