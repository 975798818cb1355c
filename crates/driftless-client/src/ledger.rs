//! Whether every edit of this device is accounted for: what was put into the outbox, against what
//! the server says its log has.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use driftless_model::limits::RECENT_EDITS_MAX;
use driftless_model::{BoardId, EditId, SortedMap, SortedSet, Version};
use serde::Serialize;

/// The account of a board's edits that were made in this tab or process, those included that it
/// found waiting when it started. Each edit is counted once: `made` is the sum of `applied`,
/// `pending`, `conflicted`, `quarantined`, `taken_back` and `lost`.
///
/// It is counted apart from the machine that decides: what was made by what was asked for, and what
/// was applied by what the server said of its log. So it finds out about a bug of either side.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// let board = ann.client().board("home");
/// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.until(edit.applied())?;
/// ann.go_offline();
/// board.edit("Remove it", |e| e.remove("note"))?;
/// kit.settle();
/// let ledger = board.ledger();
/// assert_eq!((ledger.made, ledger.applied, ledger.pending), (2, 1, 1));
/// assert!(ledger.adds_up());
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Edits that were made.
    pub made: u64,
    /// That the server's log has.
    pub applied: u64,
    /// That wait to be applied.
    pub pending: u64,
    /// That wait for a person, since somebody changed the same.
    pub conflicted: u64,
    /// That wait for a person, since they were refused.
    pub quarantined: u64,
    /// That a person took back, or decided against.
    pub taken_back: u64,
    /// That are nowhere; or were said to be in the log, at a version that is another edit's.
    pub lost: u64,
    /// Of those applied: that the log has at more than one version.
    pub doubled: u64,
}

impl Ledger {
    /// Whether nothing is lost and nothing doubled.
    ///
    /// ```
    /// use driftless_client::Ledger;
    ///
    /// let mut ledger = Ledger::default();
    /// assert!(ledger.adds_up());
    /// ledger.lost = 1;
    /// assert!(!ledger.adds_up());
    /// ```
    pub fn adds_up(&self) -> bool {
        self.lost == 0 && self.doubled == 0
    }
}

/// Where an edit of the outbox is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// On its way.
    Pending,
    /// For a person, since somebody changed the same.
    Conflicted,
    /// For a person, since it was refused.
    Quarantined,
}

/// Keeps the books of all boards.
#[derive(Debug, Default)]
pub(crate) struct Ledgers(Mutex<SortedMap<BoardId, Book>>);

/// The book of one board.
#[derive(Debug, Default)]
struct Book {
    /// What became of them is not known; and whether they were made in this tab or process. Those
    /// that were not may be settled by another one, which this one does not hear.
    open: SortedMap<EditId, bool>,
    /// The latest that the server's log has, and where.
    applied: SortedMap<EditId, Version>,
    /// The same, in the order in which they were applied.
    order: VecDeque<EditId>,
    /// How many were applied before those.
    applied_before: u64,
    taken_back: u64,
    /// Were said to be in the log, which has another in their place.
    displaced: SortedSet<EditId>,
    /// Where the log has them once more.
    doubles: SortedSet<(EditId, Version)>,
}

impl Ledgers {
    /// An edit was made here.
    pub(crate) fn made(&self, board: &BoardId, id: EditId) {
        self.book(board, |book| {
            if !book.applied.contains_key(&id) {
                book.open.insert(id, true);
            }
        });
    }

    /// An edit was not taken in: it was never made.
    pub(crate) fn refused(&self, board: &BoardId, id: EditId) {
        self.book(board, |book| book.open.remove(&id));
    }

    /// A person took an edit back, or decided against it.
    pub(crate) fn taken_back(&self, board: &BoardId, id: EditId) {
        self.book(board, |book| {
            let was_open = book.open.remove(&id).is_some();
            let was_applied = book.applied.remove(&id).is_some();
            book.taken_back += u64::from(was_open || was_applied);
        });
    }

    /// The replica took an edit for applied.
    pub(crate) fn settled(&self, board: &BoardId, id: EditId, version: Version) {
        self.book(board, |book| {
            if book.open.remove(&id).is_some() {
                book.apply(id, version);
            }
        });
    }

    /// The server's log has this edit at this version, by its own word; whose edit it is shows in
    /// its id.
    pub(crate) fn logged(&self, board: &BoardId, id: EditId, version: Version) {
        self.book(board, |book| book.logged(id, version));
    }

    /// The account, with what is in the outbox now.
    pub(crate) fn account(
        &self,
        board: &BoardId,
        outbox: impl Iterator<Item = (EditId, Waiting)>,
    ) -> Ledger {
        self.book(board, |book| book.account(outbox))
    }

    fn book<T>(&self, board: &BoardId, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(books.entry(board.clone()).or_default())
    }
}

impl Book {
    fn apply(&mut self, id: EditId, version: Version) {
        self.applied.insert(id, version);
        self.order.push_back(id);
        if self.order.len() > RECENT_EDITS_MAX
            && let Some(oldest) = self.order.pop_front()
            && self.applied.remove(&oldest).is_some()
        {
            self.applied_before += 1;
        }
    }

    fn logged(&mut self, id: EditId, version: Version) {
        if self.open.remove(&id).is_some() || self.displaced.remove(&id) {
            return self.apply(id, version);
        }
        match self.applied.get(&id) {
            Some(known) if *known == version => {}
            Some(_) => {
                self.doubles.insert((id, version));
            }
            None => self.displace(version),
        }
    }

