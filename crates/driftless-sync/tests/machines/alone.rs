//! A room alone, and two people's connections to it: what it is told and what it answers.

use std::sync::Arc;

use driftless_model::{
    Change, ClientId, Cursor, Edit, EditId, OnStale, Role, Schema, UserId, Version,
};
use driftless_protocol::message::{Outcome, Push};
use driftless_protocol::{Code, Payload};
use driftless_sync::room::{ConnectionId, Input, Member, Output, Room, Stored, StreamItem};

use crate::pair::{board, create, record};

pub const ANN: ConnectionId = ConnectionId(1);
pub const BOB: ConnectionId = ConnectionId(2);

pub fn member(number: u64, role: Role) -> Member {
    Member {
        client: ClientId(number.into()),
        user: UserId::new(format!("user-{number}")).expect("a user"),
        role,
    }
}

pub fn push(client: u64, seq: u64) -> Push {
    let id = EditId(u128::from(client) << 64 | u128::from(seq));
    let edit = Edit {
        id,
        label: "Edit".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![Change {
            record: record(&format!("r{client}-{seq}")),
            seen: Version(0),
            op: create("CPU"),
        }],
    };
    Push {
        board: board(),
        seq,
        id,
        settled: 0,
        payload: Payload::seal(&edit).expect("fits"),
        again: None,
    }
}

pub fn outputs(room: &mut Room) -> Vec<Output> {
    std::iter::from_fn(|| room.poll_output()).collect()
}

pub fn tell(room: &mut Room, input: Input) -> Vec<Output> {
    room.handle(input, 1);
    outputs(room)
}

pub fn subscribe(room: &mut Room, connection: ConnectionId, role: Role) -> Vec<Output> {
    let (member, cursor) = (member(connection.0, role), None::<Cursor>);
    let input = Input::Subscribe {
        connection,
        member,
        cursor,
    };
    tell(room, input)
}

/// Ann and Bob follow an empty board as editors.
pub fn followed() -> Room {
    let mut room = Room::new(board(), Arc::new(Schema::builtin()));
    subscribe(&mut room, ANN, Role::Editor);
    subscribe(&mut room, BOB, Role::Editor);
    tell(&mut room, Input::Loaded(Box::default()));
    room
}

pub fn pushed(room: &mut Room, connection: ConnectionId, seq: u64) -> Vec<Output> {
    let push = push(connection.0, seq);
    tell(room, Input::Push { connection, push })
}

/// What the stream gets: whether each edit was applied.
pub fn streamed(outputs: &[Output]) -> Vec<(ClientId, u64, Result<(), Code>)> {
    let items = outputs.iter().filter_map(|output| match output {
        Output::Stream(item) => Some(&**item),
        _ => None,
    });
    let settled = items.map(|item| match item {
        StreamItem::Applied {
            client, outcome, ..
        }
        | StreamItem::Private { client, outcome } => (*client, outcome),
    });
    let told = settled.map(|(client, settled)| {
        let outcome = match &settled.outcome {
            Outcome::Rejected { code, .. } => Err(*code),
            _ => Ok(()),
        };
        (client, settled.seq, outcome)
    });
    told.collect()
}

pub fn committed(room: &mut Room) -> Vec<Output> {
    tell(room, Input::Stored(Stored::Committed))
}
