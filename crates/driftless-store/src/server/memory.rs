//! Boards in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::{
    BoardId, BoardState, Cell, Check, ClientId, Cursor, EditId, LeafPath, RecordId, RecordState,
    Slot, Value, Version,
};
use driftless_protocol::durable::LedgerRow;
use driftless_sync::room::{Append, BoardImage, Delta, LogRow, Prune, Stored};

use crate::server::board_store::{BoardStore, BoardSummary};
use crate::server::error::StoreError;

/// Boards in memory: for tests, the simulator, and servers that need to remember nothing. Clones
/// share what is in it. The `_now` methods do the same without waiting for anything.
#[derive(Debug, Clone, Default)]
pub struct MemoryBoards {
    boards: Arc<Mutex<BTreeMap<BoardId, Board>>>,
}

#[derive(Debug, Clone, Default)]
struct Board {
    head: Cursor,
    state: BoardState,
    ledger: BTreeMap<ClientId, LedgerRow>,
    log: Vec<LogRow>,
    /// The log's rows up to this version are gone.
    pruned: Version,
}

impl MemoryBoards {
    /// A store without boards.
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`BoardStore::load`].
    pub fn load_now(&self, board: &BoardId) -> BoardImage {
        self.lock()
            .get(board)
            .map_or_else(BoardImage::default, |board| BoardImage {
                head: board.head,
                state: board.state.clone(),
                ledger: board.ledger.values().cloned().collect(),
                pruned: board.pruned,
            })
    }

    /// See [`BoardStore::check_at`].
    pub fn check_at_now(&self, board: &BoardId, version: Version) -> Option<Check> {
        if version == Version(0) {
            return Some(Check::default());
        }
        let boards = self.lock();
        let log = &boards.get(board)?.log;
        let index = log.binary_search_by_key(&version, |row| row.version).ok()?;
        log.get(index).map(|row| row.check)
    }

    /// See [`BoardStore::find`].
    pub fn find_now(&self, board: &BoardId, id: EditId, above: Version) -> Option<LogRow> {
        let boards = self.lock();
        let mut log = boards.get(board)?.log.iter();
        log.find(|row| row.id == id && row.version > above).cloned()
    }

    /// See [`BoardStore::append`].
    pub fn append_now(&self, batch: Vec<Append>) -> Vec<Stored> {
        let mut boards = self.lock();
        batch
            .into_iter()
            .map(|append| {
                boards
                    .entry(append.board.clone())
                    .or_default()
                    .append(append)
            })
            .collect()
    }

    /// See [`BoardStore::log`].
    pub fn log_now(&self, board: &BoardId, above: Version, rows_max: usize) -> Vec<LogRow> {
        let boards = self.lock();
        let rows = boards.get(board).into_iter().flat_map(|board| &board.log);
        rows.filter(|row| row.version > above)
            .take(rows_max)
            .cloned()
            .collect()
    }

    /// See [`BoardStore::boards`].
    pub fn boards_now(&self) -> Vec<BoardSummary> {
        let boards = self.lock();
        let written = boards.iter().filter(|(_, board)| board.is_written());
        written
            .map(|(id, board)| BoardSummary {
                board: id.clone(),
                head: board.head,
                title: board.title().map(str::to_owned),
            })
            .collect()
    }

    /// The boards as they are now, apart from what is written later: a backup.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            boards: Arc::new(Mutex::new(self.lock().clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BoardId, Board>> {
        // A panic while the lock is held can only come from a failed assertion of a test.
        self.boards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn append(&mut self, append: Append) -> Stored {
        if self.head != append.expect {
            return Stored::Conflict;
        }
        self.head = append.head;
        self.log.extend(append.log);
        take_delta(&mut self.state, append.delta);
        let rows = append.ledger.into_iter().map(|row| (row.client, row));
        self.ledger.extend(rows);
        self.prune(&append.prune);
        Stored::Committed
    }

    fn prune(&mut self, prune: &Prune) {
        for record in &prune.marks {
            self.state.records.remove(record);
        }
        self.state.floor = prune.floor;
        if prune.log > self.pruned {
            self.pruned = prune.log;
            self.log.retain(|row| row.version > prune.log);
        }
    }

    fn is_written(&self) -> bool {
        self.head != Cursor::default() || !self.ledger.is_empty()
    }

    fn title(&self) -> Option<&str> {
        let record = RecordId::new("board").ok()?;
        let title = LeafPath::new("title").ok()?;
        self.state
            .record(&record)?
            .value(&title)
            .and_then(Value::as_text)
    }
}

/// Writes a delta in its order: removals, whole records, single leaves.
fn take_delta(state: &mut BoardState, delta: Delta) {
    for removed in delta.removed {
        let (version, author) = (removed.version, removed.author);
        let mark = Slot::Removed { version, author };
        state.records.insert(removed.record, mark);
    }
    for whole in delta.records {
        let record = RecordState {
            kind: whole.kind,
            created: whole.created,
            leaves: whole.leaves,
        };
        state.records.insert(whole.record, Slot::Live(record));
    }
    for changed in delta.leaves {
        let cell = Cell {
            value: changed.value,
            version: changed.version,
            author: changed.author,
        };
        if let Some(Slot::Live(record)) = state.records.get_mut(&changed.record) {
            record.leaves.insert(changed.leaf, cell);
        }
    }
}

impl BoardStore for MemoryBoards {
    async fn load(&self, board: &BoardId) -> Result<BoardImage, StoreError> {
        Ok(self.load_now(board))
    }

    async fn check_at(
        &self,
        board: &BoardId,
        version: Version,
    ) -> Result<Option<Check>, StoreError> {
        Ok(self.check_at_now(board, version))
    }

    async fn find(
        &self,
        board: &BoardId,
        id: EditId,
        above: Version,
    ) -> Result<Option<LogRow>, StoreError> {
        Ok(self.find_now(board, id, above))
    }

    async fn append(&self, batch: Vec<Append>) -> Vec<Stored> {
        self.append_now(batch)
    }

    async fn log(
        &self,
        board: &BoardId,
        above: Version,
        rows_max: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        Ok(self.log_now(board, above, rows_max))
    }

    async fn boards(&self) -> Result<Vec<BoardSummary>, StoreError> {
        Ok(self.boards_now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::conformance::Script;

    crate::board_store_conformance!(async || MemoryBoards::new());

    #[tokio::test]
    async fn a_backup_is_not_changed_by_later_writes() {
        let (store, board) = (MemoryBoards::new(), BoardId::new("home").expect("an id"));
        let backup = store.copy();
        store.append_now(vec![Script::new("home").rejection(1)]);
        assert_ne!(store.load_now(&board), backup.load_now(&board));
        assert_eq!(backup.load_now(&board), BoardImage::default());
    }
}