    /// Somebody else's edit has this version. What was said to be there is not.
    fn displace(&mut self, version: Version) {
        let newest = self.order.back().and_then(|id| self.applied.get(id));
        if newest.is_none_or(|newest| version > *newest) {
            return;
        }
        let displaced = self.applied.iter().filter(|(_, at)| **at == version);
        let displaced: Vec<EditId> = displaced.map(|(id, _)| *id).collect();
        for id in displaced {
            self.applied.remove(&id);
            self.displaced.insert(id);
        }
    }

    fn account(&mut self, outbox: impl Iterator<Item = (EditId, Waiting)>) -> Ledger {
        let mut ledger = Ledger {
            taken_back: self.taken_back,
            doubled: whole(self.doubles.len()),
            ..Ledger::default()
        };
        // Sorted at once: ids come in no order, and there may be thousands.
        let waiting: SortedMap<EditId, Waiting> = outbox.collect();
        let mut offered_again = 0;
        for (&id, state) in &waiting {
            match state {
                Waiting::Pending => ledger.pending += 1,
                Waiting::Conflicted => ledger.conflicted += 1,
                Waiting::Quarantined => ledger.quarantined += 1,
            }
            let was_displaced = self.displaced.remove(&id);
            if self.applied.contains_key(&id) {
                offered_again += 1;
            } else {
                self.open.entry(id).or_insert(was_displaced);
            }
        }
        // What another tab settled is its to account for.
        self.open
            .retain(|id, is_made_here| *is_made_here || waiting.contains_key(id));
        let gone = self.open.keys().filter(|id| !waiting.contains_key(*id));
        ledger.lost = whole(gone.count() + self.displaced.len());
        ledger.applied = self.applied_before + whole(self.applied.len()) - offered_again;
        let unsettled = ledger.pending + ledger.conflicted + ledger.quarantined;
        ledger.made = ledger.applied + unsettled + ledger.taken_back + ledger.lost;
        ledger
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Books(Ledgers);

    impl Books {
        /// Three edits, of which the first two were applied at versions 1 and 2.
        fn with_three() -> Self {
            let books = Self(Ledgers::default());
            for id in 1..=3 {
                books.0.made(&home(), EditId(id));
            }
            books.apply(1, 1);
            books.apply(2, 2);
            books
        }

        fn apply(&self, id: u128, version: u64) {
            self.0.logged(&home(), EditId(id), Version(version));
            self.0.settled(&home(), EditId(id), Version(version));
        }

        fn log(&self, id: u128, version: u64) {
            self.0.logged(&home(), EditId(id), Version(version));
        }

        /// Made, applied, pending, lost, doubled.
        fn account(&self, outbox: &[u128]) -> [u64; 5] {
            let outbox = outbox.iter().map(|id| (EditId(*id), Waiting::Pending));
            let ledger = self.0.account(&home(), outbox);
            let accounted = ledger.applied
                + ledger.pending
                + ledger.conflicted
                + ledger.quarantined
                + ledger.taken_back
                + ledger.lost;
            assert_eq!(ledger.made, accounted);
            let is_right = ledger.lost == 0 && ledger.doubled == 0;
            assert_eq!(ledger.adds_up(), is_right);
            let Ledger { made, applied, .. } = ledger;
            [made, applied, ledger.pending, ledger.lost, ledger.doubled]
        }
    }

    fn home() -> BoardId {
        BoardId::new("home").expect("an id")
    }

    #[test]
    fn every_edit_is_applied_or_waits() {
        let books = Books::with_three();
        assert_eq!(books.account(&[3]), [3, 2, 1, 0, 0]);
        books.apply(3, 3);
        // Told again after a reconnect, and what others did in between.
        books.log(3, 3);
        books.log(77, 4);
        assert_eq!(books.account(&[]), [3, 3, 0, 0, 0]);
    }

    #[test]
    fn an_edit_that_is_nowhere_is_lost_until_it_is_found() {
        let books = Books::with_three();
        assert_eq!(books.account(&[]), [3, 2, 0, 1, 0]);
        books.log(3, 9);
        assert_eq!(books.account(&[]), [3, 3, 0, 0, 0]);
    }

    #[test]
    fn an_edit_whose_version_is_anothers_is_lost() {
        let books = Books::with_three();
        books.log(77, 2);
        assert_eq!(books.account(&[3]), [3, 1, 1, 1, 0]);
        // Offered to its author again, it waits like any other.
        assert_eq!(books.account(&[2, 3]), [3, 1, 2, 0, 0]);
        books.0.taken_back(&home(), EditId(2));
        assert_eq!(books.account(&[3]), [3, 1, 1, 0, 0]);
    }

    #[test]
    fn an_edit_that_the_log_has_twice_is_doubled() {
        let books = Books::with_three();
        books.log(1, 5);
        books.log(1, 5);
        assert_eq!(books.account(&[3]), [3, 2, 1, 0, 1]);
    }

    #[test]
    fn what_was_found_waiting_counts_until_another_tab_settles_it() {
        let books = Books::with_three();
        assert_eq!(books.account(&[3, 8, 9]), [5, 2, 3, 0, 0]);
        books.apply(8, 3);
        assert_eq!(books.account(&[3]), [4, 3, 1, 0, 0]);
    }

    #[test]
    fn what_was_never_taken_in_was_never_made() {
        let books = Books::with_three();
        books.0.refused(&home(), EditId(3));
        assert_eq!(books.account(&[]), [2, 2, 0, 0, 0]);
    }

    #[test]
    fn what_was_applied_long_ago_is_only_counted() {
        let books = Books(Ledgers::default());
        let many = RECENT_EDITS_MAX as u64 + 1;
        for number in 1..=many {
            books.0.made(&home(), EditId(number.into()));
            books.apply(number.into(), number);
        }
        assert_eq!(books.account(&[]), [many, many, 0, 0, 0]);
    }
}
