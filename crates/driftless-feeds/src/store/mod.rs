//! The samples that the server holds, bounded in every direction.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use driftless_model::limits::{
    SAMPLE_AHEAD_MS_MAX, SAMPLE_LATE_MS_MAX, SAMPLES_MAX, SAMPLES_PER_SERIES_MAX, SERIES_MAX,
};
use driftless_protocol::samples::{HOUR_MS, MINUTE_MS};
use driftless_protocol::{Sample, SeriesName};

use crate::name::{self, NameError};
use crate::rollup::{Settled, SettledSeries};
use crate::series::{Put, Series};

/// How much a [`SeriesStore`] holds. A sample takes 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How late a sample may come, in milliseconds.
    pub late_ms: u64,
    /// What is older is settled a span of this at a time, in milliseconds: whole hours, so that
    /// every rollup is made once.
    pub settle_ms: u64,
    /// Most samples of one series. At least 1.
    pub samples_per_series_max: usize,
    /// Most samples of all series.
    pub samples_max: usize,
    /// Most series.
    pub series_max: usize,
}

impl Default for Bounds {
    /// What `driftless_model::limits` says.
    fn default() -> Self {
        Self {
            late_ms: SAMPLE_LATE_MS_MAX,
            settle_ms: HOUR_MS,
            samples_per_series_max: SAMPLES_PER_SERIES_MAX,
            samples_max: SAMPLES_MAX,
            series_max: SERIES_MAX,
        }
    }
}

/// Why a sample is not taken. All of them are the sender's to mend.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The series may not be called that.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not a number that can be shown.
    #[error("a sample's value is a finite number; leave the sample out where there is none")]
    NotFinite,
    /// Later than samples may come.
    #[error(
        "the sample of {time_ms} ms comes too late: what lies before {oldest_ms} ms is settled; \
         send samples within an hour"
    )]
    TooOld {
        /// The sample's time, in milliseconds since 1970.
        time_ms: u64,
        /// The oldest time that would be taken, in milliseconds since 1970.
        oldest_ms: u64,
    },
    /// Further ahead than [`SAMPLE_AHEAD_MS_MAX`].
    #[error(
        "the sample of {time_ms} ms is more than five minutes ahead of the server's {now_ms} ms; \
         set the sender's clock, or send milliseconds since 1970"
    )]
    Ahead {
        /// The sample's time, in milliseconds since 1970.
        time_ms: u64,
        /// The server's time, in milliseconds since 1970.
        now_ms: u64,
    },
    /// A new series where there is room for none.
    #[error(
        "there are {series_max} series already; use fewer distinct labels, or wait until unused \
         series are dropped"
    )]
    TooManySeries {
        /// The bound.
        series_max: usize,
    },
    /// More samples of a series than are held.
    #[error(
        "the series has {samples_max} samples that are not settled yet; send fewer a second, or \
         take them together before"
    )]
    TooManyOfSeries {
        /// The bound.
        samples_max: usize,
    },
    /// More samples than are held.
    #[error(
        "there are {samples_max} samples that are not settled yet; send fewer a second, or try \
         again in an hour"
    )]
    TooManySamples {
        /// The bound.
        samples_max: usize,
    },
}

/// A series within its store. Ascends with the order of first samples, and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SeriesId(u64);

/// The samples of one minute of a series, some of which are not stored yet.
#[derive(Debug, Clone, PartialEq)]
pub struct DirtyMinute {
    /// Which series.
    pub id: SeriesId,
    /// What it is called.
    pub name: Arc<SeriesName>,
    /// When the minute begins, in milliseconds since 1970.
    pub start_ms: u64,
    /// All of its samples, in order of time.
    pub samples: Vec<Sample>,
}

/// Every series of a server.
///
/// The rules of time: a sample may come late by as much as [`Bounds::late_ms`], in any order, and
/// is put where it belongs; one of the same time as another replaces it; one that is later, or
/// further ahead than [`SAMPLE_AHEAD_MS_MAX`], is refused. What no sample can change any more is
/// *settled*, by the hour ([`Self::settle`]), and forgotten once whoever needs it has it
/// ([`Self::release`]).
#[derive(Debug, Clone)]
pub struct SeriesStore {
    bounds: Bounds,
    series: BTreeMap<SeriesId, Series>,
    ids: HashMap<Arc<SeriesName>, SeriesId>,
    newest: SeriesId,
    revision: u64,
    samples: usize,
    settled_ms: u64,
    floor_ms: u64,
    /// Minutes that are not stored yet; absent where nobody stores them.
    dirty: Option<HashSet<(SeriesId, u64)>>,
}

