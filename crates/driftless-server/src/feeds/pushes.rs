//! Batches of samples that others push, each taken once.

use std::collections::{BTreeSet, HashMap};

use driftless_feeds::{PushError, Sample, SeriesStore};
use driftless_model::UserId;
use driftless_model::limits::{PUSH_REFUSALS_MAX, PUSHES_KEPT_MAX};
use driftless_protocol::push::Pushed;
use driftless_store::server::KeptPush;
use serde::Serialize;

/// What somebody pushed.
#[derive(Debug)]
pub struct Batch {
    /// Who.
    pub user: UserId,
    /// What they call it; batches without are all different.
    pub id: Option<String>,
    /// What is in it.
    pub samples: Vec<Pushed>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Receipt {
    /// How many samples were taken.
    pub accepted: u64,
    /// Whether it was taken before: then nothing was taken now.
    pub duplicate: bool,
    /// How many were not.
    pub refused: u64,
    /// The first of those, at most [`PUSH_REFUSALS_MAX`].
    pub refusals: Vec<Refusal>,
}

/// A sample that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// Its line, from 1; in JSON its place in the list.
    pub line: u32,
    /// Why, in a word.
    pub reason: &'static str,
    /// Why, and what to do.
    pub detail: String,
}

impl Receipt {
    /// Of a batch that was taken before.
    pub fn again(before: &KeptPush) -> Self {
        Self {
            accepted: before.accepted,
            duplicate: true,
            refused: 0,
            refusals: Vec::new(),
        }
    }
}

impl Refusal {
    fn of(line: u32, error: &PushError) -> Self {
        let reason = match error {
            PushError::Name(_) => "bad_name",
            PushError::NotFinite => "not_finite",
            PushError::TooOld { .. } => "too_old",
            PushError::Ahead { .. } => "ahead",
            PushError::TooManySeries { .. } => "too_many_series",
            PushError::TooManyOfSeries { .. } => "too_many_of_series",
            PushError::TooManySamples { .. } => "too_many_samples",
            _ => "refused",
        };
        Self {
            line,
            reason,
            detail: error.to_string(),
        }
    }
}

impl Batch {
    /// Its samples into memory, one after another.
    pub fn push(&self, store: &mut SeriesStore, now_ms: u64) -> Receipt {
        let mut receipt = Receipt {
            accepted: 0,
            duplicate: false,
            refused: 0,
            refusals: Vec::new(),
        };
        for pushed in &self.samples {
            let sample = Sample {
                time_ms: pushed.time_ms.unwrap_or(now_ms),
                value: pushed.value,
            };
            match store.push(&pushed.name, sample, now_ms) {
                Ok(()) => receipt.accepted += 1,
                Err(error) => {
                    receipt.refused += 1;
                    if receipt.refusals.len() < PUSH_REFUSALS_MAX {
                        receipt.refusals.push(Refusal::of(pushed.line, &error));
                    }
                }
            }
        }
        receipt
    }

    /// Who pushed it and what they call it: others may call theirs the same.
    fn key(&self) -> Option<String> {
        let id = self.id.as_ref()?;
        Some(format!("{}\n{id}", self.user))
    }
}

/// The batches that were taken, the newest [`PUSHES_KEPT_MAX`].
#[derive(Debug, Default)]
pub struct Pushes {
    taken: HashMap<String, KeptPush>,
    by_time: BTreeSet<(u64, String)>,
}

impl Pushes {
    /// Those that were stored.
    pub fn new(stored: Vec<KeptPush>) -> Self {
        let mut pushes = Self::default();
        for push in stored {
            pushes.add(push);
        }
        pushes
    }

    /// The same batch, if it was taken.
    pub fn find(&self, batch: &Batch) -> Option<&KeptPush> {
        self.taken.get(&batch.key()?)
    }

    /// Notes a batch, which is to be stored.
    pub fn note(&mut self, batch: &Batch, accepted: u64, now_ms: u64) -> Option<KeptPush> {
        let push = KeptPush {
            id: batch.key()?,
            time_ms: now_ms,
            accepted,
        };
        self.add(push.clone());
        Some(push)
    }

    fn add(&mut self, push: KeptPush) {
        self.by_time.insert((push.time_ms, push.id.clone()));
        self.taken.insert(push.id.clone(), push);
        if self.by_time.len() > PUSHES_KEPT_MAX
            && let Some((_, id)) = self.by_time.pop_first()
        {
            self.taken.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use driftless_feeds::Bounds;
    use driftless_protocol::SeriesName;

    use super::*;

    fn batch(user: &str, id: &str, values: &[f64]) -> Batch {
        let pushed = (1..).zip(values).map(|(line, value)| Pushed {
            line,
            name: SeriesName {
                name: "a".to_owned(),
                labels: [].into(),
            },
            time_ms: Some(1_000 + u64::from(line)),
            value: *value,
        });
        Batch {
            user: UserId::new(user).expect("a user"),
            id: Some(id.to_owned()),
            samples: pushed.collect(),
        }
    }

    #[test]
    fn a_refused_sample_is_named_by_its_line_and_costs_no_other_and_not_all_are_named() {
        let mut store = SeriesStore::new(Bounds::default());
        let receipt = batch("Ann", "1", &[1.0, f64::NAN, 2.0]).push(&mut store, 1_000);
        assert_eq!(receipt.accepted, 2);
        let [refusal] = receipt.refusals.as_slice() else {
            panic!("one is refused: {receipt:?}");
        };
        assert_eq!((refusal.line, refusal.reason), (2, "not_finite"));
        let many = batch("Ann", "2", &[f64::NAN; PUSH_REFUSALS_MAX + 1]);
        let receipt = many.push(&mut store, 1_000);
        assert_eq!(receipt.refusals.len(), PUSH_REFUSALS_MAX);
        assert_eq!(receipt.refused, PUSH_REFUSALS_MAX as u64 + 1);
    }

    #[test]
    fn a_batch_is_known_by_user_and_id_until_many_others_came() {
        let mut pushes = Pushes::default();
        assert!(pushes.note(&batch("Ann", "1", &[]), 3, 1).is_some());
        assert_eq!(
            pushes.find(&batch("Ann", "1", &[])).map(|it| it.accepted),
            Some(3)
        );
        assert!(pushes.find(&batch("Bo", "1", &[])).is_none());
        assert!(pushes.find(&batch("Ann", "2", &[])).is_none());
        for number in 1..PUSHES_KEPT_MAX {
            pushes.note(&batch("Bo", &number.to_string(), &[]), 0, 2);
        }
        assert!(pushes.find(&batch("Ann", "1", &[])).is_some());
        pushes.note(&batch("Bo", "more", &[]), 0, 2);
        assert!(pushes.find(&batch("Ann", "1", &[])).is_none());
        let mut nameless = batch("Ann", "", &[]);
        nameless.id = None;
        assert!(pushes.note(&nameless, 0, 3).is_none());
    }
}
