//! The feeds: samples, and who watches what.

use std::collections::BTreeMap;

use driftless_feeds::{Bounds, Evaluator, Mark, PushError, Sample, SeriesStore};
use driftless_protocol::{Query, SeriesName, ServerMessage};

use super::feed_error;

/// Samples and open feeds. Few and small in a test: each is evaluated for itself.
#[derive(Debug)]
pub struct Feeds {
    samples: SeriesStore,
    open: BTreeMap<(u64, u32), Watched>,
}

#[derive(Debug)]
struct Watched {
    evaluator: Evaluator,
    mark: Mark,
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            samples: SeriesStore::new(Bounds::default()),
            open: BTreeMap::new(),
        }
    }
}

impl Feeds {
    /// Takes a sample.
    pub fn push(&mut self, name: &SeriesName, value: f64, now_ms: u64) -> Result<(), PushError> {
        let sample = Sample {
            time_ms: now_ms,
            value,
        };
        self.samples.push(name, sample, now_ms)
    }

    /// Opens a feed of a connection; answers what it shows first.
    pub fn open(
        &mut self,
        number: u64,
        feed: u32,
        query: Query,
        now_ms: u64,
    ) -> Vec<ServerMessage> {
        let mut evaluator = match Evaluator::new(query) {
            Ok(evaluator) => evaluator,
            Err(error) => return vec![feed_error(feed, error.to_string())],
        };
        evaluator.advance(&self.samples, now_ms);
        let mut watched = Watched {
            evaluator,
            mark: Mark::default(),
        };
        let first = watched.news(feed);
        self.open.insert((number, feed), watched);
        first.into_iter().collect()
    }

    /// Closes a feed of a connection.
    pub fn close(&mut self, number: u64, feed: u32) {
        self.open.remove(&(number, feed));
    }

    /// A connection is gone.
    pub fn forget(&mut self, number: u64) {
        self.open.retain(|(owner, _), _| *owner != number);
    }

    /// What is new in every feed, with its connection.
    pub fn evaluate(&mut self, now_ms: u64) -> Vec<(u64, ServerMessage)> {
        self.samples.settle(now_ms);
        let samples = &self.samples;
        let news = self
            .open
            .iter_mut()
            .filter_map(|((number, feed), watched)| {
                watched.evaluator.advance(samples, now_ms);
                Some((*number, watched.news(*feed)?))
            });
        let news = news.collect();
        self.samples.release(now_ms);
        news
    }
}

impl Watched {
    fn news(&mut self, feed: u32) -> Option<ServerMessage> {
        let answer = self.evaluator.since(self.mark)?;
        self.mark = answer.mark;
        Some(ServerMessage::Feed(answer.frame(feed)))
    }
}
