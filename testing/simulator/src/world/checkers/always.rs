//! Checkers that look all the time: *view*, *atomic*, *meant*, *honest*, *final*, *bounded*.

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::{
    BoardId, BoardState, EditId, Effect, LeafPath, RecordId, UserId, Value, Version, limits,
};
use driftless_protocol::durable::{EntryRow, EntryState, Row};
use driftless_protocol::message::Push;
use driftless_sync::replica::Attention;
use driftless_sync::replica::background_sync::Entry;
use driftless_sync::replica::board::Board;

use crate::book::{LeafKey, Made};
use crate::builds::{Build, today};
use crate::failure::Failure;
use crate::world::World;
use crate::world::person::PAIR;

/// The values of a board's records.
pub type Values = BTreeMap<RecordId, BTreeMap<LeafPath, Value>>;

/// *view*: what is shown is the confirmed state with the active outbox folded over it, in order.
/// *atomic*: no half of an edit is ever shown.
pub fn view(world: &mut World, tab: usize, board: &BoardId) -> Result<(), Failure> {
    let Some(replica) = &world.tabs[tab].replica else {
        return Ok(());
    };
    let Some(own) = replica.board(board) else {
        return Ok(());
    };
    world.tally.views += 1;
    world.coverage.board(own);
    let build = world.tabs[tab].build;
    let mut naive: Values = folded(own, build, u64::MAX)
        .live()
        .map(|(id, record)| (id.clone(), build.values(record)))
        .collect();
    let held: BTreeSet<RecordId> = own.state.held().keys().cloned().collect();
    let mut shown: Values = own
        .state
        .views()
        .iter()
        .map(|(id, view)| {
            let values = view
                .leaves
                .iter()
                .map(|(leaf, own)| (leaf.clone(), own.value.clone()));
            (id.clone(), values.collect())
        })
        .collect();
    atomic(tab, &shown)?;
    are_held(world, tab, board, &held, &shown)?;
    let before = world
        .shown_before
        .insert((tab, board.clone()), shown.clone());
    if before.as_ref() != Some(&shown) {
        let device = world.device_of(tab);
        world.book.shows(device, board, &shown);
    }
    naive.retain(|id, _| !held.contains(id));
    shown.retain(|id, _| !held.contains(id));
    if naive != shown {
        let detail = format!("tab {tab} shows {shown:?} for {naive:?}, before {before:?}");
        return Err(Failure::new("view", detail));
    }
    Ok(())
}

/// The confirmed state with the active entries below a number folded over it, in order and in the
/// words of a build.
pub fn folded(board: &Board, build: Build, below: u64) -> BoardState {
    let mut folded = board.state.confirmed().clone();
    let author = UserId::new("nobody").expect("a user");
    let active = board.outbox.entries().filter(|entry| entry.is_active());
    for entry in active.filter(|entry| entry.row.number < below) {
        let effects = entry.row.changes.iter().map(|change| Effect {
            record: change.record.clone(),
            op: build.op(&change.op),
        });
        folded.apply(&effects.collect::<Vec<_>>(), Version(0), &author);
    }
    folded
}

/// *view*: only what is off screen or has a pace of its own stays behind, and exactly as it was.
fn are_held(
    world: &mut World,
    tab: usize,
    board: &BoardId,
    held: &BTreeSet<RecordId>,
    shown: &Values,
) -> Result<(), Failure> {
    world.tally.held_views += held.len() as u64;
    let before = world.shown_before.get(&(tab, board.clone()));
    for id in held {
        let key = (board.clone(), id.clone());
        let attention = world.tabs[tab].attentions.get(&key);
        if attention.copied().unwrap_or_default() == Attention::default() {
            let detail = format!("tab {tab} holds {id} back although it is on screen");
            return Err(Failure::new("view", detail));
        }
        let was = before.and_then(|before| before.get(id));
        if was != shown.get(id) {
            let detail = format!("tab {tab} holds {id} back and shows {shown:?}");
            return Err(Failure::new("view", detail));
        }
    }
    Ok(())
}

fn atomic(tab: usize, shown: &Values) -> Result<(), Failure> {
    let [a, b] = PAIR.map(|leaf| LeafPath::new(leaf).expect("a path"));
    for (id, values) in shown {
        if values.get(&a) != values.get(&b) {
            let detail = format!("tab {tab} shows half an edit of {id}: {values:?}");
            return Err(Failure::new("atomic", detail));
        }
    }
    Ok(())
}

