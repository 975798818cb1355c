//! Which steps runs took from state to state: of connections, of the streams of boards, of outbox
//! entries. What no run takes is listed here, with the reason; anything else that many runs never
//! take, or a listed one that some run does, fails them.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use driftless_model::{BoardId, EditId};
use driftless_sync::replica::Replica;
use driftless_sync::replica::background_sync::{Entry, Outbox};
use driftless_sync::replica::board::Stream;

use crate::failure::Failure;

/// From so many seeds on, a step that is neither taken nor listed is a failure.
const SEEDS_MIN: u64 = 10_000;

/// A machine whose states are followed, and all of its states.
pub type Group = (&'static str, &'static [&'static str]);

pub const CONNECTION: Group = (
    "connection",
    &[
        "idle",
        "connecting",
        "handshaking",
        "online",
        "waiting",
        "offline",
        "unauthorised",
        "closed",
    ],
);
pub const STREAM: Group = (
    "stream",
    &[
        "detached", "resuming", "agreed", "live", "paused", "retrying",
    ],
);
/// An entry comes from nowhere, and ends joined to another one or gone.
pub const ENTRY: Group = (
    "entry",
    &[
        "queued",
        "waits for another",
        "sealed",
        "taken back",
        "conflicted",
        "quarantined",
    ],
);

/// A step: its group, from where, to where.
type Step = (&'static str, &'static str, &'static str);

/// Where a listed step may be taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Nowhere.
    Never,
    /// Where a device has several tabs.
    WithTabs,
    /// Anywhere, but hardly ever: no run has to.
    Seldom,
}

/// A group, from where (several with `|`), to where (the same), where all the same, and why not.
struct Listed(&'static str, &'static str, &'static str, May, &'static str);

const FOLLOWS: &str = "only a tab that follows misses the steps between, as its leader tells them";
const ASKED_FIRST: &str = "the server is asked before it answers";
const REREAD: &str = "only another tab stores it, or keeps this one from storing what came before";

/// The steps that runs do not have to take, with the reason.
const LISTED: &[Listed] = &[
    Listed(
        "connection",
        "idle|online|waiting|offline|unauthorised|closed",
        "handshaking",
        May::WithTabs,
        FOLLOWS,
    ),
    Listed(
        "connection",
        "idle|connecting|waiting|offline|unauthorised|closed",
        "online|unauthorised",
        May::WithTabs,
        FOLLOWS,
    ),
    Listed(
        "connection",
        "idle|connecting|online|waiting|offline|unauthorised",
        "closed",
        May::WithTabs,
        FOLLOWS,
    ),
    Listed(
        "connection",
        "idle|offline|unauthorised|closed",
        "waiting",
        May::WithTabs,
        FOLLOWS,
    ),
    Listed(
        "connection",
        "unauthorised",
        "idle",
        May::Seldom,
        "the application rarely stops wanting a connection while its token is refused",
    ),
    Listed(
        "stream",
        "detached",
        "agreed|live|paused|retrying",
        May::Never,
        ASKED_FIRST,
    ),
    Listed("stream", "retrying", "paused", May::Never, ASKED_FIRST),
    Listed(
        "stream",
        "retrying",
        "agreed|live",
        May::Seldom,
        "that the board was not to be had has to be told between a later question and its answer",
    ),
    Listed("stream", "live|paused", "agreed", May::Never, ASKED_FIRST),
    Listed(
        "stream",
        "resuming|agreed",
        "paused",
        May::Never,
        "edits go out, and are put off, only once the resume came",
    ),
    Listed(
        "stream",
        "agreed",
        "resuming",
        May::Never,
        "where the copy stood is known already: it is asked for whole",
    ),
    Listed(
        "stream",
        "agreed",
        "retrying",
        May::Seldom,
        "the right has to be lost between two answers",
    ),
    Listed(
        "stream",
        "paused",
        "resuming",
        May::Seldom,
        "a gap in the stream has to come while edits are put off",
    ),
    Listed(
        "entry",
        "queued",
        "waits for another|taken back|conflicted",
        May::WithTabs,
        REREAD,
    ),
    Listed(
        "entry",
        "waits for another",
        "taken back|conflicted",
        May::WithTabs,
        REREAD,
    ),
    Listed(
        "entry",
        "waits for another",
        "quarantined",
        May::Seldom,
        "what it waits for has to go as it turns out that nobody knows who made it",
    ),
    Listed(
        "entry",
        "sealed",
        "waits for another|joined",
        May::WithTabs,
        REREAD,
    ),
    Listed(
        "entry",
        "taken back",
        "queued|waits for another|conflicted|quarantined|joined",
        May::WithTabs,
        REREAD,
    ),
    Listed(
        "entry",
        "conflicted|quarantined",
        "queued|waits for another|sealed|taken back|conflicted|quarantined|joined",
        May::WithTabs,
        REREAD,
    ),
];

/// The name of a stream's state.
pub fn stream(stream: Stream) -> &'static str {
    match stream {
        Stream::Detached => "detached",
        Stream::Resuming => "resuming",
        Stream::Agreed => "agreed",
        Stream::Live { .. } => "live",
        Stream::Paused { .. } => "paused",
        Stream::Retrying { .. } => "retrying",
    }
}

/// The name of an entry's state.
pub fn entry(entry: &Entry) -> &'static str {
    match () {
        () if entry.is_taken_back() => "taken back",
        () if entry.seq().is_some() => "sealed",
        () if entry.is_queued() && entry.after().is_empty() => "queued",
        () if entry.is_queued() => "waits for another",
        () if entry.is_conflicted() => "conflicted",
        () => "quarantined",
    }
}

