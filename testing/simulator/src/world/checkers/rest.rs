//! Checkers that look when everything is at rest: *live*, *converge*, *durable*, *once*,
//! *accounted*, *ordered*, *same*, *seen*, *author*.

use std::collections::BTreeSet;

use driftless_model::{
    BoardId, BoardState, Cursor, EditId, Effect, LeafPath, Op, Policy, RecordId, RecordState, Role,
    Slot, SortedMap, UserId, Version,
};
use driftless_protocol::message::{Resume, ServerMessage};
use driftless_sync::replica::Replica;
use driftless_sync::replica::realtime_state::RealtimeState;
use driftless_sync::replica::view::Connection;
use driftless_sync::room::{BoardImage, ConnectionId, Input, LogRow, Member, Output, Room};

use crate::book::Made;
use crate::builds::{Build, today, touches};
use crate::failure::Failure;
use crate::world::World;
use crate::world::undo::is_undo;

/// *live*: what keeps the system from being at rest, if anything.
pub fn restless(world: &World) -> Option<String> {
    for (number, tab) in world.tabs.iter().enumerate() {
        let Some(replica) = &tab.replica else {
            return Some(format!("{number} is down"));
        };
        let status = replica.status();
        if !matches!(status.connection, Connection::Online { .. }) {
            return Some(format!("tab {number} is {:?}", status.connection));
        }
        for (id, board) in replica.boards() {
            if !world.tab_may_read(number, id) {
                if board.state.cursor().is_some() {
                    return Some(format!("tab {number} still has a copy of {id}"));
                }
                continue;
            }
            if let Some(entry) = board.outbox.entries().find(|entry| entry.is_unsettled()) {
                return Some(format!("tab {number} still has {:?} of {id}", entry.row));
            }
            let head = world.server.store.load_now(id).head;
            if !board.state.held().is_empty() {
                return Some(format!("tab {number} holds views of {id} back"));
            }
            if board.state.cursor() != Some(head) || board.state.shown() != head.version {
                let at = board.state.cursor();
                return Some(format!(
                    "tab {number} is at {at:?} of {id}, not at {head:?}"
                ));
            }
        }
        if tab.writing.is_some() {
            return Some(format!("tab {number} still writes"));
        }
    }
    world
        .server
        .rooms
        .values()
        .any(|host| host.writing.is_some())
        .then(|| "writing".to_owned())
}

/// All checkers of a system at rest.
pub fn at_rest(world: &mut World) -> Result<(), Failure> {
    for board in world.boards.clone() {
        let image = world.server.store.load_now(&board);
        let log = world.server.archive.log_now(&board, Version(0), usize::MAX);
        pruned(world, &board, &image, &log)?;
        world.tally.applied += log.len() as u64;
        ordered(&board, &image, &log)?;
        converge(world, &board, &image)?;
        once(&board, &log)?;
        durable(world, &board, &log)?;
        author(world, &board, &log)?;
        seen(world, &board, &log)?;
        same(world, &board, &image, &log)?;
    }
    accounted(world)
}

/// *bounded*: no more marks and log rows are kept than may be, and those the newest.
fn pruned(
    world: &World,
    board: &BoardId,
    image: &BoardImage,
    log: &[LogRow],
) -> Result<(), Failure> {
    let kept = world.server.store.log_now(board, Version(0), usize::MAX);
    let newest = log.iter().filter(|row| row.version > image.pruned);
    let slots = image.state.records.values();
    let marks = slots.filter(|slot| matches!(slot, Slot::Removed { .. }));
    let marks = marks.count();
    let retention = world.server.retention;
    if newest.eq(&kept) && kept.len() <= retention.log_rows_max && marks <= retention.marks_max {
        return Ok(());
    }
    let detail = format!("{board} keeps {marks} marks and the log {kept:?}");
    Err(Failure::new("bounded", detail))
}

/// The records of a board without the marks up to a floor.
fn without_marks(state: &BoardState, floor: Version) -> SortedMap<RecordId, Slot> {
    let mut records = state.records.clone();
    records.retain(|_, slot| !matches!(slot, Slot::Removed { version, .. } if *version <= floor));
    records
}

