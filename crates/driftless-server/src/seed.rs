//! The board that a new server has: this machine.

use std::time::Duration;

use driftless_model::layout::Place;
use driftless_model::{
    BoardId, Change, ClientId, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId, Role,
    SortedMap, UserId, Value, Version,
};
use driftless_protocol::message::{Outcome, Push, Resume};
use driftless_protocol::{Payload, ServerMessage};
use driftless_sync::room::Member;

use crate::hub::Follower;

/// The board's id.
pub const BOARD: &str = "this-machine";

/// The same as an id.
pub fn board() -> BoardId {
    BoardId::new(BOARD).expect("a valid id")
}
/// The client id of the server itself, the same on every server.
pub const CLIENT: ClientId = ClientId(0x00d1_2f71_e550_0000_0000_0000_0000_0001);
/// Who the server is as an author.
const USER: &str = "Driftless";
/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the board could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The room did not answer in time.
    #[error("the board {BOARD} could not be made: the store does not answer")]
    Silent,
    /// The room answered something else than that it is done.
    #[error("the board {BOARD} could not be made: {reason}")]
    Refused {
        /// What it answered.
        reason: String,
    },
}

/// The server as a user.
pub fn user() -> UserId {
    UserId::new(USER).expect("a printable name")
}

/// Makes the board by one edit, through its room as anybody would, unless it has a history.
pub async fn make(follower: Follower, id: EditId) -> Result<(), SeedError> {
    tokio::time::timeout(PATIENCE, edit(follower, id))
        .await
        .unwrap_or(Err(SeedError::Silent))
}

async fn edit(mut follower: Follower, id: EditId) -> Result<(), SeedError> {
    let board = board();
    let member = Member {
        client: CLIENT,
        user: user(),
        role: Role::Editor,
    };
    let begun = follower.follow(&board, member, None).await;
    begun.map_err(|message| refused(&message))?;
    let resume = resume(&mut follower).await?;
    if resume.cursor.version > Version(0) {
        return Ok(());
    }
    let payload = Payload::seal(&first_edit(id)).map_err(|error| SeedError::Refused {
        reason: error.to_string(),
    })?;
    let push = Push {
        board,
        seq: resume.last_seq + 1,
        id,
        settled: resume.last_seq,
        payload,
        again: None,
    };
    let pushed = follower.push(push).await;
    pushed.map_err(|message| refused(&message))?;
    match message(&mut follower).await? {
        ServerMessage::Outcome(settled) if matches!(settled.outcome, Outcome::Applied { .. }) => {
            Ok(())
        }
        other => Err(refused(&other)),
    }
}

async fn resume(follower: &mut Follower) -> Result<Box<Resume>, SeedError> {
    match message(follower).await? {
        ServerMessage::Resume(resume) => Ok(resume),
        other => Err(refused(&other)),
    }
}

async fn message(follower: &mut Follower) -> Result<ServerMessage, SeedError> {
    loop {
        let mut deliveries = Vec::new();
        follower.deliver(1, &mut deliveries).await;
        let message = deliveries.first().map(|delivery| delivery.message(CLIENT));
        match message {
            Some(Some(message)) => return Ok(message),
            Some(None) => return Err(SeedError::Silent),
            None => follower.mailbox().rung().await,
        }
    }
}

fn refused(message: &ServerMessage) -> SeedError {
    let reason = format!("{message:?}");
    SeedError::Refused { reason }
}

/// The whole board as one edit.
pub fn first_edit(id: EditId) -> Edit {
    Edit {
        id,
        label: "Show this machine".to_owned(),
        on_stale: OnStale::Policy,
        changes: [vec![settings()], widgets(), vec![welcome()]].concat(),
    }
}

fn create(record: &str, kind: &str, leaves: &[(&str, Value)]) -> Change {
    let leaves: SortedMap<_, _> = leaves
        .iter()
        .map(|(leaf, value)| (LeafPath::new(leaf).expect("a valid path"), value.clone()))
        .collect();
    let kind = KindName::new(kind).expect("a valid kind");
    Change {
        record: RecordId::new(record).expect("a valid id"),
        seen: Version(0),
        op: Op::Create { kind, leaves },
    }
}

fn settings() -> Change {
    let leaves = [
        ("title", "This machine".into()),
        (
            "description",
            "What the server that you are looking at is doing.".into(),
        ),
        ("range_s", 300.into()),
    ];
    create("board", "board", &leaves)
}

