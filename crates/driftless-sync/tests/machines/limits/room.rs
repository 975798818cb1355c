//! A room: what it holds, what it decides at once, what it lets in.

use std::sync::Arc;

use driftless_model::{
    BoardId, BoardState, Cell, Change, Check, ClientId, Cursor, Edit, EditId, Kind, KindName, Leaf,
    LeafPath, OnStale, Op, PathRule, RecordId, RecordState, Role, Schema, Slot, UserId, Value,
    Version, limits,
};
use driftless_protocol::durable::LedgerRow;
use driftless_protocol::message::{Outcome, Push, ServerMessage, Settled};
use driftless_protocol::{Code, Payload};
use driftless_sync::room::{
    Append, BoardImage, ConnectionId, Input, Member, Output, Room, Stored, StreamItem,
};

const CONNECTION: ConnectionId = ConnectionId(1);

fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn ann() -> UserId {
    UserId::new("Ann").expect("a user")
}

fn record(number: usize) -> RecordId {
    RecordId::new(format!("r{number}")).expect("an id")
}

fn leaf(number: usize) -> LeafPath {
    LeafPath::new(format!("options/{number}")).expect("a path")
}

fn chart() -> KindName {
    KindName::new("chart").expect("a kind")
}

/// A board with so many charts, the first of which has so many leaves.
fn image(records: usize, leaves: usize) -> BoardImage {
    let cell = |number| {
        let cell = Cell {
            value: Some(Value::Null),
            version: Version(1),
            author: ann(),
        };
        (leaf(number), cell)
    };
    let live = |number| {
        let leaves = if number == 0 { leaves } else { 0 };
        let live = Slot::Live(RecordState {
            kind: chart(),
            created: Version(1),
            leaves: (0..leaves).map(cell).collect(),
        });
        (record(number), live)
    };
    BoardImage {
        head: Cursor {
            version: Version(10),
            check: Check(10),
        },
        state: BoardState {
            records: (0..records).map(live).collect(),
            floor: Version(0),
        },
        ledger: vec![],
        pruned: Version(0),
    }
}

fn push(seq: u64, id: RecordId, op: Op) -> Push {
    let edit = Edit {
        id: EditId(u128::from(seq)),
        label: "Edit".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![Change {
            record: id,
            seen: Version(u64::MAX),
            op,
        }],
    };
    Push {
        board: board(),
        seq,
        id: edit.id,
        settled: 0,
        payload: Payload::seal(&edit).expect("fits"),
        again: None,
    }
}

fn create(number: usize) -> (RecordId, Op) {
    let (kind, leaves) = (chart(), [].into());
    (record(number), Op::Create { kind, leaves })
}

fn set(number: usize) -> (RecordId, Op) {
    let (leaf, value) = (leaf(number), Value::from(true));
    (record(0), Op::Set { leaf, value })
}

/// A room that Ann follows; its load is not answered yet.
fn followed() -> Room {
    followed_by(Schema::builtin())
}

fn followed_by(schema: Schema) -> Room {
    let mut room = Room::new(board(), Arc::new(schema));
    let member = Member {
        client: ClientId(1),
        user: ann(),
        role: Role::Editor,
    };
    let cursor = None;
    room.handle(
        Input::Subscribe {
            connection: CONNECTION,
            member,
            cursor,
        },
        1,
    );
    assert_eq!(outputs(&mut room), [Output::Load]);
    room
}

fn outputs(room: &mut Room) -> Vec<Output> {
    std::iter::from_fn(|| room.poll_output()).collect()
}

fn commit(outputs: Vec<Output>) -> Option<Append> {
    outputs.into_iter().find_map(|output| match output {
        Output::Commit(append) => Some(*append),
        _ => None,
    })
}

fn refusal(outputs: &[Output]) -> Option<Code> {
    outputs.iter().find_map(|output| match output {
        Output::Send { message, .. } => match &**message {
            ServerMessage::Refused {
                code,
                retry_after_ms,
                ..
            } => {
                assert_eq!(*retry_after_ms, limits::REFUSED_RETRY_MS);
                Some(*code)
            }
            _ => None,
        },
        _ => None,
    })
}

/// What becomes of one edit on a board.
fn decided(image: BoardImage, change: (RecordId, Op)) -> Result<Outcome, Code> {
    decided_by(Schema::builtin(), image, change)
}

