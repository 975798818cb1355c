//! What changed, gathered until it is shown: own changes at once, remote ones at most once a frame,
//! each record once however often it changed. Feed frames wait with them; only they may be dropped.

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::{BoardId, RecordId};
use driftless_protocol::FeedFrame;

/// Most frames of one feed that wait for a flush; past it the feed is asked for again.
const FRAMES_MAX: usize = 64;

/// Gathers what changed until the next flush.
#[derive(Debug, Default)]
pub struct UpdateProcessor {
    records: BTreeMap<BoardId, BTreeSet<RecordId>>,
    outboxes: BTreeSet<BoardId>,
    feeds: BTreeMap<u32, Vec<FeedFrame>>,
    flushed_at_ms: u64,
    is_urgent: bool,
    dropped_frames: u64,
}

/// What a flush shows.
#[derive(Debug, Default)]
pub struct Flush {
    /// The records to fold again, by board.
    pub records: BTreeMap<BoardId, BTreeSet<RecordId>>,
    /// The boards whose outbox changed.
    pub outboxes: BTreeSet<BoardId>,
    /// Feed frames, in order of arrival per feed.
    pub feeds: Vec<FeedFrame>,
}

impl UpdateProcessor {
    /// Records changed by somebody else: shown with the next frame. A board without records is
    /// noted too: its version changed.
    pub fn remote(&mut self, board: &BoardId, records: impl IntoIterator<Item = RecordId>) {
        self.records
            .entry(board.clone())
            .or_default()
            .extend(records);
    }

    /// Records and outbox changed by the person: shown at once.
    pub fn local(&mut self, board: &BoardId, records: impl IntoIterator<Item = RecordId>) {
        self.remote(board, records);
        self.outboxes.insert(board.clone());
        self.is_urgent = true;
    }

    /// The outbox changed, for instance since an entry is durable now.
    pub fn outbox(&mut self, board: &BoardId) {
        self.outboxes.insert(board.clone());
    }

    /// Samples came. Answers false where too many wait: the feed has to be asked for again.
    pub fn feed(&mut self, frame: FeedFrame) -> bool {
        let frames = self.feeds.entry(frame.feed).or_default();
        if frame.full {
            self.dropped_frames += frames.len() as u64;
            frames.clear();
        }
        if frames.len() >= FRAMES_MAX {
            self.dropped_frames += frames.len() as u64;
            frames.clear();
            return false;
        }
        frames.push(frame);
        true
    }

    /// How many feed frames were never shown.
    pub fn dropped_frames(&self) -> u64 {
        self.dropped_frames
    }

    /// When the next flush is due, if anything waits.
    pub fn due_at_ms(&self, interval_ms: u64) -> Option<u64> {
        let is_empty = self.records.is_empty() && self.outboxes.is_empty() && self.feeds.is_empty();
        match (is_empty, self.is_urgent) {
            (true, _) => None,
            (false, true) => Some(0),
            (false, false) => Some(self.flushed_at_ms + interval_ms),
        }
    }

    /// Everything that waits.
    pub fn flush(&mut self, now_ms: u64) -> Flush {
        self.flushed_at_ms = now_ms;
        self.is_urgent = false;
        Flush {
            records: std::mem::take(&mut self.records),
            outboxes: std::mem::take(&mut self.outboxes),
            feeds: std::mem::take(&mut self.feeds)
                .into_values()
                .flatten()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftless_protocol::Packed;

    fn board() -> BoardId {
        BoardId::new("home").expect("an id")
    }

    fn frame(full: bool) -> FeedFrame {
        let points = Packed::default();
        FeedFrame {
            feed: 1,
            full,
            now_ms: 0,
            step_s: 1,
            series: vec![],
            points,
        }
    }

    #[test]
    fn remote_changes_wait_for_the_frame_and_own_ones_do_not() {
        let mut processor = UpdateProcessor::default();
        processor.flush(100);
        processor.remote(&board(), []);
        assert_eq!(processor.due_at_ms(16), Some(116));
        processor.local(&board(), []);
        assert_eq!(processor.due_at_ms(16), Some(0));
        processor.flush(101);
        assert_eq!(processor.due_at_ms(16), None);
    }

    #[test]
    fn a_full_frame_makes_those_before_it_needless() {
        let mut processor = UpdateProcessor::default();
        assert!(processor.feed(frame(false)) && processor.feed(frame(true)));
        assert_eq!(processor.flush(0).feeds, vec![frame(true)]);
        assert_eq!(processor.dropped_frames(), 1);
    }

    #[test]
    fn frames_that_nobody_takes_are_bounded_and_counted() {
        let mut processor = UpdateProcessor::default();
        assert!((0..FRAMES_MAX).all(|_| processor.feed(frame(false))));
        assert!(!processor.feed(frame(false)));
        assert_eq!(processor.dropped_frames(), FRAMES_MAX as u64);
    }
}
