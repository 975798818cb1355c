//! One second of a page's performance, gathered and counted: pure.

use std::collections::VecDeque;

use driftless_client::Receipt;

/// The most frames of which the times are kept: more than a second of any screen.
const FRAMES_MAX: usize = 512;

/// The value below which 50, 95 and 99 of 100 lie, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percentiles {
    /// Half of them took at most this long.
    pub p50_ms: u64,
    /// 95 of 100 did.
    pub p95_ms: u64,
    /// 99 of 100 did.
    pub p99_ms: u64,
    /// How many there were.
    pub count: usize,
}

impl Percentiles {
    /// Of these; `None` where there are none. By the nearest rank, so that each is a time that was
    /// measured.
    pub fn of(mut spans_ms: Vec<u64>) -> Option<Self> {
        if spans_ms.is_empty() {
            return None;
        }
        spans_ms.sort_unstable();
        let count = spans_ms.len();
        let at = |percent: usize| spans_ms[(count * percent).div_ceil(100).max(1) - 1];
        Some(Self {
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            count,
        })
    }

    /// Of the latest edits, from being sent to the server's word that they are committed.
    pub(super) fn of_commits(receipts: &[Receipt]) -> Option<Self> {
        let span = |receipt: &Receipt| Some(receipt.committed_ms?.saturating_sub(receipt.sent_ms?));
        Self::of(receipts.iter().filter_map(span).collect())
    }
}

/// How a page performs, over the last second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PerformanceSample {
    /// Frames that the browser drew; absent before the first second is over, and while the page is
    /// hidden.
    pub frames_per_second: Option<usize>,
    /// The longest time between two of them, in milliseconds.
    pub frame_ms_max: Option<u64>,
    /// The last round trip to the server, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Of the latest edits of this device, from being sent to being committed.
    pub commits: Option<Percentiles>,
    /// How long what changed took to be published last, in milliseconds.
    pub flush_ms: u64,
    /// The longest time that it took, in milliseconds.
    pub flush_ms_max: u64,
    /// Edits that wait to be sealed.
    pub queued: usize,
    /// Edits on their way.
    pub sealed: usize,
    /// Edits that wait for a person.
    pub set_aside: usize,
    /// Open feeds.
    pub feeds: usize,
    /// Samples that newer ones replaced before anybody saw them, of the open feeds.
    pub dropped_samples: u64,
    /// The memory of WebAssembly, in bytes; it only grows.
    pub wasm_bytes: Option<u64>,
    /// The memory that JavaScript uses, in bytes, where the browser tells.
    pub heap_bytes: Option<u64>,
}

/// The frames of the last second.
#[derive(Debug, Default)]
pub(super) struct Frames(VecDeque<u64>);

impl Frames {
    /// One more was drawn, at a time in milliseconds.
    pub(super) fn drawn(&mut self, at_ms: u64) {
        if self.0.len() >= FRAMES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(at_ms);
    }

    /// How many there were in the second before a time, and the longest time between two of them.
    pub(super) fn last_second(&mut self, now_ms: u64) -> Option<(usize, u64)> {
        let since_ms = now_ms.saturating_sub(1000);
        while self.0.len() > 1 && self.0.get(1).is_some_and(|next| *next <= since_ms) {
            self.0.pop_front();
        }
        let gaps = self.0.iter().zip(self.0.iter().skip(1));
        let longest = gaps.map(|(before, after)| after - before).max()?;
        Some((self.0.len() - 1, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        assert_eq!(Percentiles::of(Vec::new()), None);
        let told = |spans: Vec<u64>| {
            let all = Percentiles::of(spans).expect("some");
            (all.p50_ms, all.p95_ms, all.p99_ms, all.count)
        };
        assert_eq!(told(vec![7]), (7, 7, 7, 1));
        assert_eq!(told((1..=100).rev().collect()), (50, 95, 99, 100));
        assert_eq!(told(vec![1, 2, 3, 1000]), (2, 1000, 1000, 4));
    }

    #[test]
    fn frames_of_the_last_second_are_counted_and_the_longest_gap_told() {
        let mut frames = Frames::default();
        assert_eq!(frames.last_second(0), None);
        for frame in 0..=120 {
            frames.drawn(frame * 16);
        }
        assert_eq!(frames.last_second(1920), Some((63, 16)));
        frames.drawn(2220);
        assert_eq!(
            frames.last_second(2220).map(|(_, longest)| longest),
            Some(300)
        );
    }

    #[test]
    fn no_more_frames_are_kept_than_the_bound() {
        let mut frames = Frames::default();
        for at_ms in 0..=FRAMES_MAX as u64 {
            frames.drawn(at_ms);
        }
        assert_eq!(frames.0.len(), FRAMES_MAX);
        assert_eq!(frames.0.front(), Some(&1));
    }
}
