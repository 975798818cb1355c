//! Samples in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_protocol::samples::Tier;

use crate::server::error::StoreError;
use crate::server::sample_store::{Chunk, Kept, KeptPush, KeptSeries, SampleBatch, SampleStore};

/// The history of feeds in memory: for tests, and servers that need to remember nothing. Clones
/// share what is in it.
#[derive(Debug, Clone, Default)]
pub struct MemorySamples {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    settled_ms: u64,
    series: BTreeMap<u64, KeptSeries>,
    pushes: BTreeMap<String, KeptPush>,
    chunks: BTreeMap<(Tier, u64, u64), Vec<u8>>,
}

impl MemorySamples {
    /// A store without samples.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SampleStore for MemorySamples {
    async fn kept(&self) -> Result<Kept, StoreError> {
        let held = self.lock();
        Ok(Kept {
            settled_ms: held.settled_ms,
            series: held.series.values().cloned().collect(),
            pushes: held.pushes.values().cloned().collect(),
        })
    }

    async fn write(&self, batch: SampleBatch) -> Result<(), StoreError> {
        self.lock().write(batch);
        Ok(())
    }

    async fn read(
        &self,
        tier: Tier,
        series: &[u64],
        from_ms: u64,
        before_ms: u64,
    ) -> Result<Vec<Chunk>, StoreError> {
        let held = self.lock();
        let mut series = series.to_vec();
        series.sort_unstable();
        let chunks = series.into_iter().flat_map(|number| {
            let span = (tier, number, from_ms)..(tier, number, before_ms);
            held.chunks.range(span)
        });
        let chunks = chunks.map(|(key, data)| Chunk {
            tier: key.0,
            series: key.1,
            start_ms: key.2,
            data: data.clone(),
        });
        Ok(chunks.collect())
    }
}

impl Held {
    fn write(&mut self, batch: SampleBatch) {
        let series = batch.series.into_iter();
        self.series.extend(series.map(|it| (it.number, it)));
        let chunks = batch.chunks.into_iter();
        let chunks = chunks.map(|it| ((it.tier, it.series, it.start_ms), it.data));
        self.chunks.extend(chunks);
        self.settled_ms = self.settled_ms.max(batch.settled_ms.unwrap_or(0));
        let pushes = batch.pushes.into_iter();
        self.pushes.extend(pushes.map(|it| (it.id.clone(), it)));
        let forget = batch.forget;
        for (tier, before_ms) in forget.chunks {
            let is_kept = |it: Tier, start_ms: u64| it != tier || start_ms >= before_ms;
            self.chunks.retain(|key, _| is_kept(key.0, key.2));
        }
        for number in forget.series {
            self.series.remove(&number);
            self.chunks.retain(|key, _| key.1 != number);
        }
        let before_ms = forget.pushes_before_ms;
        self.pushes.retain(|_, push| push.time_ms >= before_ms);
        let mut newest: Vec<_> = self
            .pushes
            .values()
            .map(|it| (it.time_ms, &it.id))
            .collect();
        newest.sort_unstable_by(|one, other| other.cmp(one));
        let past = newest.split_off(forget.pushes_past.unwrap_or(usize::MAX).min(newest.len()));
        let past: Vec<_> = past.into_iter().map(|(_, id)| id.clone()).collect();
        for id in past {
            self.pushes.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::sample_store_conformance!(async || MemorySamples::new());
}
