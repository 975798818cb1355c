//! The history of feeds: which series have some, and how it is written and read.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_feeds::{
    DirtyMinute, History, Matching, Retention, Sample, SeriesStore, Settled, Wanted,
};
use driftless_model::limits::{HISTORY_SERIES_MAX, PUSHES_KEPT_MAX, SERIES_PER_QUERY_MAX};
use driftless_protocol::SeriesName;
use driftless_protocol::samples::{
    HOUR_MS, Tier, pack_rollups, pack_samples, unpack_rollups, unpack_samples,
};
use driftless_store::server::{Chunk, Forget, KeptPush, KeptSeries, SampleBatch, StoreError};
use tokio::sync::Semaphore;

use crate::feeds::sample_store::SharedSampleStore;

/// Histories that are read at once: each may take many megabytes.
const READS_AT_ONCE: usize = 2;

/// History and what is known of it.
pub struct Archive {
    store: SharedSampleStore,
    retention: Retention,
    names: Mutex<Names>,
    reading: Semaphore,
}

/// The series that have history.
#[derive(Debug, Default)]
struct Names {
    known: HashMap<Arc<SeriesName>, Known>,
    /// Series of which storage does not know, or not that they were seen within the hour.
    behind: HashSet<Arc<SeriesName>>,
    newest: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    number: u64,
    /// When the newest sample was, or later: after a start, as late as it may have been.
    seen_ms: u64,
    /// What is stored of `seen_ms`.
    stored_ms: Option<u64>,
}

impl Known {
    /// Whether storage does not know of it, or not that it was seen within the hour.
    fn is_behind(&self) -> bool {
        let stored_ms = self.stored_ms;
        stored_ms.is_none_or(|stored_ms| self.seen_ms >= stored_ms.saturating_add(HOUR_MS))
    }
}

impl Archive {
    /// Opens history; samples that are not settled yet go back into `samples`. Answers with the
    /// pushes that were taken, too.
    pub async fn open(
        store: SharedSampleStore,
        retention: Retention,
        samples: &mut SeriesStore,
        now_ms: u64,
    ) -> Result<(Self, Vec<KeptPush>), StoreError> {
        let kept = store.kept().await?;
        // A clock that was ahead for a while must not refuse what is measured from now on.
        let settled_ms = kept.settled_ms.min(samples.settles_until_ms(now_ms));
        if settled_ms < kept.settled_ms {
            tracing::warn!(
                settled_ms = kept.settled_ms,
                now_ms,
                "history was settled by a clock that was ahead; check this machine's time"
            );
        }
        let mut names = Names::default();
        for series in kept.series {
            names.newest = names.newest.max(series.number);
            // What is stored lags by up to an hour: see `Known::is_behind`.
            let known = Known {
                number: series.number,
                seen_ms: series.seen_ms.saturating_add(HOUR_MS - 1),
                stored_ms: Some(series.seen_ms),
            };
            names.known.insert(Arc::new(series.name), known);
        }
        samples.resume(settled_ms);
        let archive = Self {
            store,
            retention,
            names: Mutex::new(names),
            reading: Semaphore::new(READS_AT_ONCE),
        };
        archive.recall(samples, settled_ms).await?;
        Ok((archive, kept.pushes))
    }

    /// Puts samples back into memory that are not settled.
    async fn recall(&self, samples: &mut SeriesStore, settled_ms: u64) -> Result<(), StoreError> {
        let recent = self.numbered(|_, known| known.seen_ms >= settled_ms);
        let numbers: Vec<_> = recent.iter().map(|(_, number)| *number).collect();
        let names: HashMap<_, _> = recent.into_iter().map(|(name, it)| (it, name)).collect();
        let store = &self.store;
        let chunks = store.read(Tier::Samples, &numbers, settled_ms, u64::MAX);
        for chunk in chunks.await? {
            let Some(name) = names.get(&chunk.series) else {
                continue;
            };
            for sample in readable(unpack_samples(&chunk.data), &chunk) {
                if let Err(error) = samples.recall(name, sample) {
                    tracing::warn!(series = %name.name, %error, "a stored sample is left out");
                }
            }
        }
        Ok(())
    }

