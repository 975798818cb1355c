//! What a server asks of its storage.

use std::future::Future;

use driftless_model::{BoardId, Check, Cursor, EditId, Version};
use driftless_sync::room::{Append, BoardImage, LogRow, Stored};

use crate::server::error::StoreError;

/// Where a server keeps its boards. Shared by all rooms.
pub trait BoardStore: Send + Sync + 'static {
    /// The whole board in one consistent read. A board that was never written is the empty image.
    fn load(&self, board: &BoardId) -> impl Future<Output = Result<BoardImage, StoreError>> + Send;

    /// The check at a version; absent where the log has no such version, not yet or not any more.
    /// Version 0 has check 0.
    fn check_at(
        &self,
        board: &BoardId,
        version: Version,
    ) -> impl Future<Output = Result<Option<Check>, StoreError>> + Send;

    /// The applied edit with this id above a version, if there is one. Asked rarely: there need be
    /// no index.
    fn find(
        &self,
        board: &BoardId,
        id: EditId,
        above: Version,
    ) -> impl Future<Output = Result<Option<LogRow>, StoreError>> + Send;

    /// Carries out appends, durable before it answers: one answer for each, in the same order. The
    /// batch is one transaction; an append whose head is elsewhere is a [`Stored::Conflict`] and
    /// leaves the others alone; a batch that fails is tried again board by board, unless what
    /// failed would fail all of them: no file, no lock, no room. What an append prunes is gone with
    /// it, in the same transaction; of a log that lets go of many rows at once the newest of them
    /// may go a little later, and after a crash with a later append that prunes.
    fn append(&self, batch: Vec<Append>) -> impl Future<Output = Vec<Stored>> + Send;

    /// The applied edits above a version that the log still has, oldest first, at most `rows_max`
    /// of them.
    fn log(
        &self,
        board: &BoardId,
        above: Version,
        rows_max: usize,
    ) -> impl Future<Output = Result<Vec<LogRow>, StoreError>> + Send;

    /// Whether a board was deleted and may not begin anew: nobody may read or edit it. None ever
    /// is, unless the implementation says otherwise.
    fn is_deleted(
        &self,
        _board: &BoardId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        std::future::ready(Ok(false))
    }

    /// All boards, by id.
    fn boards(&self) -> impl Future<Output = Result<Vec<BoardSummary>, StoreError>> + Send;
}

/// A board in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardSummary {
    /// Which.
    pub board: BoardId,
    /// Its newest version.
    pub head: Cursor,
    /// The `title` of its record `board`, where it is a text.
    pub title: Option<String>,
}
