//! What a server asks of the storage of its samples.

use std::future::Future;

use driftless_protocol::SeriesName;
use driftless_protocol::samples::Tier;

use crate::server::error::StoreError;

/// Where a server keeps the history of its feeds. One server writes it at a time.
///
/// It decides nothing: what is written, and what is forgotten, it is told.
pub trait SampleStore: Send + Sync + 'static {
    /// All that is kept but the chunks.
    fn kept(&self) -> impl Future<Output = Result<Kept, StoreError>> + Send;

    /// Writes a batch, durable before it answers: all of it or nothing. What is there already is
    /// written over.
    fn write(&self, batch: SampleBatch) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The chunks of these series that begin from a time up to before another, in milliseconds
    /// since 1970: by series, then by time.
    fn read(
        &self,
        tier: Tier,
        series: &[u64],
        from_ms: u64,
        before_ms: u64,
    ) -> impl Future<Output = Result<Vec<Chunk>, StoreError>> + Send;
}

/// What is kept but the chunks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// Up to when rollups are made, in milliseconds since 1970.
    pub settled_ms: u64,
    /// The series, by number.
    pub series: Vec<KeptSeries>,
    /// The pushes that need not be taken again, by id.
    pub pushes: Vec<KeptPush>,
}

/// A series that has history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSeries {
    /// Its number in storage, never given twice.
    pub number: u64,
    /// What it is called; no two are called the same.
    pub name: SeriesName,
    /// About when its newest sample was taken, in milliseconds since 1970.
    pub seen_ms: u64,
}

/// A push that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPush {
    /// Who pushed it, and what they call it.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// How many samples of it were taken.
    pub accepted: u64,
}

/// Packed samples or rollups of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Which.
    pub tier: Tier,
    /// The number of the series.
    pub series: u64,
    /// When its span begins, in milliseconds since 1970.
    pub start_ms: u64,
    /// Packed, see [`driftless_protocol::samples`].
    pub data: Vec<u8>,
}

/// What is written in one transaction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SampleBatch {
    /// Series, new or seen again.
    pub series: Vec<KeptSeries>,
    /// Chunks, in place of those that are there.
    pub chunks: Vec<Chunk>,
    /// Up to when rollups are made with this, where that is later than before.
    pub settled_ms: Option<u64>,
    /// Pushes.
    pub pushes: Vec<KeptPush>,
    /// What is not kept any longer. It goes after the rest is written; of very many chunks of a
    /// tier, some with later batches.
    pub forget: Forget,
}

/// What is not kept any longer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forget {
    /// The chunks of a tier that begin before a time, in milliseconds since 1970.
    pub chunks: Vec<(Tier, u64)>,
    /// Series, with all their chunks, by number.
    pub series: Vec<u64>,
    /// Pushes from before this time, in milliseconds since 1970.
    pub pushes_before_ms: u64,
    /// Pushes past the newest so many; `None` where their number does not matter.
    pub pushes_past: Option<usize>,
}