/// *ordered*: the log is gapless and its checks run on.
fn ordered(board: &BoardId, image: &BoardImage, log: &[LogRow]) -> Result<(), Failure> {
    let mut head = Cursor::default();
    for row in log {
        head = head.after(row.id);
        if (row.version, row.check) != (head.version, head.check) {
            let detail = format!("{board}: {:?} stands where {head:?} belongs", row.version);
            return Err(Failure::new("ordered", detail));
        }
    }
    if head == image.head {
        return Ok(());
    }
    let detail = format!(
        "{board}: the log ends at {head:?}, the head is {:?}",
        image.head
    );
    Err(Failure::new("ordered", detail))
}

/// *converge*: every replica has what the server has.
fn converge(world: &World, board: &BoardId, image: &BoardImage) -> Result<(), Failure> {
    for (number, tab) in world.tabs.iter().enumerate() {
        let replica = tab.replica.as_ref();
        let own = replica
            .and_then(|replica| replica.board(board))
            .map(|own| without_marks(own.state.confirmed(), image.state.floor));
        if !world.tab_may_read(number, board) {
            if own.as_ref().is_some_and(|own| !own.is_empty()) {
                let detail = format!("tab {number} may not read {board} and has {own:?}");
                return Err(Failure::new("access", detail));
            }
            continue;
        }
        if own.as_ref() != Some(&image.state.records) {
            let detail = format!(
                "tab {number} has {own:?} of {board}, the server {:?}",
                image.state.records
            );
            return Err(Failure::new("converge", detail));
        }
    }
    Ok(())
}

/// *once*: no edit has its effect twice.
fn once(board: &BoardId, log: &[LogRow]) -> Result<(), Failure> {
    let mut ids = BTreeSet::new();
    match log.iter().find(|row| !ids.insert(row.id)) {
        None => Ok(()),
        Some(row) => Err(Failure::new(
            "once",
            format!("{board}: edit {} was applied twice", row.id),
        )),
    }
}

/// *durable*: what a person was told is applied is in the log. Where the server was restored from a
/// backup, it is there or offered to its author again, until they decide; unless the author's disk
/// was set back as well and no longer knew it, or another user took the author's copy over.
fn durable(world: &World, board: &BoardId, log: &[LogRow]) -> Result<(), Failure> {
    let mut ids: BTreeSet<EditId> = log.iter().map(|row| row.id).collect();
    if world.server.has_been_restored {
        ids.extend(&world.book.let_go);
        ids.extend(not_offered(world));
        for tab in &world.tabs {
            let replica = tab.replica.as_ref();
            let own = replica.and_then(|replica| replica.board(board));
            for entry in own.into_iter().flat_map(|own| own.outbox.entries()) {
                ids.insert(entry.row.id);
                ids.extend(&entry.row.folded);
            }
        }
    }
    let told = world
        .book
        .acknowledged
        .iter()
        .filter(|(own, _)| own == board);
    for (_, id) in told {
        let part_of = world.book.acknowledged_as.get(&(board.clone(), *id));
        if part_of.is_some_and(|id| ids.contains(id)) {
            continue;
        }
        let mut devices = 0..world.devices.len();
        if !devices.any(|device| stands_in(world, device, *id, &ids)) {
            let detail = format!("{board}: edit {id} was acknowledged and is not in the log");
            return Err(Failure::new("durable", detail));
        }
    }
    Ok(())
}

/// Applied edits that nobody offers again should the server lack them: their author's disk was set
/// back and no longer knew them, or another user took the copy over that kept them.
fn not_offered(world: &World) -> BTreeSet<EditId> {
    let taken_over = world
        .devices
        .iter()
        .flat_map(|device| &device.fate.taken_over);
    world
        .book
        .unkept
        .iter()
        .chain(taken_over)
        .copied()
        .collect()
}