fn decided_by(
    schema: Schema,
    image: BoardImage,
    (id, op): (RecordId, Op),
) -> Result<Outcome, Code> {
    let mut room = followed_by(schema);
    room.handle(Input::Loaded(Box::new(image)), 1);
    outputs(&mut room);
    let seq = 1;
    let push = push(seq, id, op);
    let connection = CONNECTION;
    room.handle(Input::Push { connection, push }, 1);
    let asked = outputs(&mut room);
    if let Some(code) = refusal(&asked) {
        return Err(code);
    }
    room.handle(Input::Stored(Stored::Committed), 1);
    let outcome = outputs(&mut room)
        .into_iter()
        .find_map(|output| match output {
            Output::Stream(item) => match *item {
                StreamItem::Applied { outcome, .. } | StreamItem::Private { outcome, .. } => {
                    Some(outcome.outcome)
                }
            },
            _ => None,
        });
    Ok(outcome.expect("the edit was decided"))
}

fn is_applied(outcome: &Result<Outcome, Code>) -> bool {
    matches!(outcome, Ok(Outcome::Applied { .. }))
}

fn is_too_large(outcome: &Result<Outcome, Code>) -> bool {
    matches!(
        outcome,
        Ok(Outcome::Rejected {
            code: Code::TooLarge,
            ..
        })
    )
}

#[test]
fn a_board_takes_records_up_to_its_limit() {
    // The last one that fits, and one past it.
    let full = limits::RECORDS_PER_BOARD_MAX;
    assert!(is_applied(&decided(image(full - 1, 0), create(full))));
    assert!(is_too_large(&decided(image(full, 0), create(full))));
    assert!(is_applied(&decided(image(full, 0), set(0))));
    assert!(!is_too_large(&decided(image(full, 0), create(0))));
    // One from a build with another limit is still worked on.
    assert!(is_applied(&decided(image(full + 1, 0), set(0))));
}

#[test]
fn a_record_takes_leaves_up_to_its_limit() {
    let full = limits::LEAVES_PER_RECORD_MAX;
    assert!(is_applied(&decided(image(1, full - 1), set(full))));
    assert!(is_too_large(&decided(image(1, full), set(full))));
    assert!(is_applied(&decided(image(1, full), set(0))));
    assert!(is_applied(&decided(image(1, full + 1), set(0))));
}

/// A chart with a leaf that older builds know by another name.
struct Renamed;

impl Kind for Renamed {
    const NAME: &'static str = "renamed";

    fn rules() -> Vec<PathRule> {
        let caption = Leaf::<String>::ask("caption").formerly(&["label"]);
        vec![caption.rule(), Leaf::<bool>::ask("options/*").rule()]
    }
}

#[test]
fn a_leaf_with_a_former_name_takes_the_place_of_two() {
    let full = limits::LEAVES_PER_RECORD_MAX;
    let schema = Schema::builtin().register::<Renamed>().expect("it fits");
    for (leaves, fits) in [(full - 2, true), (full - 1, false)] {
        let mut image = image(1, leaves);
        let Some(Slot::Live(live)) = image.state.records.get_mut(&record(0)) else {
            panic!("it is live");
        };
        live.kind = KindName::new("renamed").expect("a kind");
        let leaf = LeafPath::new("caption").expect("a path");
        let value = Value::from("CPU");
        let outcome = decided_by(schema.clone(), image, (record(0), Op::Set { leaf, value }));
        assert_eq!(
            (is_applied(&outcome), is_too_large(&outcome)),
            (fits, !fits)
        );
    }
}

#[test]
fn outcomes_that_no_client_confirms_end_at_their_limit() {
    let image = |count: usize| {
        let settled = |seq: u64| Settled {
            board: board(),
            seq,
            id: EditId(u128::from(seq)),
            outcome: Outcome::Rejected {
                code: Code::Invalid,
                detail: String::new(),
            },
        };
        // The edit to decide has seq 1, so that these lie below it.
        let outcomes = (0..count).map(|_| settled(0)).collect();
        let ledger = vec![LedgerRow {
            client: ClientId(1),
            user: ann(),
            last_seq: 0,
            last_id: EditId(0),
            settled: 0,
            outcomes,
        }];
        BoardImage {
            ledger,
            ..image(1, 0)
        }
    };
    // The last one that fits makes it LEDGER_OUTCOMES_MAX; LEDGER_OUTCOMES_MAX + 1 is refused.
    let full = limits::LEDGER_OUTCOMES_MAX;
    assert!(is_applied(&decided(image(full - 1), set(0))));
    assert_eq!(decided(image(full), set(0)), Err(Code::RateLimited));
}

