//! Two copies of a profile that are connected at once, under one client id.

use std::sync::Arc;

use driftless_model::{
    BoardId, Change, ClientId, Edit, EditId, KindName, OnStale, Op, RecordId, Role, Schema, UserId,
    Version,
};
use driftless_protocol::message::{Again, Push};
use driftless_protocol::{Code, Payload, ServerMessage};
use driftless_sync::room::{ConnectionId, Found, Input, Member, Output, Room, Stored};

const OLDER: ConnectionId = ConnectionId(1);
const NEWER: ConnectionId = ConnectionId(2);

fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn push(seq: u64, id: u128) -> Push {
    let kind = KindName::new("note").expect("a kind");
    let leaves = [].into();
    let edit = Edit {
        id: EditId(id),
        label: "Add".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![Change {
            record: RecordId::new(format!("r{id}")).expect("an id"),
            seen: Version(0),
            op: Op::Create { kind, leaves },
        }],
    };
    Push {
        board: board(),
        seq,
        id: EditId(id),
        settled: 0,
        payload: Payload::seal(&edit).expect("fits"),
        again: None,
    }
}

/// Gives the room an input and stores what it asks for; answers the edits that it commits and the
/// codes that it tells, with their connections.
fn tell(room: &mut Room, input: Input) -> (Vec<EditId>, Vec<(ConnectionId, Code)>) {
    let (mut committed, mut told) = (Vec::new(), Vec::new());
    room.handle(input, 1);
    while let Some(output) = room.poll_output() {
        match output {
            Output::Load => room.handle(Input::Loaded(Box::default()), 1),
            Output::Find { number, .. } => {
                let found = Found::Nowhere;
                room.handle(Input::Found { number, found }, 1);
            }
            Output::Commit(append) => {
                committed.extend(append.log.iter().map(|row| row.id));
                room.handle(Input::Stored(Stored::Committed), 1);
            }
            Output::Send {
                connection,
                message,
            } => {
                if let ServerMessage::Error { code, .. } = *message {
                    told.push((connection, code));
                }
            }
            _ => {}
        }
    }
    (committed, told)
}

fn subscribe(room: &mut Room, connection: ConnectionId, client: u128, user: &str) {
    let member = Member {
        client: ClientId(client),
        user: UserId::new(user).expect("a user"),
        role: Role::Editor,
    };
    let subscribe = Input::Subscribe {
        connection,
        member,
        cursor: None,
    };
    tell(room, subscribe);
}

#[test]
fn from_cloned_on_nothing_that_a_copy_has_on_its_way_is_taken() {
    let mut room = Room::new(board(), Arc::new(Schema::builtin()));
    for connection in [OLDER, NEWER] {
        subscribe(&mut room, connection, 7, "Ann");
    }
    let mut pushed = |connection, seq, id| {
        let push = push(seq, id);
        tell(&mut room, Input::Push { connection, push })
    };
    // Both have edit 100 in their outbox; the newer one made edit 200 before it.
    assert_eq!(pushed(OLDER, 1, 100), (vec![EditId(100)], vec![]));
    assert_eq!(pushed(NEWER, 1, 200), (vec![], vec![(NEWER, Code::Cloned)]));
    let (committed, told) = pushed(NEWER, 2, 100);
    assert_eq!(committed, [], "the edit is applied already");
    assert_eq!(told, [(NEWER, Code::NotSubscribed)]);
    // The one that was first goes on.
    assert_eq!(pushed(OLDER, 2, 300), (vec![EditId(300)], vec![]));
}

/// A profile was copied before anybody had signed in, with edit 100 in its outbox. Ann signed in at
/// the one, Bob at the other, which had to give up the client id that was Ann's by then.
#[test]
fn an_edit_is_applied_once_where_another_user_goes_on_with_a_copy() {
    let mut room = Room::new(board(), Arc::new(Schema::builtin()));
    subscribe(&mut room, OLDER, 7, "Ann");
    subscribe(&mut room, NEWER, 8, "Bob");
    let mut pushed = |connection, push| tell(&mut room, Input::Push { connection, push });
    assert_eq!(pushed(OLDER, push(1, 50)), (vec![EditId(50)], vec![]));
    let again = |client| Again {
        above: Version(0),
        clients: vec![ClientId(client)],
    };
    let sent_again = |seq, client| Push {
        again: Some(again(client)),
        ..push(seq, 100)
    };
    assert_eq!(pushed(NEWER, sent_again(1, 7)), (vec![EditId(100)], vec![]));
    let (committed, told) = pushed(OLDER, push(2, 100));
    assert_eq!(committed, [], "the edit is applied already");
    assert_eq!(told, [(OLDER, Code::Cloned)]);
    // Ann goes on under another id, and hears that the edit is Bob's.
    let connection = ConnectionId(3);
    subscribe(&mut room, connection, 9, "Ann");
    let push = sent_again(1, 7);
    assert_eq!(tell(&mut room, Input::Push { connection, push }).0, []);
}