/// Whether an edit, or one that it became part of on a device, is among these.
fn stands_in(world: &World, device: usize, id: EditId, ids: &BTreeSet<EditId>) -> bool {
    let (mut at, mut before) = (id, BTreeSet::new());
    // Edits that were made part of each other in turn lead in circles.
    while before.insert(at) {
        if ids.contains(&at) {
            return true;
        }
        match world.book.successor(device, at) {
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}

/// *accounted*: every edit is applied, visible, or was let go by its author.
fn accounted(world: &World) -> Result<(), Failure> {
    let mut there: BTreeSet<EditId> = world.book.let_go.clone();
    there.extend(&world.book.forgiven);
    if world.server.has_been_restored {
        there.extend(not_offered(world));
    }
    for board in &world.boards {
        let log = world.server.archive.log_now(board, Version(0), usize::MAX);
        there.extend(log.iter().map(|row| row.id));
    }
    for tab in &world.tabs {
        let boards = tab.replica.iter().flat_map(Replica::boards);
        for entry in boards.flat_map(|(_, board)| board.outbox.entries()) {
            there.insert(entry.row.id);
            there.extend(entry.row.folded.iter().copied());
        }
    }
    match world
        .book
        .made
        .iter()
        .find(|(id, made)| !stands_in(world, made.device, **id, &there))
    {
        None => Ok(()),
        Some((id, made)) => {
            let detail = format!("edit {id} of device {} vanished: {made:?}", made.device);
            Err(Failure::new("accounted", detail))
        }
    }
}

/// *author*: every edit is logged under who made it.
fn author(world: &World, board: &BoardId, log: &[LogRow]) -> Result<(), Failure> {
    for row in log {
        let Some(made) = world.book.made.get(&row.id) else {
            continue;
        };
        let user = made.user.as_ref();
        let is_of_device = |user: &UserId| {
            *user == world.devices[made.device].user
                || user.as_str() == format!("guest-{}", world.devices[made.device].fate.origin)
        };
        if user.is_some_and(|user| row.user != *user) || !is_of_device(&row.user) {
            let detail = format!(
                "{board}: {user:?}'s edit {} is logged as {}'s",
                row.id, row.user
            );
            return Err(Failure::new("author", detail));
        }
    }
    Ok(())
}

/// *seen*: every write to an `Ask` leaf replaced exactly what its author saw.
fn seen(world: &World, board: &BoardId, log: &[LogRow]) -> Result<(), Failure> {
    let mut state = BoardState::default();
    for row in log {
        let made = world.book.made.get(&row.id);
        if made.is_some_and(|made| !made.is_undo) {
            for effect in &row.effects {
                effect_was_seen(world, board, log, &state, row, effect)?;
            }
        } else if is_undo(&row.label) {
            for effect in &row.effects {
                undo_was_own(world, board, &state, row, effect)?;
            }
        } else {
            let detail = format!("{board}: nobody made {}", row.id);
            return Err(Failure::new("author", detail));
        }
        state.apply(&row.effects, row.version, &row.user);
    }
    Ok(())
}

fn effect_was_seen(
    world: &World,
    board: &BoardId,
    log: &[LogRow],
    state: &BoardState,
    row: &LogRow,
    effect: &Effect,
) -> Result<(), Failure> {
    let (made, schema) = (&world.book.made[&row.id], world.schemas.of(Build::Newer));
    let before = state.record(&effect.record);
    let fail = |what: String| {
        Err(Failure::new(
            "seen",
            format!("{board} {}: {what}", row.version),
        ))
    };
    if let (Op::Remove, Some(before)) = (&effect.op, before) {
        let saw = made.removes.get(&effect.record);
        for (leaf, value) in &Build::Newer.values(before) {
            let is_ask = schema.policy(&before.kind, leaf) == Policy::Ask;
            let taken_back = world.book.taken_back.get(&made.device);
            let mut writes = made.writes.iter().chain(taken_back.into_iter().flatten());
            let own = written_before(row, effect, leaf)
                || writes.any(|((record, own), written)| {
                    *record == effect.record
                        && today(own) == *leaf
                        && written.as_ref() == Some(value)
                });
            let was_seen =
                saw.is_some_and(|saw| saw.iter().any(|saw| saw.get(leaf) == Some(value)));
            if is_ask && !own && !was_seen && !is_own_undo(log, Some(before), leaf, row) {
                return fail(format!(
                    "removed {leaf} = {value:?} of {} unseen",
                    effect.record
                ));
            }
        }
    }
    for (leaf, value) in effect.op.writes() {
        let leaf = &today(leaf);
        let there = before.map(|before| Build::Newer.values(before));
        let there = there.and_then(|values| values.get(leaf).cloned());
        let kind = before.map(|before| &before.kind);
        let is_ask = kind.is_none_or(|kind| schema.policy(kind, leaf) == Policy::Ask);
        let is_own = written_before(row, effect, leaf)
            || before.is_some_and(|before| is_absence_own(made, log, before, leaf, row));
        if !is_ask || is_own || there.as_ref() == value || is_own_undo(log, before, leaf, row) {
            continue;
        }
        // A server that was restored has the value of before: whoever saw both replaces nothing
        // unseen, whichever of them they wrote over.
        let at = (&effect.record, leaf);
        let has_shown = world
            .book
            .has_shown((made.device, board), at, there.as_ref());
        if world.server.has_been_restored && has_shown {
            continue;
        }
        let allowed = made.allowed.get(&(effect.record.clone(), leaf.clone()));
        if !allowed.is_some_and(|allowed| allowed.contains(&there)) {
            return fail(format!(
                "{} replaced {leaf} = {there:?} of {} by {value:?}; the author saw {allowed:?}",
                row.user, effect.record
            ));
        }
    }
    Ok(())
}

/// *seen*, for an undo: it replaces values of its author's own, and nobody else's.
fn undo_was_own(
    world: &World,
    board: &BoardId,
    state: &BoardState,
    row: &LogRow,
    effect: &Effect,
) -> Result<(), Failure> {
    let fail = |what: &str, whose: &UserId| {
        let (version, user, record) = (row.version, &row.user, &effect.record);
        let detail =
            format!("{board} {version}: {user}'s undo replaced {whose}'s {what} of {record}");
        Err(Failure::new("seen", detail))
    };
    let before = match state.records.get(&effect.record) {
        Some(Slot::Live(before)) => before,
        Some(Slot::Removed { author, .. }) if *author != row.user => {
            return match effect.op {
                Op::Create { .. } => fail("removal", author),
                _ => Ok(()),
            };
        }
        _ => return Ok(()),
    };
    let removed = before.leaves.keys().filter(|_| effect.op == Op::Remove);
    let removed = removed.map(|leaf| (leaf, None));
    for (leaf, value) in effect.op.writes().into_iter().chain(removed) {
        let cell = before.leaves.get(leaf);
        let is_ask = world.schemas.of(Build::Newer).policy(&before.kind, leaf) == Policy::Ask;
        if let Some(cell) = cell
            && cell.author != row.user
            && cell.value.as_ref() != value
            && (is_ask || effect.op != Op::Remove)
            && !written_before(row, effect, leaf)
        {
            return fail(leaf.as_str(), &cell.author);
        }
    }
    Ok(())
}

/// Whether an earlier effect of the same edit writes the leaf.
fn written_before(row: &LogRow, effect: &Effect, leaf: &LeafPath) -> bool {
    let before = row
        .effects
        .iter()
        .take_while(|other| !std::ptr::eq(*other, effect));
    let mut before = before.filter(|other| other.record == effect.record);
    before.any(|other| touches(&other.op, leaf))
}

/// Whether nobody has ever written a leaf of a record that is there since an own edit below this
/// one made it (again): that it is absent is then the author's own doing, whatever stood there in
/// a history that the server has lost (seed 74,922 with tabs).
fn is_absence_own(
    made: &Made,
    log: &[LogRow],
    before: &RecordState,
    leaf: &LeafPath,
    row: &LogRow,
) -> bool {
    let is_written = before.leaves.keys().any(|own| today(own) == *leaf);
    let mut creators = log.iter().filter(|own| own.version == before.created);
    !is_written && creators.any(|own| own.user == row.user && made.after.contains(&own.id))
}

/// Whether a leaf has the value that this person's own "take back" gave it: they know it, although
/// no edit of theirs names it.
fn is_own_undo(
    log: &[LogRow],
    before: Option<&RecordState>,
    leaf: &LeafPath,
    row: &LogRow,
) -> bool {
    let mut names = before.into_iter().flat_map(|before| &before.leaves);
    let cell = names.find(|(own, _)| today(own) == today(leaf));
    let cell = cell.map(|(_, cell)| cell);
    let writer = cell.and_then(|cell| log.iter().find(|other| other.version == cell.version));
    writer.is_some_and(|writer| writer.user == row.user && is_undo(&writer.label))
}

/// *same*: stored leaves, log replay and room memory agree; every delta leads from its version to
/// the head, and so does a snapshot.
fn same(
    world: &mut World,
    board: &BoardId,
    image: &BoardImage,
    log: &[LogRow],
) -> Result<(), Failure> {
    let mut states: SortedMap<Version, BoardState> = [(Version(0), BoardState::default())].into();
    let mut state = BoardState::default();
    for row in log {
        state.apply(&row.effects, row.version, &row.user);
        states.insert(row.version, state.clone());
    }
    if without_marks(&state, image.state.floor) != image.state.records {
        let detail = format!("{board}: stored {:?}, replayed {:?}", image.state, state);
        return Err(Failure::new("same", detail));
    }
    let memory = world
        .server
        .rooms
        .get(board)
        .and_then(|host| host.room.state());
    if memory.is_some_and(|memory| memory.records != image.state.records) {
        return Err(Failure::new(
            "same",
            format!("{board}: the room's memory differs"),
        ));
    }
    let versions: Vec<Version> = states.keys().copied().collect();
    for _ in 0..4 {
        let Some(version) = world.dice.pick(&versions).copied() else {
            continue;
        };
        world.tally.delta_pairs += 1;
        let check = world
            .server
            .archive
            .check_at_now(board, version)
            .unwrap_or_default();
        let cursor = Cursor { version, check };
        let led = resumed(world, board, image, Some(cursor), &states[&version])?;
        let fresh = resumed(world, board, image, None, &BoardState::default())?;
        if led != image.state.records || fresh != image.state.records {
            let detail = format!("{board}: from {version} a resume leads elsewhere: {led:?}");
            return Err(Failure::new("same", detail));
        }
    }
    Ok(())
}

/// *same*: a replica gets a snapshot where the board no longer knows what it lacks, and only there.
fn is_due(
    world: &mut World,
    board: &BoardId,
    image: &BoardImage,
    cursor: Option<Cursor>,
    resume: &Resume,
) -> Result<(), Failure> {
    let version = cursor.map(|cursor| cursor.version);
    let is_below_marks = version.is_none_or(|version| version < image.state.floor);
    let is_below_log = version.is_some_and(|own| own.0 > 0 && own <= image.pruned)
        && version != Some(image.head.version);
    world.tally.below_horizon += u64::from(version.is_some() && (is_below_marks || is_below_log));
    let expected = (is_below_marks || is_below_log, is_below_log);
    if (resume.full, resume.diverged) == expected {
        return Ok(());
    }
    let detail = format!(
        "{board}: from {version:?}, with marks above {} and a log above {}, comes {resume:?}",
        image.state.floor, image.pruned
    );
    Err(Failure::new("same", detail))
}

/// Where a resume leads a replica that stands at a cursor.
fn resumed(
    world: &mut World,
    board: &BoardId,
    image: &BoardImage,
    cursor: Option<Cursor>,
    from: &BoardState,
) -> Result<SortedMap<RecordId, Slot>, Failure> {
    let schema = world.schemas.of(world.server.build).clone();
    let mut room = Room::new(board.clone(), schema);
    let connection = ConnectionId(0);
    let member = Member {
        client: driftless_model::ClientId(0),
        user: UserId::new("nobody").expect("a user"),
        role: Role::Viewer,
    };
    room.handle(
        Input::Subscribe {
            connection,
            member,
            cursor,
        },
        0,
    );
    while let Some(output) = room.poll_output() {
        match output {
            Output::Load => room.handle(Input::Loaded(Box::new(image.clone())), 0),
            Output::LookUp { version, .. } => {
                let check = world.server.store.check_at_now(board, version);
                room.handle(
                    Input::Looked {
                        connection,
                        version,
                        check,
                    },
                    0,
                );
            }
            Output::Resume { resume, .. } => {
                let ServerMessage::Resume(resume) = resume.message() else {
                    continue;
                };
                is_due(world, board, image, cursor, &resume)?;
                let mut state = RealtimeState::default();
                for (id, slot) in &from.records {
                    state.restore_record(driftless_protocol::durable::RecordRow {
                        board: board.clone(),
                        record: id.clone(),
                        slot: slot.clone(),
                    });
                }
                state.resume(&resume);
                return Ok(state.confirmed().records.clone());
            }
            _ => {}
        }
    }
    Err(Failure::new(
        "same",
        format!("{board}: a room does not answer"),
    ))
}