/// A room whose load is under way, with so many pushes that wait for it.
fn waiting(pushes: usize) -> (Room, Option<Code>) {
    let mut room = followed();
    for seq in 1..=pushes as u64 {
        let (id, op) = set(0);
        let connection = CONNECTION;
        let push = push(seq, id, op);
        room.handle(Input::Push { connection, push }, 1);
    }
    let refused = refusal(&outputs(&mut room));
    (room, refused)
}

#[test]
fn a_room_holds_pushes_up_to_its_limit() {
    assert_eq!(waiting(limits::ROOM_QUEUE_MAX).1, None);
    assert_eq!(
        waiting(limits::ROOM_QUEUE_MAX + 1).1,
        Some(Code::RateLimited)
    );
}

#[test]
fn one_commit_decides_edits_up_to_its_limit() {
    for (pushes, first) in [
        (limits::BATCH_EDITS_MAX, limits::BATCH_EDITS_MAX),
        (limits::BATCH_EDITS_MAX + 1, limits::BATCH_EDITS_MAX),
    ] {
        let (mut room, _) = waiting(pushes);
        room.handle(Input::Loaded(Box::new(image(1, 0))), 1);
        let append = commit(outputs(&mut room)).expect("there is work");
        assert_eq!(append.log.len(), first);
        room.handle(Input::Stored(Stored::Committed), 1);
        let rest = commit(outputs(&mut room)).map_or(0, |append| append.log.len());
        assert_eq!(rest, pushes - first);
    }
}

/// What goes with one more removal on a board that has so many marks.
fn pruned_with_marks(count: usize) -> usize {
    let mark = |number| {
        let mark = Slot::Removed {
            version: Version(number as u64 % 10),
            author: ann(),
        };
        (record(number + 1), mark)
    };
    let mut image = image(1, 0);
    image.state.records.extend((0..count).map(mark));
    let mut room = followed();
    room.handle(Input::Loaded(Box::new(image)), 1);
    outputs(&mut room);
    let connection = CONNECTION;
    let push = push(1, record(0), Op::Remove);
    room.handle(Input::Push { connection, push }, 1);
    let append = commit(outputs(&mut room)).expect("there is work");
    append.prune.marks.len()
}

#[test]
fn a_board_keeps_removal_marks_up_to_its_limit() {
    // With its own mark the removal makes REMOVAL_MARKS_MAX, and one past it. What goes then is an
    // eighth, and what was removed by the same edit as the newest of it.
    let max = limits::REMOVAL_MARKS_MAX;
    assert_eq!(pruned_with_marks(max - 1), 0);
    let pruned = pruned_with_marks(max);
    assert!((max / 8 + 1..=max / 4).contains(&pruned), "{pruned}");
}

/// Up to where the log goes with one more edit, where it has so many.
fn pruned_with_rows(count: usize) -> Version {
    let image = BoardImage {
        head: Cursor {
            version: Version(count as u64 + 7),
            check: Check(1),
        },
        pruned: Version(7),
        ..image(1, 0)
    };
    let mut room = followed();
    room.handle(Input::Loaded(Box::new(image)), 1);
    outputs(&mut room);
    let (id, op) = set(0);
    let connection = CONNECTION;
    let push = push(1, id, op);
    room.handle(Input::Push { connection, push }, 1);
    let append = commit(outputs(&mut room)).expect("there is work");
    append.prune.log
}

#[test]
fn the_log_keeps_edits_up_to_its_limit() {
    // The edit itself makes LOG_ROWS_MAX, and one past it.
    let max = limits::LOG_ROWS_MAX;
    assert_eq!(pruned_with_rows(max - 1), Version(0));
    let kept = (max - max / 8) as u64;
    assert_eq!(pruned_with_rows(max), Version(max as u64 + 8 - kept));
}

