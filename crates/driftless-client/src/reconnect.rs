//! What coming back cost: what was missed, and what it took to catch up.

use std::sync::{Mutex, PoisonError};

use driftless_model::{BoardId, Cursor, SortedMap};
use driftless_protocol::message::Resume;
use serde::Serialize;

/// The last time that the server brought this copy of a board up to date: what had happened, and
/// what was received for it. It costs what changed, not what happened.
///
/// ```
/// use driftless_client::model::Note;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
/// let (hers, his) = (ann.client().board("home"), bob.client().board("home"));
/// his.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.advance_ms(1_000);
/// ann.go_offline();
/// for number in 1..=100 {
///     let edit = his.edit("Write", |e| e.set("note", Note::TEXT, number.to_string()))?;
///     kit.until(edit.applied())?;
/// }
/// ann.go_online();
/// kit.advance_ms(60_000);
/// let bill = hers.reconnect_bill().expect("she came back");
/// assert_eq!((bill.missed, bill.leaves), (Some(100), 1));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReconnectBill {
    /// When, in milliseconds since 1970 by the device's clock.
    pub at_ms: u64,
    /// How many versions the board had moved on by; absent where this copy was none of the
    /// server's history, as one that has nothing yet.
    pub missed: Option<u64>,
    /// Values that came: changed leaves, and those of new records.
    pub leaves: usize,
    /// Records that came to be, or were removed.
    pub records: usize,
    /// The size of the message, in bytes.
    pub bytes: usize,
}

/// Keeps the last one of each board.
#[derive(Debug, Default)]
pub(crate) struct Bills(Mutex<SortedMap<BoardId, ReconnectBill>>);

impl Bills {
    /// The last one of a board.
    pub(crate) fn of(&self, board: &BoardId) -> Option<ReconnectBill> {
        self.bills(|bills| bills.get(board).copied())
    }

    /// A resume arrived, at a copy that stood at `before`.
    pub(crate) fn resumed(
        &self,
        resume: &Resume,
        before: Option<Cursor>,
        bytes: usize,
        at_ms: u64,
    ) {
        let before = before.filter(|_| !resume.diverged);
        let missed = |before: Cursor| resume.cursor.version.0.saturating_sub(before.version.0);
        let new_leaves = resume.records.iter().map(|record| record.leaves.len());
        let bill = ReconnectBill {
            at_ms,
            missed: before.map(missed),
            leaves: resume.leaves.len() + new_leaves.sum::<usize>(),
            records: resume.records.len() + resume.removed.len(),
            bytes,
        };
        self.bills(|bills| bills.insert(resume.board.clone(), bill));
    }

    fn bills<T>(&self, with: impl FnOnce(&mut SortedMap<BoardId, ReconnectBill>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