fn welcome() -> Change {
    let text = "This board shows the machine that Driftless runs on. Everybody who opens it may \
        change it: unlock it (the lock above, or the key E), drag a widget, rename it, or edit \
        this note.\n\n\
        Pull the plug: editing goes on, and every edit arrives once when the server is back.";
    let leaves = [
        ("title", "Welcome".into()),
        ("text", text.into()),
        ("layout/lg", place(6, 25, 6, 8)),
    ];
    create("welcome", "note", &leaves)
}

fn place(x: u32, y: u32, w: u32, h: u32) -> Value {
    Place { x, y, w, h }.to_value()
}

fn query(selector: &str, window_s: u32, aggregate: &str) -> Value {
    let entries = [
        ("selector", selector.into()),
        ("window_s", window_s.into()),
        ("step_s", 1.into()),
        ("aggregate", aggregate.into()),
    ];
    Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

fn widgets() -> Vec<Change> {
    let five_minutes = |selector| query(selector, 300, "avg");
    let latest = |selector| query(selector, 10, "last");
    let widget = |id, kind, title: &str, unit: &str, query, place| {
        let leaves = [
            ("title", title.into()),
            ("unit", unit.into()),
            ("query", query),
            ("layout/lg", place),
        ];
        create(id, kind, &leaves)
    };
    let cpu = five_minutes("cpu_usage_percent");
    let cores = five_minutes("cpu_core_usage_percent");
    let memory = five_minutes("memory_used_percent");
    let load = five_minutes("load1");
    let network = five_minutes("network_*");
    let disks = latest("disk_used_percent");
    let processes = latest("process_cpu_percent");
    vec![
        widget("cpu", "chart", "Processor", "%", cpu, place(0, 0, 8, 8)),
        widget("memory", "stat", "Memory", "%", memory, place(8, 0, 4, 4)),
        widget(
            "load-now",
            "stat",
            "Load",
            "",
            load.clone(),
            place(8, 4, 4, 4),
        ),
        widget(
            "network",
            "chart",
            "Network",
            "bytes/s",
            network,
            place(0, 8, 6, 8),
        ),
        widget(
            "cores",
            "chart",
            "Processor cores",
            "%",
            cores,
            place(6, 8, 6, 8),
        ),
        widget("disks", "bars", "Disks", "%", disks, place(0, 16, 4, 9)),
        widget(
            "processes",
            "table",
            "Processes",
            "%",
            processes,
            place(4, 16, 8, 9),
        ),
        widget(
            "load",
            "chart",
            "Load over time",
            "",
            load,
            place(0, 25, 6, 8),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use driftless_model::Schema;

    use super::*;

    fn places(edit: &Edit) -> Vec<Place> {
        let layout = LeafPath::new("layout/lg").expect("a path");
        let leaves = edit.changes.iter().flat_map(|change| change.op.writes());
        leaves
            .filter(|(leaf, _)| **leaf == layout)
            .map(|(_, value)| Place::from_value(value.expect("a value")).expect("a place"))
            .collect()
    }

    #[test]
    fn the_first_edit_is_valid() {
        let edit = first_edit(EditId(1));
        assert_eq!(Schema::builtin().validate(&edit, |_| None), Ok(()));
        assert_eq!(edit.changes.len(), 10);
    }

    #[test]
    fn widgets_lie_on_twelve_columns_and_do_not_overlap() {
        let edit = first_edit(EditId(1));
        let places = places(&edit);
        assert_eq!(places.len(), 9);
        for (index, a) in places.iter().enumerate() {
            assert!(a.x + a.w <= 12, "{a:?}");
            for b in &places[index + 1..] {
                let is_apart =
                    a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
                assert!(is_apart, "{a:?} lies over {b:?}");
            }
        }
    }

    #[test]
    fn every_query_can_be_evaluated() {
        let edit = first_edit(EditId(1));
        let leaf = LeafPath::new("query").expect("a path");
        let leaves = edit.changes.iter().flat_map(|change| change.op.writes());
        let queries: Vec<_> = leaves.filter(|(path, _)| **path == leaf).collect();
        assert_eq!(queries.len(), 8);
        for (_, value) in queries {
            let json = serde_json::to_string(value.expect("a value")).expect("serialises");
            let query: driftless_protocol::Query = serde_json::from_str(&json).expect("a query");
            driftless_feeds::Evaluator::new(query).expect("can be evaluated");
        }
    }
}