    /// Writes minutes and the pushes that they came with, durable before it answers.
    pub async fn write(
        &self,
        minutes: &[DirtyMinute],
        pushes: Vec<KeptPush>,
    ) -> Result<(), StoreError> {
        let mut batch = SampleBatch {
            pushes,
            ..SampleBatch::default()
        };
        for minute in minutes {
            let newest_ms = minute.samples.last().map_or(0, |sample| sample.time_ms);
            batch.chunks.push(Chunk {
                tier: Tier::Samples,
                series: self.number(&minute.name, newest_ms),
                start_ms: minute.start_ms,
                data: pack_samples(&minute.samples),
            });
        }
        self.commit(batch).await
    }

    /// Writes what became settled, and forgets what is past its time.
    pub async fn settle(&self, settled: &Settled, now_ms: u64) -> Result<(), StoreError> {
        let mut batch = SampleBatch {
            settled_ms: Some(settled.until_ms),
            ..SampleBatch::default()
        };
        for series in &settled.series {
            let number = self.number(&series.name, series.newest_ms());
            let chunk = |tier, start_ms, data| Chunk {
                tier,
                series: number,
                start_ms,
                data,
            };
            let by_hour = series
                .minutes
                .chunk_by(|one, other| one.start_ms / HOUR_MS == other.start_ms / HOUR_MS);
            for minutes in by_hour {
                let start_ms = minutes[0].start_ms - minutes[0].start_ms % HOUR_MS;
                let packed = pack_rollups(minutes);
                batch.chunks.push(chunk(Tier::Minutes, start_ms, packed));
            }
            for hour in &series.hours {
                let packed = pack_rollups(std::slice::from_ref(hour));
                batch.chunks.push(chunk(Tier::Hours, hour.start_ms, packed));
            }
        }
        batch.forget = self.forget(now_ms);
        // What is not settled yet is needed at the next start, however short it is kept after.
        for (_, before_ms) in &mut batch.forget.chunks {
            *before_ms = (*before_ms).min(settled.until_ms);
        }
        let forgotten: HashSet<_> = batch.forget.series.iter().copied().collect();
        self.commit(batch).await?;
        self.names().forget(&forgotten);
        Ok(())
    }

    /// What is past its time, and series for which there is no room.
    pub(super) fn forget(&self, now_ms: u64) -> Forget {
        let oldest_ms = |tier| now_ms.saturating_sub(self.retention.of(tier));
        let chunks = Tier::ALL.map(|tier| (tier, oldest_ms(tier).saturating_sub(tier.chunk_ms())));
        let longest_ms = Tier::ALL.map(oldest_ms).into_iter().min().unwrap_or(0);
        let names = self.names();
        let mut known: Vec<_> = names.known.values().collect();
        known.sort_unstable_by_key(|known| std::cmp::Reverse((known.seen_ms, known.number)));
        let series = known.iter().enumerate();
        let series = series
            .filter(|(place, known)| known.seen_ms < longest_ms || *place >= HISTORY_SERIES_MAX);
        Forget {
            chunks: chunks.to_vec(),
            series: series.map(|(_, known)| known.number).collect(),
            pushes_before_ms: oldest_ms(Tier::Samples),
            pushes_past: Some(PUSHES_KEPT_MAX),
        }
    }

    async fn commit(&self, mut batch: SampleBatch) -> Result<(), StoreError> {
        batch.series = self.names().unstored();
        let series = batch.series.clone();
        self.store.write(batch).await?;
        self.names().stored(&series);
        Ok(())
    }

    /// What history has for an evaluator.
    pub async fn read(
        &self,
        wanted: &Wanted,
        matching: &Matching,
        now_ms: u64,
    ) -> Result<Vec<History>, StoreError> {
        let _turn = self.reading.acquire().await.ok();
        let mut series =
            self.numbered(|name, known| known.seen_ms >= wanted.from_ms && matching.matches(name));
        series.truncate(HISTORIES_MAX);
        let plan = wanted.plan(self.retention, now_ms);
        let mut histories = Vec::with_capacity(series.len());
        for some in series.chunks(READ_TOGETHER) {
            let numbers: Vec<_> = some.iter().map(|(_, number)| *number).collect();
            let mut read: HashMap<_, _> = some
                .iter()
                .map(|(name, number)| (*number, History::new(name.clone())))
                .collect();
            for (tier, span) in &plan {
                let chunks = self.chunks(*tier, &numbers, span).await?;
                add(&mut read, chunks, wanted);
            }
            histories.extend(read.into_values().filter(|it| !it.spans.is_empty()));
            // Others want to get on, too.
            tokio::task::yield_now().await;
        }
        Ok(histories)
    }