/// *meant*: whatever an edit joined, what its author just wrote is the last that this writes.
pub fn meant(made: &Made, entry: &Entry) -> Result<(), Failure> {
    let changes = entry.row.changes.iter();
    let written = changes.flat_map(|change| {
        let writes = change.op.writes().into_iter();
        writes.map(|(leaf, value)| ((change.record.clone(), today(leaf)), value.cloned()))
    });
    let last: BTreeMap<LeafKey, Option<Value>> = written.collect();
    let own: BTreeMap<&LeafKey, &Option<Value>> = made
        .writes
        .iter()
        .map(|(key, value)| (key, value))
        .collect();
    for (key, value) in own {
        if last.get(key) != Some(value) {
            let detail = format!("{key:?} was to be {value:?} and is {last:?}: {entry:?}");
            return Err(Failure::new("meant", detail));
        }
    }
    Ok(())
}

/// *honest*: after a crash, what was said to be saved is on the disk. What was not is forgotten.
pub fn honest(world: &mut World, device: usize, tabs: &[usize]) -> Result<(), Failure> {
    let own = world
        .book
        .made
        .iter()
        .filter(|(_, made)| tabs.contains(&made.tab));
    let own: Vec<EditId> = own.map(|(id, _)| *id).collect();
    for id in own {
        if world.book.forgiven.contains(&id) {
            continue;
        }
        let is_there = is_on_disk(world, device, id) || is_over(world, device, id);
        if !is_there && world.book.stored.contains(&id) {
            let detail = format!("edit {id} was said to be saved and is gone after a crash");
            return Err(Failure::new("honest", detail));
        }
        if !is_there {
            world.book.made.remove(&id);
        }
    }
    take_back_again(world, device, tabs)?;
    believe_disk(world, device)
}

/// Who wants an edit after all that they took back, and is gone before that is stored, has taken it
/// back.
fn take_back_again(world: &mut World, device: usize, tabs: &[usize]) -> Result<(), Failure> {
    let is_taken_back = |row: &EntryRow| {
        matches!(
            row.state,
            EntryState::Sealed {
                take_back: true,
                ..
            }
        )
    };
    let rows = disk_entries(world, device)?.into_iter();
    let ids: Vec<EditId> = rows
        .filter(is_taken_back)
        .flat_map(|row| row.ids().collect::<Vec<_>>())
        .collect();
    for id in ids {
        let by = world.book.taken_anew.get(&id);
        if by.is_some_and(|tab| tabs.contains(tab)) {
            world.book.taken_anew.remove(&id);
            world.book.let_go.insert(id);
        }
    }
    Ok(())
}

/// What came back from the disk is part of what the disk says, not of what was lost.
pub fn believe_disk(world: &mut World, device: usize) -> Result<(), Failure> {
    for row in disk_entries(world, device)? {
        for folded in row.folded {
            world.book.succeeds(device, folded, row.id);
        }
        world.book.forget_lost_successors(device, row.id);
    }
    Ok(())
}

/// Whether an edit needs no place on the disk: it is applied, let go, or part of one that has one.
fn is_over(world: &World, device: usize, id: EditId) -> bool {
    let (mut at, mut before) = (Some(id), BTreeSet::new());
    // Edits that were made part of each other in turn lead in circles.
    while let Some(id) = at.filter(|id| before.insert(*id)) {
        let is_applied = world.book.acknowledged.iter().any(|(_, own)| *own == id);
        if is_applied || world.book.let_go.contains(&id) {
            return true;
        }
        at = world.book.successor(device, id);
        if at.is_some_and(|next| is_on_disk(world, device, next)) {
            return true;
        }
    }
    false
}

fn is_on_disk(world: &World, device: usize, id: EditId) -> bool {
    world.devices[device]
        .edits_on_disk
        .values()
        .any(|ids| ids.contains(&id))
}

fn disk_entries(world: &World, device: usize) -> Result<Vec<EntryRow>, Failure> {
    let rows = world.devices[device].rows.load_now();
    let rows = rows.map_err(|error| Failure::new("durable", error.to_string()))?;
    let entries = rows.into_iter().filter_map(|row| match row {
        Row::Entry(row) => Some(*row),
        _ => None,
    });
    Ok(entries.collect())
}

