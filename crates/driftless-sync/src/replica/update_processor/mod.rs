//! What changed, gathered until it is shown: each record once however often it changed, each feed
//! as one frame. Own changes and what a person has to decide come at once, what is on screen at
//! most once a frame, the rest when there is time; each subject at its pace.
//!
//! Nothing but feed samples is ever dropped, and those are counted. What is on screen and has no
//! pace of its own is flushed together, so that no half of an edit is seen. What is held back
//! longer is told with each flush: its view, and with it what a person has seen of it, stays older
//! than the rest.

mod attention;
mod waiting_feed;

use driftless_model::sorted::sort_by_key;
use driftless_model::{BoardId, RecordId, SortedMap, SortedSet};
use driftless_protocol::FeedFrame;

pub use attention::{Attention, Pace, Subject};

use attention::{Attended, Attentions, Waiting};
use waiting_feed::{WaitingFeed, samples};

/// How often flushes come, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// Between two flushes of what others change.
    pub frame_ms: u64,
    /// How long what is not on screen may wait.
    pub unseen_ms: u64,
    /// Between two showings of a feed without a pace of its own; 0: every flush.
    pub feed_ms: u64,
}

/// Gathers what changed until the next flush.
#[derive(Debug, Default)]
pub struct UpdateProcessor {
    boards: SortedMap<BoardId, Changed>,
    outboxes: SortedSet<BoardId>,
    feeds: SortedMap<u32, WaitingFeed>,
    /// When feeds without a pace of their own were shown last.
    feeds_shown: SortedMap<u32, u64>,
    attentions: Attentions,
    flushed_at_ms: u64,
    is_urgent: bool,
    dropped: SortedMap<u32, u64>,
    dropped_total: u64,
}

/// What changed on a board.
#[derive(Debug, Default)]
struct Changed {
    /// Something that is no record: the version, the board itself.
    is_noted: bool,
    /// Own changes, and what a person has to decide.
    first: SortedSet<RecordId>,
    /// For the next frame.
    frame: SortedSet<RecordId>,
    /// Not on screen, or with a pace of its own.
    slow: SortedMap<RecordId, Waiting>,
}

/// What a flush shows.
#[derive(Debug, Default)]
pub struct Flush {
    /// What is shown of each board.
    pub boards: SortedMap<BoardId, BoardFlush>,
    /// The boards whose outbox changed.
    pub outboxes: SortedSet<BoardId>,
    /// One frame a feed, those on screen first.
    pub feeds: Vec<FeedFrame>,
}

/// What a flush shows of a board.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BoardFlush {
    /// The records to fold again, in the order of their importance.
    pub records: Vec<RecordId>,
    /// The records that changed and stay as they are shown for now.
    pub held: SortedSet<RecordId>,
}

impl UpdateProcessor {
    /// Records changed by somebody else. A board without records is noted too: its version changed.
    pub fn remote(
        &mut self,
        board: &BoardId,
        records: impl IntoIterator<Item = RecordId>,
        now_ms: u64,
    ) {
        let changed = self.boards.entry(board.clone()).or_default();
        let mut records = records.into_iter().peekable();
        changed.is_noted |= records.peek().is_none();
        for record in records {
            if changed.first.contains(&record) || changed.frame.contains(&record) {
                continue;
            }
            if self.attentions.record(board, &record).is_none() {
                changed.frame.insert(record);
            } else {
                let waiting = changed.slow.entry(record).or_insert(Waiting::at(now_ms));
                waiting.changed_ms = now_ms;
            }
        }
    }

    /// Records and outbox changed by the person: shown at once.
    pub fn local(&mut self, board: &BoardId, records: SortedSet<RecordId>) {
        self.first(board, records);
        self.outboxes.insert(board.clone());
        self.is_urgent = true;
    }

    /// Others changed what a person has to decide on: shown with the next frame, whatever the pace,
    /// together with the decision.
    pub fn undecided(&mut self, board: &BoardId, records: SortedSet<RecordId>) {
        self.first(board, records);
        self.outboxes.insert(board.clone());
    }

    fn first(&mut self, board: &BoardId, records: SortedSet<RecordId>) {
        let changed = self.boards.entry(board.clone()).or_default();
        changed.is_noted = true;
        for record in records {
            changed.slow.remove(&record);
            changed.frame.remove(&record);
            changed.first.insert(record);
        }
    }

    /// A resume came, which is shown whole: nothing of the board is held any longer.
    pub fn whole(&mut self, board: &BoardId) {
        if let Some(changed) = self.boards.get_mut(board) {
            let held = std::mem::take(&mut changed.slow);
            changed.frame.extend(held.into_keys());
        }
    }

