//! How much attention the application pays to what changes: whether it is on screen, and at which
//! pace it wants to be told.

use driftless_model::{BoardId, RecordId, SortedMap, limits};

/// What can be paid attention to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// A record.
    Record {
        /// Its board.
        board: BoardId,
        /// Which.
        record: RecordId,
    },
    /// A feed, by the caller's number.
    Feed(u32),
}

/// How often a subject is shown. What the person changes or has to decide is shown at once,
/// whatever the pace. Times are in milliseconds, at most [`limits::PACE_MS_MAX`]; longer ones count
/// as that.
///
/// ```
/// use driftless_sync::replica::Pace;
///
/// assert_eq!(Pace::default(), Pace::EveryFlush);
/// // A number that nobody can read faster.
/// let twice_a_second = Pace::Throttle { interval_ms: 500 };
/// // What is searched for: once the person pauses, and every second if they never do.
/// let settled = Pace::Debounce { quiet_ms: 200, most_ms: 1_000 };
/// assert_ne!(twice_a_second, settled);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pace {
    /// With every flush.
    #[default]
    EveryFlush,
    /// At most once in a time: the first change with the next flush, the last one at the end of it.
    Throttle {
        /// The time.
        interval_ms: u64,
    },
    /// When nothing has changed for a while.
    Debounce {
        /// For how long.
        quiet_ms: u64,
        /// The longest wait since the first change that is not shown.
        most_ms: u64,
    },
}

/// The attention that a subject gets.
///
/// ```
/// use driftless_sync::replica::{Attention, Pace};
///
/// let pace = Pace::Throttle { interval_ms: 500 };
/// let calm = Attention { pace, ..Attention::default() };
/// assert!(calm.is_visible);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    /// Whether it is on screen.
    pub is_visible: bool,
    /// How often it is shown.
    pub pace: Pace,
}

impl Default for Attention {
    /// On screen, with every flush.
    fn default() -> Self {
        Self {
            is_visible: true,
            pace: Pace::EveryFlush,
        }
    }
}

/// Since when something waits to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) since_ms: u64,
    pub(super) changed_ms: u64,
}

impl Waiting {
    pub(super) fn at(now_ms: u64) -> Self {
        Self {
            since_ms: now_ms,
            changed_ms: now_ms,
        }
    }
}

/// An attention, and when its subject was shown last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attended {
    pub(super) attention: Attention,
    shown_ms: Option<u64>,
}

impl Attended {
    /// When what waits may be shown, apart from frames.
    pub(super) fn due_ms(&self, waiting: Waiting, unseen_ms: u64) -> u64 {
        let seen = if self.attention.is_visible {
            0
        } else {
            waiting.since_ms.saturating_add(unseen_ms)
        };
        let bounded = |ms: u64| ms.min(limits::PACE_MS_MAX);
        let paced = match self.attention.pace {
            Pace::EveryFlush => 0,
            Pace::Throttle { interval_ms } => {
                let shown = self.shown_ms;
                shown.map_or(0, |shown| shown.saturating_add(bounded(interval_ms)))
            }
            Pace::Debounce { quiet_ms, most_ms } => {
                let quiet = waiting.changed_ms.saturating_add(bounded(quiet_ms));
                quiet.min(waiting.since_ms.saturating_add(bounded(most_ms)))
            }
        };
        seen.max(paced)
    }
}

/// Every attention that is not the default one.
#[derive(Debug, Default)]
pub(super) struct Attentions {
    records: SortedMap<BoardId, SortedMap<RecordId, Attended>>,
    feeds: SortedMap<u32, Attended>,
    count: usize,
}

impl Attentions {
    /// That of a record, where it is not the default one.
    pub(super) fn record(&self, board: &BoardId, record: &RecordId) -> Option<&Attended> {
        self.records.get(board)?.get(record)
    }

    /// That of a feed.
    pub(super) fn feed(&self, feed: u32) -> Option<&Attended> {
        self.feeds.get(&feed)
    }

    /// Pays attention; answers the attention before. Past the limit nothing is remembered: the
    /// subject is shown with every flush.
    pub(super) fn pay(&mut self, subject: &Subject, attention: Attention) -> Attention {
        let is_new = attention != Attention::default();
        let has_room = self.count < limits::ATTENTIONS_MAX;
        let before = match subject {
            Subject::Feed(feed) => put(&mut self.feeds, feed, attention, has_room),
            Subject::Record { board, record } if is_new => {
                let records = self.records.entry(board.clone()).or_default();
                put(records, record, attention, has_room)
            }
            Subject::Record { board, record } => {
                let records = self.records.get_mut(board);
                records.and_then(|records| put(records, record, attention, has_room))
            }
        };
        let is_kept = is_new && (has_room || before.is_some());
        self.count = self.count + usize::from(is_kept) - usize::from(before.is_some());
        before.unwrap_or_default()
    }

    /// Pays no attention to a board's records any more.
    pub(super) fn forget_board(&mut self, board: &BoardId) {
        let records = self.records.remove(board);
        self.count -= records.map_or(0, |records| records.len());
    }

    /// Notes that a record was shown.
    pub(super) fn shown_record(&mut self, board: &BoardId, record: &RecordId, now_ms: u64) {
        let records = self.records.get_mut(board);
        if let Some(attended) = records.and_then(|records| records.get_mut(record)) {
            attended.shown_ms = Some(now_ms);
        }
    }

    /// Notes that a feed was shown.
    pub(super) fn shown_feed(&mut self, feed: u32, now_ms: u64) {
        if let Some(attended) = self.feeds.get_mut(&feed) {
            attended.shown_ms = Some(now_ms);
        }
    }
}

/// Puts an attention in, or takes the default one out; answers what was there.
fn put<K: Ord + Clone>(
    all: &mut SortedMap<K, Attended>,
    key: &K,
    attention: Attention,
    has_room: bool,
) -> Option<Attention> {
    if attention == Attention::default() {
        return all.remove(key).map(|before| before.attention);
    }
    if let Some(attended) = all.get_mut(key) {
        return Some(std::mem::replace(&mut attended.attention, attention));
    }
    if has_room {
        let shown_ms = None;
        all.insert(
            key.clone(),
            Attended {
                attention,
                shown_ms,
            },
        );
    }
    None
}