/// *honest*: when an edit is said to be saved, it is on the disk at that moment, or past it.
pub fn is_stored(world: &World, device: usize, id: EditId) -> Result<(), Failure> {
    if is_on_disk(world, device, id) || is_over(world, device, id) {
        return Ok(());
    }
    let detail = format!("edit {id} is said to be saved and is not on the disk");
    Err(Failure::new("honest", detail))
}

/// *final*: one client, board and seq have one content, for ever; and it is durable before it is
/// sent.
pub fn is_final(world: &mut World, tab: usize, push: &Push) -> Result<(), Failure> {
    let replica = world.tabs[tab].replica.as_ref();
    let Some(client) = replica.and_then(|replica| replica.status().client) else {
        return Ok(());
    };
    let device = world.device_of(tab);
    let era = world.devices[device].fate.era;
    let era = if era == 0 { (0, 0) } else { (device, era) };
    let key = (client, push.board.clone(), push.seq, era);
    let first = world
        .book
        .pushed
        .entry(key)
        .or_insert_with(|| push.payload.clone());
    if *first != push.payload {
        let detail = format!("seq {} of {} has two contents", push.seq, push.board);
        return Err(Failure::new("final", detail));
    }
    // A tab that led, was frozen and thaws may send what another one has settled since.
    if !is_on_disk(world, device, push.id) && !is_over(world, device, push.id) {
        let detail = format!("edit {} is sent and not on the disk", push.id);
        return Err(Failure::new("final", detail));
    }
    Ok(())
}

/// *bounded*: nothing grows past its limit.
pub fn bounded(world: &World, tab: usize) -> Result<(), Failure> {
    let Some(replica) = &world.tabs[tab].replica else {
        return Ok(());
    };
    for (id, board) in replica.boards() {
        let sealed = board
            .outbox
            .entries()
            .filter(|entry| entry.seq().is_some())
            .count();
        if sealed > limits::IN_FLIGHT_MAX {
            let detail = format!("{sealed} edits of {id} are under way at once");
            return Err(Failure::new("bounded", detail));
        }
        if board.outbox.entries().count() > limits::OUTBOX_ENTRIES_MAX {
            return Err(Failure::new(
                "bounded",
                format!("the outbox of {id} is too long"),
            ));
        }
    }
    Ok(())
}

/// *final*: the identity changes for a reason only: a copy of the profile, an earlier state of it,
/// a connection that came again and again, another user, an old server file.
pub fn identity(world: &mut World, tab: usize) -> Result<(), Failure> {
    let device = world.device_of(tab);
    let replica = world.tabs[tab].replica.as_ref();
    let client = replica.and_then(|replica| replica.status().client);
    let own = &mut world.devices[device];
    // Tabs that are elected in turn draw ids until one of them is stored.
    let client = client.filter(|_| !own.is_shared).or(own.fate.stored_client);
    if let (Some(before), Some(now)) = (own.client, client)
        && before != now
    {
        world.tally.identities += 1;
        if !own.fate.may_change_identity && own.rows_have_edits() {
            let detail = format!("device {device} took another identity");
            return Err(Failure::new("final", detail));
        }
    }
    own.client = client.or(own.client);
    Ok(())
}

/// A disk went back to an earlier state: what was only in the later one may be lost, or be on its
/// way to the server. Everything else keeps every promise.
pub fn forgive(world: &mut World, device: usize) -> Result<(), Failure> {
    let own = world.book.made.iter();
    let own = own.filter(|(_, made)| made.device == device);
    let own: Vec<EditId> = own.map(|(id, _)| *id).collect();
    for id in &own {
        if !is_on_disk(world, device, *id) && !is_over(world, device, *id) {
            world.book.forgiven.insert(*id);
        }
    }
    let told = world.book.acknowledged_on.iter();
    let told = told.filter(|(on, _, _)| *on == device);
    let told: Vec<EditId> = told.map(|(_, _, id)| *id).collect();
    for id in own.into_iter().chain(told) {
        let kept = &world.devices[device].kept_on_disk;
        if !kept.values().any(|ids| ids.contains(&id)) {
            world.book.unkept.insert(id);
        }
    }
    // That an edit counts again is lost with the later state, too.
    let entries = disk_entries(world, device)?.into_iter();
    let is_taken_back = |row: &EntryRow| {
        matches!(
            row.state,
            EntryState::Sealed {
                take_back: true,
                ..
            }
        )
    };
    for row in entries.filter(is_taken_back) {
        world.book.let_go.extend(row.ids());
    }
    believe_disk(world, device)
}