impl SeriesStore {
    /// An empty store, of which nobody stores anything.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            series: BTreeMap::new(),
            ids: HashMap::new(),
            newest: SeriesId::default(),
            revision: 0,
            samples: 0,
            settled_ms: 0,
            floor_ms: 0,
            dirty: None,
        }
    }

    /// Goes on where another one ended, which settled everything before a time: what comes from now
    /// on is noted as dirty.
    pub fn resume(&mut self, settled_ms: u64) {
        self.settled_ms = settled_ms;
        self.floor_ms = settled_ms;
        self.dirty = Some(HashSet::new());
    }

    /// Takes a sample; the first one of a name begins a series.
    pub fn push(
        &mut self,
        name: &SeriesName,
        sample: Sample,
        now_ms: u64,
    ) -> Result<(), PushError> {
        let late_ms = now_ms.saturating_sub(self.bounds.late_ms);
        check_sample(sample, late_ms.max(self.settled_ms), now_ms)?;
        let id = self.put(name, sample)?;
        if let Some(dirty) = &mut self.dirty {
            dirty.insert((id, sample.time_ms - sample.time_ms % MINUTE_MS));
        }
        Ok(())
    }

    /// Takes a sample back that was stored. What is settled is left out.
    pub fn recall(&mut self, name: &SeriesName, sample: Sample) -> Result<(), PushError> {
        if sample.time_ms < self.settled_ms {
            return Ok(());
        }
        check_sample(sample, 0, sample.time_ms)?;
        self.put(name, sample).map(|_| ())
    }

    fn put(&mut self, name: &SeriesName, sample: Sample) -> Result<SeriesId, PushError> {
        let known = self.ids.get(name).copied();
        let samples_max = self.bounds.samples_max;
        if self.samples >= samples_max {
            return Err(PushError::TooManySamples { samples_max });
        }
        let id = known.map_or_else(|| self.begin(name), Ok)?;
        let series = self.series.get_mut(&id).expect("ids and series agree");
        let samples_max = self.bounds.samples_per_series_max.max(1);
        match series.put(sample, samples_max) {
            Put::Full => return Err(PushError::TooManyOfSeries { samples_max }),
            Put::Added => self.samples += 1,
            Put::Replaced => {}
        }
        self.revision += 1;
        series.changed(self.revision, sample.time_ms);
        Ok(id)
    }

    /// Up to when everything is settled at a time, in milliseconds since 1970.
    pub fn settles_until_ms(&self, now_ms: u64) -> u64 {
        let until_ms = now_ms.saturating_sub(self.bounds.late_ms);
        until_ms - until_ms % self.bounds.settle_ms.max(1)
    }

    /// Settles what no sample can change any more; `None` where there is nothing new. Samples stay
    /// until they are released.
    pub fn settle(&mut self, now_ms: u64) -> Option<Settled> {
        let until_ms = self.settles_until_ms(now_ms);
        if until_ms <= self.settled_ms {
            return None;
        }
        let from_ms = std::mem::replace(&mut self.settled_ms, until_ms);
        let series = self.series.values();
        let series = series.filter_map(|series| SettledSeries::of(series, from_ms, until_ms));
        Some(Settled {
            until_ms,
            series: series.collect(),
        })
    }

    /// Forgets what is settled and lies before a time, and series that have no samples left. To be
    /// called once history has it, and every evaluator was advanced.
    pub fn release(&mut self, before_ms: u64) {
        let before_ms = before_ms.min(self.settled_ms);
        if before_ms <= self.floor_ms {
            return;
        }
        self.floor_ms = before_ms;
        let (ids, samples) = (&mut self.ids, &mut self.samples);
        *samples = 0;
        self.series.retain(|_, series| {
            series.forget_before(before_ms);
            *samples += series.len();
            let is_kept = series.len() > 0;
            if !is_kept {
                ids.remove(series.name());
            }
            is_kept
        });
        if let Some(dirty) = &mut self.dirty {
            dirty.retain(|(_, start_ms)| *start_ms >= before_ms);
        }
    }

    /// Takes out the minutes that are not stored yet.
    pub fn take_dirty(&mut self) -> Vec<DirtyMinute> {
        let dirty = self.dirty.as_mut().map(std::mem::take);
        let dirty = dirty.unwrap_or_default().into_iter();
        let minutes = dirty.filter_map(|(id, start_ms)| {
            let series = self.series.get(&id)?;
            let samples = series.between(start_ms, start_ms + MINUTE_MS);
            Some(DirtyMinute {
                id,
                name: series.name().clone(),
                start_ms,
                samples: samples.map(|(sample, _)| sample).collect(),
            })
        });
        minutes.collect()
    }

    /// A minute that was taken out was not stored after all.
    pub fn put_back_dirty(&mut self, id: SeriesId, start_ms: u64) {
        let is_held = start_ms >= self.floor_ms && self.series.contains_key(&id);
        if let Some(dirty) = self.dirty.as_mut().filter(|_| is_held) {
            dirty.insert((id, start_ms));
        }
    }

    /// Up to when everything is settled, in milliseconds since 1970.
    pub fn settled_ms(&self) -> u64 {
        self.settled_ms
    }

    /// From when on every sample is held, in milliseconds since 1970.
    pub fn floor_ms(&self) -> u64 {
        self.floor_ms
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// A series that has not been dropped.
    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(&id)
    }

    /// A series by its name.
    pub fn find(&self, name: &SeriesName) -> Option<&Series> {
        self.series.get(self.ids.get(name)?)
    }

    /// The series that began after another one, in order of their first samples.
    pub fn begun_after(&self, id: SeriesId) -> impl Iterator<Item = (SeriesId, &Series)> {
        let later = (Bound::Excluded(id), Bound::Unbounded);
        self.series.range(later).map(|(id, series)| (*id, series))
    }

    fn begin(&mut self, name: &SeriesName) -> Result<SeriesId, PushError> {
        name::check(name)?;
        let series_max = self.bounds.series_max;
        if self.series.len() >= series_max {
            return Err(PushError::TooManySeries { series_max });
        }
        let name = Arc::new(name.clone());
        self.newest.0 += 1;
        self.ids.insert(Arc::clone(&name), self.newest);
        self.series.insert(self.newest, Series::new(name));
        Ok(self.newest)
    }
}

fn check_sample(sample: Sample, oldest_ms: u64, now_ms: u64) -> Result<(), PushError> {
    let time_ms = sample.time_ms;
    if !sample.value.is_finite() {
        Err(PushError::NotFinite)
    } else if time_ms < oldest_ms {
        Err(PushError::TooOld { time_ms, oldest_ms })
    } else if time_ms > now_ms.saturating_add(SAMPLE_AHEAD_MS_MAX) {
        Err(PushError::Ahead { time_ms, now_ms })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