    /// The outbox changed, for instance since an entry is durable now.
    pub fn outbox(&mut self, board: &BoardId) {
        self.outboxes.insert(board.clone());
    }

    /// Pays attention to a subject from now on. What comes on screen, or has no pace any more, is
    /// shown at once, so that it is never older than what is beside it.
    pub fn attend(&mut self, subject: &Subject, attention: Attention) {
        let before = self.attentions.pay(subject, attention);
        let is_back = attention.is_visible && !before.is_visible;
        let is_released = self.attention(subject).is_none();
        match subject {
            Subject::Record { board, record } if is_back || is_released => {
                if let Some(changed) = self.boards.get_mut(board) {
                    if changed.slow.remove(record).is_some() {
                        changed.frame.insert(record.clone());
                    }
                    self.is_urgent |= changed.frame.contains(record);
                }
            }
            Subject::Feed(feed) if is_back => self.is_urgent |= self.feeds.contains_key(feed),
            _ => {}
        }
    }

    fn attention(&self, subject: &Subject) -> Option<&Attended> {
        match subject {
            Subject::Record { board, record } => self.attentions.record(board, record),
            Subject::Feed(feed) => self.attentions.feed(*feed),
        }
    }

    /// The board is not followed any more: what is on screen of it does not matter.
    pub fn unfollow(&mut self, board: &BoardId) {
        self.attentions.forget_board(board);
        self.whole(board);
    }

    /// Samples came. Answers false where they do not go with those that wait, or too many do: the
    /// feed has to be asked for again.
    pub fn feed(&mut self, frame: FeedFrame, now_ms: u64) -> bool {
        let feed = frame.feed;
        if frame.full {
            let needless = self.feeds.remove(&feed);
            let mut next = WaitingFeed::new(frame, now_ms);
            if let Some(needless) = needless {
                next.waiting.since_ms = needless.waiting.since_ms;
                self.drop_samples(feed, needless.samples());
            }
            self.feeds.insert(feed, next);
            return true;
        }
        let Some(waiting) = self.feeds.get_mut(&feed) else {
            self.feeds.insert(feed, WaitingFeed::new(frame, now_ms));
            return true;
        };
        let newest = samples(&frame);
        let fits = waiting.add(frame, now_ms).is_ok();
        if !fits && let Some(waiting) = self.feeds.remove(&feed) {
            self.drop_samples(feed, waiting.samples() + newest);
        }
        fits
    }

    fn drop_samples(&mut self, feed: u32, count: u64) {
        *self.dropped.entry(feed).or_default() += count;
        self.dropped_total += count;
    }

    /// The feed is closed, or asked for anew: what waits of it belongs to nobody.
    pub fn forget_feed(&mut self, feed: u32) {
        if let Some(waiting) = self.feeds.remove(&feed) {
            self.drop_samples(feed, waiting.samples());
        }
    }

    /// The feed is closed: nothing about it matters any more.
    pub fn close_feed(&mut self, feed: u32) {
        self.forget_feed(feed);
        self.feeds_shown.remove(&feed);
        self.dropped.remove(&feed);
        self.attentions
            .pay(&Subject::Feed(feed), Attention::default());
    }

    /// How many samples of all feeds were never shown, since a full frame replaced them or too many
    /// waited.
    pub fn dropped_samples(&self) -> u64 {
        self.dropped_total
    }

    /// How many of them were an open feed's.
    pub fn dropped_samples_of(&self, feed: u32) -> u64 {
        self.dropped.get(&feed).copied().unwrap_or_default()
    }

    /// Whether anything of a board waits for a flush.
    pub fn is_waiting(&self, board: &BoardId) -> bool {
        self.boards.contains_key(board)
    }

    /// How many records wait for a flush.
    pub fn waiting_records(&self) -> usize {
        let changed = self.boards.values();
        let counts = changed.map(|own| own.first.len() + own.frame.len() + own.slow.len());
        counts.sum()
    }

    /// How many packed bytes of a feed wait beside the frame that came first.
    pub fn waiting_bytes(&self, feed: u32) -> usize {
        self.feeds.get(&feed).map_or(0, WaitingFeed::later_bytes)
    }