/// How often each step was taken.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    taken: BTreeMap<Step, u64>,
    /// Where each process was when it was looked at last.
    tabs: BTreeMap<usize, Tab>,
}

#[derive(Debug, Clone, Default)]
struct Tab {
    connection: Option<&'static str>,
    boards: BTreeMap<BoardId, Board>,
}

#[derive(Debug, Clone)]
struct Board {
    stream: &'static str,
    entries: BTreeMap<EditId, &'static str>,
}

impl AddAssign for Steps {
    fn add_assign(&mut self, other: Self) {
        for (step, count) in other.taken {
            *self.taken.entry(step).or_default() += count;
        }
    }
}

impl Steps {
    /// A process did something.
    pub fn look(&mut self, number: usize, replica: &Replica) {
        let tab = self.tabs.entry(number).or_default();
        let taken = &mut self.taken;
        let now = replica.status().connection.name();
        if let Some(before) = tab.connection.replace(now) {
            take(taken, (CONNECTION.0, before, now));
        }
        for (id, own) in replica.boards() {
            let entries = own.outbox.entries();
            let entries = entries.map(|own| (own.row.id, entry(own))).collect();
            let now = Board {
                stream: stream(own.stream),
                entries,
            };
            match tab.boards.get_mut(id) {
                Some(before) => {
                    take(taken, (STREAM.0, before.stream, now.stream));
                    compare(taken, before, &now, &own.outbox);
                    *before = now;
                }
                None => {
                    tab.boards.insert(id.clone(), now);
                }
            }
        }
    }

    /// A process ended: the next one begins from what is stored.
    pub fn forget(&mut self, number: usize) {
        self.tabs.remove(&number);
    }

    /// What so many seeds should have taken and did not.
    pub fn holes(&self, seeds: u64) -> Vec<String> {
        if seeds < SEEDS_MIN {
            return Vec::new();
        }
        let is_hole = |step: &Step| !self.taken.contains_key(step) && listed(*step).is_none();
        let holes = all().into_iter().filter(is_hole);
        holes
            .map(|(group, from, to)| format!("{group}: never from {from} to {to}"))
            .collect()
    }

    /// A step that was not to happen makes the run fail that took it.
    pub fn check(&self, has_tabs: bool) -> Result<(), Failure> {
        for (group, from, to) in self.taken.keys() {
            if let Some(Listed(.., may, why)) = listed((group, from, to))
                && (*may == May::Never || (*may == May::WithTabs && !has_tabs))
            {
                let step = format!("{group} from {from} to {to}, which was not to happen: {why}");
                return Err(Failure::new("steps", step));
            }
        }
        Ok(())
    }

    /// How many of all steps were taken.
    pub fn line(&self) -> String {
        let mut taken: Vec<(&Step, &u64)> = self.taken.iter().collect();
        taken.sort_by_key(|(_, count)| **count);
        let rarest = taken.iter().take(5);
        let rarest =
            rarest.map(|((group, from, to), count)| format!("{group} from {from} to {to} {count}"));
        let rarest: Vec<String> = rarest.collect();
        let (taken, all, rarest) = (taken.len(), all().len(), rarest.join(", "));
        format!("steps between states: {taken} of {all}; the rarest: {rarest}")
    }
}

/// Why a step need not be taken.
fn listed((group, from, to): Step) -> Option<&'static Listed> {
    let is = |listed: &str, own: &str| listed.split('|').any(|one| one == own);
    let mut rows = LISTED.iter();
    rows.find(|row| row.0 == group && is(row.1, from) && is(row.2, to))
}

fn take(taken: &mut BTreeMap<Step, u64>, step: Step) {
    if step.1 != step.2 {
        *taken.entry(step).or_default() += 1;
    }
}

fn compare(taken: &mut BTreeMap<Step, u64>, before: &Board, now: &Board, outbox: &Outbox) {
    for (id, was) in &before.entries {
        let end = || match outbox.by_id(*id) {
            Some(_) => "joined",
            None => "gone",
        };
        let is = now.entries.get(id).copied().unwrap_or_else(end);
        take(taken, (ENTRY.0, was, is));
    }
    let new = now.entries.iter();
    let new = new.filter(|(id, _)| !before.entries.contains_key(id));
    new.for_each(|(_, is)| take(taken, (ENTRY.0, "nowhere", is)));
}

/// Every step that there could be.
fn all() -> Vec<Step> {
    let mut steps = Vec::new();
    for (group, states) in [CONNECTION, STREAM, ENTRY] {
        for from in states {
            let others = states.iter().filter(|to| *to != from);
            steps.extend(others.map(|to| (group, *from, *to)));
        }
    }
    let (group, states) = ENTRY;
    for state in states {
        steps.extend([
            (group, "nowhere", *state),
            (group, *state, "joined"),
            (group, *state, "gone"),
        ]);
    }
    steps
}
