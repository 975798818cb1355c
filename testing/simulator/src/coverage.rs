//! What runs reached: states, outcomes, refusals, and pairs of faults that met in one run. What
//! many runs never reach, or hardly ever, is a hole in the simulator: it fails them.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use driftless_protocol::message::{Outcome, ServerMessage};
use driftless_sync::replica::board::Board;
use driftless_sync::replica::view::Connection;

use crate::steps::{self, Group, Steps};
use crate::tally::Tally;

/// From so many seeds on, what was never reached is a failure.
const SEEDS_MIN: u64 = 3_000;
/// The same of two faults that never met in one run: some are rare.
const PAIRS_SEEDS_MIN: u64 = 20_000;

/// Counts something of a run.
type Count = fn(&Tally) -> u64;

/// What has to be reached, by group.
const EXPECTED: [Group; 6] = [
    steps::CONNECTION,
    steps::STREAM,
    steps::ENTRY,
    (
        "outcome",
        &[
            "applied",
            "applied but for a leaf",
            "applied over another",
            "conflict",
            "rejected",
        ],
    ),
    (
        "resume",
        &["a delta", "a snapshot", "another history", "with outcomes"],
    ),
    (
        "refusal",
        &[
            "cloned",
            "forbidden",
            "forgotten",
            "invalid",
            "not_subscribed",
            "unavailable",
            "unknown_kind",
            // `wrong_user` comes hardly ever, since a copy remembers whose it was: a profile has to
            // go back to before anybody had signed in. The machines' tests have it.
        ],
    ),
];

/// How often something is met in a million edits, at least.
const FLOORS: [(&str, Count, u64); 8] = [
    ("conflicts", |tally| tally.conflicts, 100_000),
    (
        "server crashes inside a commit",
        |tally| tally.server_crashes_in_commit,
        100,
    ),
    (
        "client crashes inside a commit",
        |tally| tally.client_crashes_in_commit,
        300,
    ),
    ("profiles cloned", |tally| tally.clones, 500),
    ("profiles rolled back", |tally| tally.rollbacks, 500),
    (
        "servers restored from a backup",
        |tally| tally.restores,
        100,
    ),
    (
        "rights to read withdrawn",
        |tally| tally.reads_withdrawn,
        100,
    ),
    ("takeovers", |tally| tally.takeovers, 1_000),
];

/// Faults, each with how to tell that a run had it.
const FAULTS: [(&str, Count); 15] = [
    ("a clone", |tally| tally.clones),
    ("a roll back", |tally| tally.rollbacks),
    ("a lost relaxed write", |tally| tally.relaxed_lost),
    ("full storage", |tally| tally.quota_spells),
    ("a clock jump", |tally| tally.clock_jumps),
    ("a late connection", |tally| tally.ghosts),
    ("an expired token", |tally| tally.expiries),
    ("another user", |tally| tally.user_switches),
    ("a restored server", |tally| tally.restores),
    ("an updated server", |tally| tally.updates),
    ("a lost right", |tally| {
        tally.reads_withdrawn + tally.edits_withdrawn
    }),
    ("a server crash", |tally| tally.server_crashes),
    ("a client crash", |tally| tally.client_crashes),
    ("an unknown commit", |tally| tally.server_commits_unknown),
    ("a takeover", |tally| tally.takeovers),
];

/// How often something was reached, by group and name.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    reached: BTreeMap<(&'static str, &'static str), u64>,
    pairs: BTreeMap<(usize, usize), u64>,
    /// Steps from state to state.
    pub steps: Steps,
}

impl AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        for (key, count) in other.reached {
            *self.reached.entry(key).or_default() += count;
        }
        for (key, count) in other.pairs {
            *self.pairs.entry(key).or_default() += count;
        }
        self.steps += other.steps;
    }
}

impl Coverage {
    fn reach(&mut self, group: &'static str, name: &'static str) {
        *self.reached.entry((group, name)).or_default() += 1;
    }

    /// A connection is in a state.
    pub fn connection(&mut self, connection: &Connection) {
        self.reach("connection", connection.name());
    }

    /// A replica has a board in a state.
    pub fn board(&mut self, board: &Board) {
        self.reach("stream", steps::stream(board.stream));
        for entry in board.outbox.entries() {
            self.reach("entry", steps::entry(entry));
        }
    }

