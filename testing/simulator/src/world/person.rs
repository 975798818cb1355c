//! Persons: they edit, decide, take back, lose their network and their patience.

use std::sync::Arc;

use driftless_model::{
    BoardId, EditId, KindName, LeafPath, OnStale, Op, RecordId, SortedMap, UserId, Value,
};
use driftless_sync::replica::background_sync::{Entry, resolved_changes};
use driftless_sync::replica::view::{RecordView, Resolution};
use driftless_sync::replica::{Command, NewEdit, SeenMark};

use crate::book::{LeafKey, Made};
use crate::builds::{Build, today};
use crate::failure::Failure;
use crate::schedule::Event;
use crate::world::{World, checkers};

/// A gesture that a person began: what was on screen then.
#[derive(Debug)]
pub struct Gesture {
    board: BoardId,
    mark: SeenMark,
    views: SortedMap<RecordId, Arc<RecordView>>,
    target: RecordId,
    kind: Doing,
    /// The gesture's number and how many more edits it makes.
    steps: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Title,
    Unit,
    Place,
    /// Two leaves that are always written together.
    Pair,
    TwoRecords,
    Remove,
    TooLong,
}

/// The leaves that are always written together.
pub const PAIR: [&str; 2] = ["options/a", "options/b"];

fn path(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

impl World {
    /// A person does something, and will do something again.
    pub fn person(&mut self, tab: usize) -> Result<(), Failure> {
        if !self.has_faults {
            return Ok(());
        }
        let delay_ms = self.dice.between(20, 900);
        self.schedule.after(delay_ms, Event::Person { tab });
        let own = &self.tabs[tab];
        if own.replica.is_none() || own.gesture.is_some() || self.is_frozen(tab) {
            return Ok(());
        }
        if self.bad_day(self.device_of(tab))? {
            return Ok(());
        }
        if self.dice.chance(10) {
            return self.look(tab);
        }
        match self.dice.below(100) {
            0..=57 => self.begin_gesture(tab),
            58..=61 => self.undo_or_redo(tab, true)?,
            62..=64 => self.undo_or_redo(tab, false)?,
            65..=76 => self.decide(tab)?,
            77..=82 => self.take_back(tab)?,
            83..=90 => self.lose_network(tab)?,
            91..=93 => self.lose_process(tab)?,
            94..=95 if self.server.is_up => self.crash_server(),
            96..=98 => self.cut_link(tab),
            _ => {}
        }
        Ok(())
    }

    fn begin_gesture(&mut self, tab: usize) {
        let Some(board) = self.dice.pick(&self.boards).cloned() else {
            return;
        };
        let Some(replica) = &self.tabs[tab].replica else {
            return;
        };
        if replica.status().client.is_none() {
            // The storage is being read: there is nothing on screen to act on.
            return;
        }
        let views = replica.views(&board).cloned().unwrap_or_default();
        let mark = replica.seen_mark(&board);
        let target = self.some_record();
        let kind = match self.dice.below(20) {
            0..=7 => Doing::Title,
            8..=9 => Doing::Unit,
            10..=13 => Doing::Place,
            14..=15 => Doing::Pair,
            16 => Doing::TwoRecords,
            17..=18 => Doing::Remove,
            _ => Doing::TooLong,
        };
        let steps = self
            .dice
            .chance(30)
            .then(|| (self.dice.below(1 << 40), self.dice.below(4)));
        self.trace.say(|| {
            let (now_ms, version) = (self.schedule.now_ms(), mark.version());
            format!("{now_ms} person {tab} begins {kind:?} of {target} at {version}: {views:?}")
        });
        let gesture = Gesture {
            board,
            mark,
            views,
            target,
            kind,
            steps,
        };
        self.tabs[tab].gesture = Some(gesture);
        let life = self.tabs[tab].life;
        let delay_ms = self.dice.below(300);
        self.schedule
            .after(delay_ms, Event::EndGesture { tab, life });
    }

    pub fn some_record(&mut self) -> RecordId {
        let number = self.dice.below(4);
        RecordId::new(format!("w{number}")).expect("an id")
    }

    /// A person ends a gesture, or makes one more of its edits.
    pub fn end_gesture(&mut self, tab: usize) -> Result<(), Failure> {
        let Some(mut gesture) = self.tabs[tab].gesture.take() else {
            return Ok(());
        };
        let ops = self.ops(tab, &gesture);
        let changes = ops
            .into_iter()
            .map(|(record, op)| gesture.mark.change(record, op));
        let edit = NewEdit {
            board: gesture.board.clone(),
            id: EditId(self.dice.wide()),
            label: format!("{:?}", gesture.kind),
            gesture: gesture.steps.map(|(number, _)| number),
            on_stale: OnStale::Policy,
            changes: changes.collect(),
        };
        if edit.changes.is_empty() {
            return Ok(());
        }
        let views = &gesture.views;
        let made = Made::new(self.author(tab), &edit, |id| {
            views.get(id).map(|view| (**view).clone())
        });
        self.edit(tab, edit, made)?;
        if let Some((number, left)) = gesture.steps
            && left > 0
            && !matches!(gesture.kind, Doing::Remove)
        {
            gesture.steps = Some((number, left - 1));
            self.tabs[tab].gesture = Some(gesture);
            let life = self.tabs[tab].life;
            let delay_ms = self.dice.below(60);
            self.schedule
                .after(delay_ms, Event::EndGesture { tab, life });
        }
        Ok(())
    }

    fn edit(&mut self, tab: usize, edit: NewEdit, mut made: Made) -> Result<(), Failure> {
        self.tally.edits += 1;
        if self.is_follower(tab) {
            self.tally.follower_edits += 1;
        }
        let (id, board) = (edit.id, edit.board.clone());
        made.rests_on_writes(&self.pending_writes(tab, &board));
        made.user = self.user_on(tab);
        let after = edit.changes.iter().flat_map(|change| &change.seen.after);
        self.book.rests_on_all(&mut made, after);
        self.trace.say(|| format!("person {tab} makes {edit:?}"));
        // Noted before the device answers, which may already say that it is stored.
        self.book.made.insert(id, made.clone());
        self.command(tab, Command::Edit(edit))?;
        let replica = self.tabs[tab].replica.as_ref();
        let outbox = replica
            .and_then(|replica| replica.board(&board))
            .map(|board| &board.outbox);
        let entry = outbox.and_then(|outbox| outbox.entries().find(|entry| entry.is_or_holds(id)));
        let entry = entry.cloned();
        if let Some(entry) = &entry {
            checkers::meant(&made, entry)?;
        }
        if self.book.taken_in(id, made, entry.as_ref()) {
            self.tally.squashed += 1;
        }
        if entry.is_some_and(|entry| entry.row.id != id) {
            self.tally.folded += 1;
        }
        Ok(())
    }

    /// Who edits in a tab, as far as anybody knows yet: whoever has the token where it leads, else
    /// the one to whom the copy belongs. Before the storage is read nobody knows.
    pub fn user_on(&self, tab: usize) -> Option<UserId> {
        let status = self.tabs[tab].replica.as_ref()?.status();
        let is_read = status.client.is_some();
        let signed_in = self.tabs[tab].signed_in.clone().filter(|_| is_read);
        if self.is_follower(tab) {
            status.user.or(signed_in)
        } else {
            signed_in.or(status.user)
        }
    }

    /// What a person wrote and waits for: they know it, even where a later edit of theirs hides it.
    /// What they made in another tab counts as they saw it here.
    pub fn pending_writes(&self, tab: usize, board: &BoardId) -> Vec<(LeafKey, Option<Value>)> {
        self.writes_of(tab, board, |entry| !entry.is_foreign)
    }

    /// What is listed as waiting, in the tab where a person decides on some of it.
    pub fn listed_writes(&self, tab: usize, board: &BoardId) -> Vec<(LeafKey, Option<Value>)> {
        self.writes_of(tab, board, |_| true)
    }

    fn writes_of(
        &self,
        tab: usize,
        board: &BoardId,
        is_known: impl Fn(&Entry) -> bool,
    ) -> Vec<(LeafKey, Option<Value>)> {
        let replica = self.tabs[tab].replica.as_ref();
        let own = replica.and_then(|replica| replica.board(board));
        let entries = own.into_iter().flat_map(|own| own.outbox.entries());
        let changes = entries.filter(|entry| is_known(entry));
        let changes = changes.flat_map(|entry| &entry.row.changes);
        let writes = changes.flat_map(|change| {
            let writes = change.op.writes().into_iter();
            writes.map(|(leaf, value)| ((change.record.clone(), leaf.clone()), value.cloned()))
        });
        writes.collect()
    }

    fn ops(&mut self, tab: usize, gesture: &Gesture) -> Vec<(RecordId, Op)> {
        let word = format!("{:x}", self.dice.below(1 << 24));
        let build = self.tabs[tab].build;
        let target = gesture.target.clone();
        if !gesture.views.contains_key(&target) {
            return vec![(target.clone(), create(build, &target, &word))];
        }
        let write = |leaf: LeafPath, value: Value| Op::Set { leaf, value };
        let set = |leaf: &str, value: Value| write(path(leaf), value);
        match gesture.kind {
            Doing::Title if self.dice.chance(10) => {
                vec![(
                    target,
                    Op::Unset {
                        leaf: path("title"),
                    },
                )]
            }
            Doing::Title => vec![(target, set("title", word.into()))],
            Doing::Unit => {
                let limit = build.limit().filter(|_| self.dice.chance(30));
                vec![(target, write(limit.unwrap_or(build.unit()), word.into()))]
            }
            Doing::TooLong => vec![(target, set("title", "x".repeat(201).into()))],
            Doing::Place => {
                let cells = [self.dice.below(8), self.dice.below(8), 1, 1];
                let cells = cells.map(|cell| Value::from(u32::try_from(cell).expect("small")));
                vec![(target, set("layout/lg", Value::List(cells.to_vec())))]
            }
            Doing::Pair => {
                let both = |leaf: &&str| (target.clone(), set(leaf, word.clone().into()));
                PAIR.iter().map(both).collect()
            }
            Doing::TwoRecords => {
                let other = self.some_record();
                let mut ops = vec![(target, set("title", word.clone().into()))];
                if gesture.views.contains_key(&other) && ops[0].0 != other {
                    ops.push((other, write(build.unit(), word.into())));
                }
                ops
            }
            Doing::Remove => vec![(target, Op::Remove)],
        }
    }

    /// A person settles something that waits for them.
    fn decide(&mut self, tab: usize) -> Result<(), Failure> {
        let resolution = match self.dice.below(3) {
            0 => Resolution::KeepMine,
            1 => Resolution::TakeTheirs,
            _ => Resolution::Merge(Vec::new()),
        };
        let Some((board, entry)) = self.some_entry(tab, Entry::is_set_aside) else {
            return Ok(());
        };
        let replica = self.tabs[tab].replica.as_ref();
        let Some(own) = replica.and_then(|replica| replica.board(&board)) else {
            return Ok(());
        };
        let (seen, confirmed) = (own.state.version(), own.state.confirmed().clone());
        let id = EditId(self.dice.wide());
        let ids: Vec<EditId> = entry.row.ids().collect();
        let is_conflict = matches!(
            entry.row.state,
            driftless_protocol::durable::EntryState::Conflicted(_)
        );
        if !is_conflict && self.dice.chance(70) {
            return self.retry(tab, &board, &entry, &ids);
        }
        self.tally.resolved += 1;
        let changes = resolved_changes(&entry.row, &resolution, seen, &confirmed);
        let is_edit = !changes.is_empty();
        let edit = NewEdit {
            board: board.clone(),
            id,
            label: entry.row.label.clone(),
            gesture: None,
            on_stale: entry.row.on_stale,
            changes,
        };
        let view_of = |id: &RecordId| confirmed.record(id).map(confirmed_view);
        let mut made = Made::new(self.author(tab), &edit, view_of);
        // Beside the panel the board shows the person's own later edits.
        let views = own.state.views();
        made.rests_on(&Made::new(self.author(tab), &edit, |id| {
            views.get(id).map(|view| (**view).clone())
        }));
        made.rests_on_writes(&self.listed_writes(tab, &board));
        made.gesture = None;
        made.user = self.user_on(tab);
        let edit = entry.row.id;
        self.book
            .replaced(self.device_of(tab), &ids, is_edit.then_some(id));
        if is_edit {
            self.book.taken_in(id, made, None);
        }
        self.trace
            .say(|| format!("person {tab} resolves {ids:?} by {resolution:?}: {id}"));
        let command = Command::Resolve {
            board: board.clone(),
            edit,
            edits: ids.len(),
            resolution,
            seen,
            id,
        };
        self.command(tab, command)?;
        self.note_after(tab, &board, id);
        Ok(())
    }

    /// Notes what the edit that a decision became waits for.
    fn note_after(&mut self, tab: usize, board: &BoardId, id: EditId) {
        let replica = self.tabs[tab].replica.as_ref();
        let own = replica.and_then(|replica| replica.board(board));
        let entry = own.and_then(|own| own.outbox.by_id(id));
        let after = entry.map(Entry::after).unwrap_or_default();
        if let Some(made) = self.book.made.get_mut(&id) {
            made.after.extend(after);
        }
    }

    /// A quarantined edit is tried again as it is.
    fn retry(
        &mut self,
        tab: usize,
        board: &BoardId,
        entry: &Entry,
        ids: &[EditId],
    ) -> Result<(), Failure> {
        let id = EditId(self.dice.wide());
        let (device, user) = (self.device_of(tab), self.user_on(tab));
        let mut made = Made {
            device,
            tab,
            user,
            // An undo that was refused stays one.
            is_undo: entry.row.on_stale == OnStale::Skip,
            ..Made::default()
        };
        for before in ids.iter().filter_map(|id| self.book.made.get(id)) {
            for (key, values) in &before.allowed {
                made.allowed
                    .entry(key.clone())
                    .or_default()
                    .extend(values.iter().cloned());
            }
            made.removes.extend(before.removes.clone());
            made.writes.extend(before.writes.clone());
        }
        let writes = made.writes.clone();
        made.rests_on_writes(&writes);
        // Beside the list of what waits the board shows the person's own later edits.
        made.rests_on_writes(&self.listed_writes(tab, board));
        self.sees_own_leaves(tab, board, entry, &mut made);
        self.sees_own_creation(tab, board, &mut made);
        // What they wrote and took back they know, whether it was applied before it was undone.
        if let Some(taken_back) = self.book.taken_back.get(&self.device_of(tab)) {
            made.rests_on_writes(taken_back);
        }
        self.book.replaced(self.device_of(tab), ids, Some(id));
        self.book.made.insert(id, made);
        let edit = entry.row.id;
        self.command(
            tab,
            Command::Retry {
                board: board.clone(),
                edit,
                id,
            },
        )?;
        self.note_after(tab, board, id);
        Ok(())
    }

    /// A person knows the values that they wrote themselves into a record that a retried entry
    /// removes: those that wait, and, where the removal takes back an edit of theirs and so was
    /// made by nobody, those that were applied.
    fn sees_own_leaves(&self, tab: usize, board: &BoardId, entry: &Entry, made: &mut Made) {
        let replica = self.tabs[tab].replica.as_ref();
        let Some(own) = replica.and_then(|replica| replica.board(board)) else {
            return;
        };
        let changes = entry.row.changes.iter();
        for change in changes.filter(|change| matches!(change.op, Op::Remove)) {
            let is_take_back = !made.removes.contains_key(&change.record);
            let view = own.state.views().get(&change.record);
            let shown = view.into_iter().flat_map(|view| &view.leaves);
            let pending = shown.filter(|(_, leaf)| leaf.version.is_none());
            let mut saw: SortedMap<LeafPath, Value> = pending
                .map(|(leaf, own)| (leaf.clone(), own.value.clone()))
                .collect();
            let confirmed = own.state.confirmed().record(&change.record);
            let cells = confirmed.into_iter().flat_map(|record| &record.leaves);
            let is_own =
                |author: &UserId| is_take_back && *author == self.devices[self.device_of(tab)].user;
            for (leaf, cell) in cells.filter(|(_, cell)| is_own(&cell.author)) {
                if let Some(value) = &cell.value {
                    saw.entry(leaf.clone()).or_insert_with(|| value.clone());
                }
            }
            let saw = saw.into_iter().map(|(leaf, value)| (today(&leaf), value));
            let saw = saw.collect();
            let removes = made.removes.entry(change.record.clone());
            removes.or_default().push(saw);
        }
    }

    /// A person who made a record anew meanwhile sees that it lacks a leaf.
    fn sees_own_creation(&self, tab: usize, board: &BoardId, made: &mut Made) {
        let replica = self.tabs[tab].replica.as_ref();
        let Some(own) = replica.and_then(|replica| replica.board(board)) else {
            return;
        };
        let build = self.tabs[tab].build;
        let is_made = |record: &RecordId| {
            let mut entries = own.outbox.entries().filter(|entry| entry.is_active());
            let creates = |op: &Op| matches!(op, Op::Create { .. });
            entries.any(|entry| {
                let mut changes = entry.row.changes.iter();
                changes.any(|change| change.record == *record && creates(&change.op))
            })
        };
        for ((record, leaf), allowed) in &mut made.allowed {
            let view = own.state.views().get(record);
            if view.is_some_and(|view| build.sees(view, leaf).is_none()) && is_made(record) {
                allowed.push(None);
            }
        }
    }

    fn take_back(&mut self, tab: usize) -> Result<(), Failure> {
        let Some((board, entry)) = self.some_entry(tab, |_| true) else {
            return Ok(());
        };
        let replica = self.tabs[tab].replica.as_ref();
        let outbox = replica
            .and_then(|replica| replica.board(&board))
            .map(|board| &board.outbox);
        let Some(outbox) = outbox else { return Ok(()) };
        self.trace.say(|| {
            let entries = outbox.entries();
            let waits = entries.map(|entry| (entry.row.number, entry.row.id, entry.after()));
            let (id, waits) = (entry.row.id, waits.collect::<Vec<_>>());
            format!("person {tab} takes {id} back of {waits:?}")
        });
        let mut ids: Vec<EditId> = Vec::new();
        let mut targets = vec![entry];
        while let Some(target) = targets.pop() {
            let own: Vec<EditId> = target.row.ids().collect();
            let waits = |other: &&Entry| {
                other.is_queued() && other.after().iter().any(|id| own.contains(id))
            };
            targets.extend(outbox.entries().filter(waits).cloned());
            ids.extend(own);
            if targets.is_empty() {
                let last = target.row.id;
                self.book.took_back(self.device_of(tab), &ids);
                let first = self.first_of(tab, &board, &ids).unwrap_or(last);
                return self.command(tab, Command::RollBack { board, edit: first });
            }
        }
        Ok(())
    }

    /// The oldest entry among these edits: the one that the others wait for.
    fn first_of(&self, tab: usize, board: &BoardId, ids: &[EditId]) -> Option<EditId> {
        let replica = self.tabs[tab].replica.as_ref()?;
        let mut entries = replica.board(board)?.outbox.entries();
        let first = entries.find(|entry| ids.contains(&entry.row.id));
        first.map(|entry| entry.row.id)
    }

    fn some_entry(
        &mut self,
        tab: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Option<(BoardId, Entry)> {
        let board = self.dice.pick(&self.boards).cloned()?;
        let replica = self.tabs[tab].replica.as_ref()?;
        let entries = replica.board(&board)?.outbox.entries();
        let entries: Vec<_> = entries.filter(|entry| wanted(entry)).cloned().collect();
        Some((board, self.dice.pick(&entries)?.clone()))
    }

    fn lose_network(&mut self, tab: usize) -> Result<(), Failure> {
        let delay_ms = self.dice.between(50, 4_000);
        // Sometimes it is the application that does not want to be connected for a while.
        let is_wanted = !delay_ms.is_multiple_of(8);
        for tab in self.tabs_of(self.device_of(tab)) {
            let life = self.tabs[tab].life;
            self.schedule
                .after(delay_ms, Event::NetworkBack { tab, life });
            let command = if is_wanted {
                Command::Network(false)
            } else {
                Command::Disconnect
            };
            self.command(tab, command)?;
        }
        Ok(())
    }

    fn cut_link(&mut self, tab: usize) {
        if let Some(link) = self.tabs[tab].link {
            self.tally.cuts += 1;
            self.close_server_end(link, None);
        }
    }
}

fn create(build: Build, target: &RecordId, word: &str) -> Op {
    let kind = KindName::new("chart").expect("a kind");
    let mut leaves: SortedMap<LeafPath, Value> = SortedMap::new();
    leaves.insert(path("title"), format!("{target} {word}").into());
    for leaf in PAIR {
        leaves.insert(path(leaf), word.into());
    }
    if build.limit().is_some() {
        leaves.insert(build.unit(), word.into());
    }
    Op::Create { kind, leaves }
}

/// A confirmed record as it would be shown.
pub fn confirmed_view(record: &driftless_model::RecordState) -> RecordView {
    let leaves = record.values().map(|(leaf, value)| {
        let shown = driftless_sync::replica::view::LeafView {
            value: value.clone(),
            version: None,
            author: None,
        };
        (leaf.clone(), shown)
    });
    RecordView {
        kind: record.kind.clone(),
        leaves: leaves.collect(),
        is_pending: false,
        conflicts: Vec::new(),
    }
}
