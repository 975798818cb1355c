//! Any board store behind one type, so that the server is not generic over it.

use std::sync::Arc;

use driftless_model::{BoardId, Check, EditId, Version};
use driftless_store::server::{BoardStore, BoardSummary, StoreError};
use driftless_sync::room::{Append, BoardImage, LogRow, Stored};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// A [`BoardStore`] with its futures boxed.
pub trait AnyStore: Send + Sync + 'static {
    /// See [`BoardStore::load`].
    fn load<'a>(&'a self, board: &'a BoardId) -> BoxFuture<'a, Result<BoardImage, StoreError>>;

    /// See [`BoardStore::check_at`].
    fn check_at<'a>(
        &'a self,
        board: &'a BoardId,
        version: Version,
    ) -> BoxFuture<'a, Result<Option<Check>, StoreError>>;

    /// See [`BoardStore::find`].
    fn find<'a>(
        &'a self,
        board: &'a BoardId,
        id: EditId,
        above: Version,
    ) -> BoxFuture<'a, Result<Option<LogRow>, StoreError>>;

    /// See [`BoardStore::append`].
    fn append(&self, batch: Vec<Append>) -> BoxFuture<'_, Vec<Stored>>;

    /// See [`BoardStore::is_deleted`].
    fn is_deleted<'a>(&'a self, board: &'a BoardId) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// See [`BoardStore::boards`].
    fn boards(&self) -> BoxFuture<'_, Result<Vec<BoardSummary>, StoreError>>;
}

impl<S: BoardStore> AnyStore for S {
    fn load<'a>(&'a self, board: &'a BoardId) -> BoxFuture<'a, Result<BoardImage, StoreError>> {
        BoardStore::load(self, board).boxed()
    }

    fn check_at<'a>(
        &'a self,
        board: &'a BoardId,
        version: Version,
    ) -> BoxFuture<'a, Result<Option<Check>, StoreError>> {
        BoardStore::check_at(self, board, version).boxed()
    }

    fn find<'a>(
        &'a self,
        board: &'a BoardId,
        id: EditId,
        above: Version,
    ) -> BoxFuture<'a, Result<Option<LogRow>, StoreError>> {
        BoardStore::find(self, board, id, above).boxed()
    }

    fn append(&self, batch: Vec<Append>) -> BoxFuture<'_, Vec<Stored>> {
        BoardStore::append(self, batch).boxed()
    }

    fn is_deleted<'a>(&'a self, board: &'a BoardId) -> BoxFuture<'a, Result<bool, StoreError>> {
        BoardStore::is_deleted(self, board).boxed()
    }

    fn boards(&self) -> BoxFuture<'_, Result<Vec<BoardSummary>, StoreError>> {
        BoardStore::boards(self).boxed()
    }
}

/// The store that all rooms share.
pub type SharedStore = Arc<dyn AnyStore>;