/// Whether a replica that stands where the board was loaded is answered from memory, after so many
/// edits since.
fn remembers_its_start_after(edits: usize) -> bool {
    let mut room = followed();
    let start = image(1, 0).head;
    room.handle(Input::Loaded(Box::new(image(1, 0))), 1);
    outputs(&mut room);
    for seq in 1..=edits as u64 {
        let (id, op) = set(0);
        let mut push = push(seq, id, op);
        push.settled = seq - 1;
        let connection = CONNECTION;
        room.handle(Input::Push { connection, push }, 1);
        room.handle(Input::Stored(Stored::Committed), 1);
    }
    outputs(&mut room);
    let member = Member {
        client: ClientId(2),
        user: ann(),
        role: Role::Viewer,
    };
    let (connection, cursor) = (ConnectionId(2), Some(start));
    room.handle(
        Input::Subscribe {
            connection,
            member,
            cursor,
        },
        1,
    );
    matches!(outputs(&mut room)[..], [Output::Resume { .. }])
}

#[test]
fn a_room_remembers_checks_up_to_its_limit() {
    // The start is one of them, so that the edit number CHECKS_IN_MEMORY_MAX makes one past it:
    // CHECKS_IN_MEMORY_MAX + 1 checks.
    assert!(remembers_its_start_after(limits::CHECKS_IN_MEMORY_MAX - 1));
    assert!(!remembers_its_start_after(limits::CHECKS_IN_MEMORY_MAX));
}

#[test]
fn who_is_asked_for_an_earlier_edit_still_follows() {
    let mut room = followed();
    room.handle(Input::Loaded(Box::new(image(1, 0))), 1);
    outputs(&mut room);
    let send = |room: &mut Room, seq| {
        let (id, op) = set(0);
        let (connection, push) = (CONNECTION, push(seq, id, op));
        room.handle(Input::Push { connection, push }, 1);
        outputs(room)
    };
    let [Output::Send { message, .. }] = &send(&mut room, 2)[..] else {
        panic!("the gap is told");
    };
    assert!(matches!(**message, ServerMessage::Expect { seq: 1, .. }));
    assert!(commit(send(&mut room, 1)).is_some());
}

/// A replica follows.
fn follow(connection: ConnectionId, client: u128) -> Input {
    let member = Member {
        client: ClientId(client),
        user: ann(),
        role: Role::Viewer,
    };
    Input::Subscribe {
        connection,
        member,
        cursor: None,
    }
}

fn ask(connection: ConnectionId) -> Input {
    let version = Version(10);
    Input::AskScreens {
        connection,
        version,
    }
}

#[test]
fn a_replica_counts_on_its_newest_connection_when_the_older_one_goes() {
    let mut room = followed();
    let (asking, newer) = (ConnectionId(2), ConnectionId(3));
    room.handle(Input::Loaded(Box::new(image(1, 0))), 1);
    room.handle(follow(asking, 2), 1);
    room.handle(ask(asking), 1);
    room.handle(follow(newer, 1), 1);
    let connection = CONNECTION;
    room.handle(Input::Unsubscribe { connection }, 1);
    outputs(&mut room);
    let shown = Input::Shown {
        connection: newer,
        version: Version(10),
        ago_ms: 1,
    };
    room.handle(shown, 1);
    let [
        Output::Send {
            connection,
            message,
        },
    ] = &outputs(&mut room)[..]
    else {
        panic!("who asked is told");
    };
    assert_eq!(*connection, asking);
    let ServerMessage::Screens(screens) = &**message else {
        panic!("not of screens: {message:?}");
    };
    assert_eq!((screens.asked, screens.shown), (1, 1));
}

#[test]
fn who_waits_for_a_resume_is_asked_about_the_screen_after_it() {
    let mut room = followed();
    let asking = ConnectionId(2);
    room.handle(ask(asking), 1);
    assert_eq!(outputs(&mut room), [], "who does not follow is not heard");
    room.handle(follow(asking, 2), 1);
    room.handle(ask(asking), 1);
    let [Output::Send { connection, .. }] = outputs(&mut room)[..] else {
        panic!("nobody has the board yet");
    };
    assert_eq!(connection, asking);
    room.handle(Input::Loaded(Box::new(image(1, 0))), 1);
    let kinds = outputs(&mut room).into_iter().filter_map(|output| {
        Some(match output {
            Output::Resume { connection, .. } => (connection, "resume"),
            Output::Send {
                connection,
                message,
            } => match *message {
                ServerMessage::Look { .. } => (connection, "look"),
                ServerMessage::Screens(_) => (connection, "screens"),
                _ => return None,
            },
            _ => return None,
        })
    });
    let expected = [
        (CONNECTION, "resume"),
        (CONNECTION, "look"),
        (asking, "screens"),
        (asking, "resume"),
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}
