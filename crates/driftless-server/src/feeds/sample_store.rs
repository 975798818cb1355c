//! Any sample store behind one type, so that the server is not generic over it.

use std::sync::Arc;

use driftless_protocol::samples::Tier;
use driftless_store::server::{Chunk, Kept, SampleBatch, SampleStore, StoreError};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// A [`SampleStore`] with its futures boxed.
pub trait AnySampleStore: Send + Sync + 'static {
    /// See [`SampleStore::kept`].
    fn kept(&self) -> BoxFuture<'_, Result<Kept, StoreError>>;

    /// See [`SampleStore::write`].
    fn write(&self, batch: SampleBatch) -> BoxFuture<'_, Result<(), StoreError>>;

    /// See [`SampleStore::read`].
    fn read<'a>(
        &'a self,
        tier: Tier,
        series: &'a [u64],
        from_ms: u64,
        before_ms: u64,
    ) -> BoxFuture<'a, Result<Vec<Chunk>, StoreError>>;
}

impl<S: SampleStore> AnySampleStore for S {
    fn kept(&self) -> BoxFuture<'_, Result<Kept, StoreError>> {
        SampleStore::kept(self).boxed()
    }

    fn write(&self, batch: SampleBatch) -> BoxFuture<'_, Result<(), StoreError>> {
        SampleStore::write(self, batch).boxed()
    }

    fn read<'a>(
        &'a self,
        tier: Tier,
        series: &'a [u64],
        from_ms: u64,
        before_ms: u64,
    ) -> BoxFuture<'a, Result<Vec<Chunk>, StoreError>> {
        SampleStore::read(self, tier, series, from_ms, before_ms).boxed()
    }
}

/// The store of all feeds.
pub type SharedSampleStore = Arc<dyn AnySampleStore>;