    /// A message arrived at a device.
    pub fn message(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Outcome(settled) => self.outcome(&settled.outcome),
            ServerMessage::Resume(resume) => {
                self.reach("resume", if resume.full { "a snapshot" } else { "a delta" });
                if resume.diverged {
                    self.reach("resume", "another history");
                }
                if !resume.outcomes.is_empty() {
                    self.reach("resume", "with outcomes");
                }
                resume
                    .outcomes
                    .iter()
                    .for_each(|settled| self.outcome(&settled.outcome));
            }
            ServerMessage::Refused { code, .. } | ServerMessage::Error { code, .. } => {
                self.reach("refusal", code.as_str());
            }
            _ => {}
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Applied {
                skipped, replaced, ..
            } => {
                self.reach("outcome", "applied");
                if !skipped.is_empty() {
                    self.reach("outcome", "applied but for a leaf");
                }
                if !replaced.is_empty() {
                    self.reach("outcome", "applied over another");
                }
            }
            Outcome::Conflict { .. } => self.reach("outcome", "conflict"),
            Outcome::Rejected { code, .. } => {
                self.reach("outcome", "rejected");
                self.reach("refusal", code.as_str());
            }
            _ => {}
        }
    }

    /// A run is over: which faults met in it.
    pub fn run(&mut self, tally: &Tally) {
        let had =
            |(index, (_, count)): (usize, &(&str, Count))| (count(tally) > 0).then_some(index);
        let had: Vec<usize> = FAULTS.iter().enumerate().filter_map(had).collect();
        for (place, one) in had.iter().enumerate() {
            for other in &had[place + 1..] {
                *self.pairs.entry((*one, *other)).or_default() += 1;
            }
        }
    }

    /// What was reached, a line a group.
    pub fn lines(&self) -> Vec<String> {
        let of = |group: &str| {
            let own = self.reached.iter().filter(|((own, _), _)| *own == group);
            let own: Vec<String> = own
                .map(|((_, name), count)| format!("{name} {count}"))
                .collect();
            format!("{group}: {}", own.join(", "))
        };
        let mut lines: Vec<String> = EXPECTED.iter().map(|(group, _)| of(group)).collect();
        lines.push(self.steps.line());
        let rarest = self.pairs.iter().min_by_key(|(_, count)| **count);
        if let Some(((one, other), count)) = rarest {
            let (one, other) = (FAULTS[*one].0, FAULTS[*other].0);
            let pairs = self.pairs.len();
            lines.push(format!(
                "pairs of faults in one run: {pairs}; the rarest {one} with {other}, {count} times"
            ));
        }
        lines
    }

    fn missing_pairs(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (one, (name, _)) in FAULTS.iter().enumerate() {
            let others =
                (one + 1..FAULTS.len()).filter(|other| !self.pairs.contains_key(&(one, *other)));
            missing.extend(others.map(|other| format!("{name} with {}", FAULTS[other].0)));
        }
        missing
    }

    /// What so many seeds should have reached and did not.
    pub fn holes(&self, tally: &Tally, seeds: u64, has_tabs: bool) -> Vec<String> {
        if seeds < SEEDS_MIN {
            return Vec::new();
        }
        let mut holes = Vec::new();
        for (group, names) in EXPECTED {
            let missing = names
                .iter()
                .filter(|name| !self.reached.contains_key(&(group, **name)));
            holes.extend(missing.map(|name| format!("{group}: {name}")));
        }
        if seeds >= PAIRS_SEEDS_MIN {
            let missing = self.missing_pairs().into_iter();
            holes.extend(missing.filter(|pair| has_tabs || !is_of_tabs(pair)));
        }
        holes.extend(self.steps.holes(seeds));
        let rows = tally.rows().into_iter().filter(|(_, count)| *count == 0);
        let rows = rows.filter(|(label, _)| has_tabs || !is_of_tabs(label));
        holes.extend(rows.map(|(label, _)| label.to_owned()));
        let floors = FLOORS
            .into_iter()
            .filter(|(label, ..)| has_tabs || !is_of_tabs(label));
        for (label, count, floor) in floors {
            let per_million = count(tally) * 1_000_000 / tally.edits.max(1);
            if per_million < floor {
                holes.push(format!(
                    "{label}: {per_million} in a million edits, at least {floor}"
                ));
            }
        }
        holes
    }
}

/// Whether something happens only where devices have several tabs.
fn is_of_tabs(label: &str) -> bool {
    ["tab", "takeover", "follower", "renumbered", "by term"]
        .iter()
        .any(|word| label.contains(word))
}