    /// When the next flush is due, if anything waits.
    pub fn due_at_ms(&self, cadence: Cadence) -> Option<u64> {
        if self.is_urgent {
            return Some(0);
        }
        let frame_ms = self.flushed_at_ms.saturating_add(cadence.frame_ms);
        if !self.outboxes.is_empty() || self.boards.values().any(Changed::is_due) {
            return Some(frame_ms);
        }
        let records = self.boards.iter().flat_map(|(board, changed)| {
            let slow = changed.slow.iter();
            slow.map(|(record, waiting)| self.record_due_ms(board, record, *waiting, cadence))
        });
        let feeds = self.feeds.iter();
        let feeds = feeds.map(|(feed, waiting)| self.feed_due_ms(*feed, waiting, cadence));
        let due = records.chain(feeds).min()?;
        Some(due.max(frame_ms))
    }

    fn record_due_ms(
        &self,
        board: &BoardId,
        record: &RecordId,
        waiting: Waiting,
        cadence: Cadence,
    ) -> u64 {
        let attended = self.attentions.record(board, record);
        attended.map_or(0, |attended| attended.due_ms(waiting, cadence.unseen_ms))
    }

    fn feed_due_ms(&self, feed: u32, waiting: &WaitingFeed, cadence: Cadence) -> u64 {
        let attended = self.attentions.feed(feed);
        let due = attended.map_or(0, |own| own.due_ms(waiting.waiting, cadence.unseen_ms));
        let has_pace = attended.is_some_and(|own| own.attention.pace != Pace::EveryFlush);
        match self.feeds_shown.get(&feed) {
            Some(shown) if !has_pace => due.max(shown.saturating_add(cadence.feed_ms)),
            _ => due,
        }
    }

    /// Everything that is due.
    pub fn flush(&mut self, now_ms: u64, cadence: Cadence) -> Flush {
        let boards = self.flush_boards(now_ms, cadence);
        let feeds = self.flush_feeds(now_ms, cadence);
        self.flushed_at_ms = now_ms;
        self.is_urgent = false;
        Flush {
            boards,
            outboxes: std::mem::take(&mut self.outboxes),
            feeds,
        }
    }

    fn flush_boards(&mut self, now_ms: u64, cadence: Cadence) -> SortedMap<BoardId, BoardFlush> {
        let mut flushes = SortedMap::new();
        for (board, mut changed) in std::mem::take(&mut self.boards) {
            let is_due = |record: &RecordId, waiting: &Waiting| {
                self.record_due_ms(&board, record, *waiting, cadence) <= now_ms
            };
            let slow = changed.slow.iter();
            let due = slow.filter(|(record, waiting)| is_due(record, waiting));
            let mut due: Vec<RecordId> = due.map(|(record, _)| record.clone()).collect();
            if !changed.is_due() && due.is_empty() {
                self.boards.insert(board, changed);
                continue;
            }
            sort_by_key(&mut due, |record| {
                let attended = self.attentions.record(&board, record);
                attended.is_some_and(|attended| !attended.attention.is_visible)
            });
            for record in &due {
                changed.slow.remove(record);
            }
            let mut records: Vec<RecordId> = changed.first.into_iter().collect();
            records.extend(changed.frame);
            records.extend(due);
            for record in &records {
                self.attentions.shown_record(&board, record, now_ms);
            }
            let held = changed.slow.keys().cloned().collect();
            flushes.insert(board.clone(), BoardFlush { records, held });
            if !changed.slow.is_empty() {
                let slow = changed.slow;
                let changed = Changed {
                    slow,
                    ..Changed::default()
                };
                self.boards.insert(board, changed);
            }
        }
        flushes
    }

    fn flush_feeds(&mut self, now_ms: u64, cadence: Cadence) -> Vec<FeedFrame> {
        let is_seen = |feed: u32| {
            let attended = self.attentions.feed(feed);
            attended.is_none_or(|attended| attended.attention.is_visible)
        };
        let waiting = self.feeds.iter();
        let due = waiting.filter(|(feed, own)| self.feed_due_ms(**feed, own, cadence) <= now_ms);
        let mut due: Vec<u32> = due.map(|(feed, _)| *feed).collect();
        sort_by_key(&mut due, |feed| !is_seen(*feed));
        let mut frames = Vec::with_capacity(due.len());
        for feed in due {
            self.attentions.shown_feed(feed, now_ms);
            self.feeds_shown.insert(feed, now_ms);
            frames.extend(self.feeds.remove(&feed).map(WaitingFeed::into_frame));
        }
        frames
    }
}

impl Changed {
    /// Whether anything of it belongs into the next frame.
    fn is_due(&self) -> bool {
        self.is_noted || !self.first.is_empty() || !self.frame.is_empty()
    }
}

#[cfg(test)]
mod tests;