    /// The chunks of a span, and the one that it begins in.
    async fn chunks(
        &self,
        tier: Tier,
        numbers: &[u64],
        span: &Range<u64>,
    ) -> Result<Vec<Chunk>, StoreError> {
        let from_ms = span.start - span.start % tier.chunk_ms();
        self.store.read(tier, numbers, from_ms, span.end).await
    }

    /// The number of a series that has a sample of a time.
    pub(super) fn number(&self, name: &Arc<SeriesName>, seen_ms: u64) -> u64 {
        self.names().number(name, seen_ms)
    }

    /// Series with their numbers, those that were seen last first.
    fn numbered(
        &self,
        is_meant: impl Fn(&SeriesName, &Known) -> bool,
    ) -> Vec<(Arc<SeriesName>, u64)> {
        let names = self.names();
        let known = names.known.iter();
        let mut known: Vec<_> = known.filter(|(name, it)| is_meant(name, it)).collect();
        known.sort_unstable_by_key(|(_, it)| std::cmp::Reverse((it.seen_ms, it.number)));
        let numbered = known.into_iter();
        numbered
            .map(|(name, it)| (name.clone(), it.number))
            .collect()
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Series whose history is read for one query: more than are shown, since some may be groups.
const HISTORIES_MAX: usize = 8 * SERIES_PER_QUERY_MAX;
/// Series that are read at once.
const READ_TOGETHER: usize = 32;

impl Names {
    /// The number of a series that has a sample of a time.
    fn number(&mut self, name: &Arc<SeriesName>, seen_ms: u64) -> u64 {
        let next = self.newest + 1;
        let known = self.known.entry(name.clone()).or_insert(Known {
            number: next,
            seen_ms,
            stored_ms: None,
        });
        known.seen_ms = known.seen_ms.max(seen_ms);
        self.newest = self.newest.max(known.number);
        if known.is_behind() {
            self.behind.insert(name.clone());
        }
        known.number
    }

    /// Series that are behind in storage.
    fn unstored(&self) -> Vec<KeptSeries> {
        let behind = self.behind.iter();
        let known = behind.filter_map(|name| self.known.get_key_value(name));
        let series = known.map(|(name, known)| KeptSeries {
            number: known.number,
            name: (**name).clone(),
            seen_ms: known.seen_ms,
        });
        series.collect()
    }

    fn stored(&mut self, series: &[KeptSeries]) {
        for series in series {
            let Some(known) = self.known.get_mut(&series.name) else {
                continue;
            };
            known.stored_ms = Some(series.seen_ms);
            // They may have been seen again meanwhile.
            if !known.is_behind() {
                self.behind.remove(&series.name);
            }
        }
    }

    fn forget(&mut self, forgotten: &HashSet<u64>) {
        let Self { known, behind, .. } = self;
        known.retain(|name, known| {
            let is_kept = !forgotten.contains(&known.number);
            if !is_kept {
                behind.remove(name);
            }
            is_kept
        });
    }
}

/// Chunks of one tier, in order of time, to the history of each series.
fn add(read: &mut HashMap<u64, History>, chunks: Vec<Chunk>, wanted: &Wanted) {
    let mut before: HashMap<u64, Sample> = HashMap::new();
    for chunk in chunks {
        let Some(history) = read.get_mut(&chunk.series) else {
            continue;
        };
        if chunk.tier == Tier::Samples {
            let samples = readable(unpack_samples(&chunk.data), &chunk);
            let earlier = before.get(&chunk.series).copied();
            if let Some(last) = history.add_samples(&samples, wanted, earlier) {
                before.insert(chunk.series, last);
            }
        } else {
            let rollups = readable(unpack_rollups(&chunk.data), &chunk);
            history.add_rollups(rollups, wanted);
        }
    }
}

/// What a chunk holds; nothing where it cannot be read, which does not cost the others.
fn readable<T>(
    unpacked: Result<Vec<T>, driftless_protocol::samples::ChunkError>,
    chunk: &Chunk,
) -> Vec<T> {
    unpacked.unwrap_or_else(|error| {
        let (series, start_ms) = (chunk.series, chunk.start_ms);
        tracing::warn!(series, start_ms, %error, "a chunk of history is left out");
        Vec::new()
    })
}
