//! The boards that are in use, by id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::limits::ROOM_COMMANDS_MAX;
use driftless_model::{BoardId, Schema};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::hub::actor::{Actor, Command};
use crate::hub::committer::Committer;
use crate::hub::ring::Ring;
use crate::metrics::Metrics;
use crate::store::SharedStore;

/// A board that is in use.
#[derive(Debug, Clone)]
pub struct OpenBoard {
    /// Where its room takes commands.
    pub commands: mpsc::Sender<Command>,
    /// Where its stream is read.
    pub ring: Arc<Ring>,
}

/// The boards that are in use.
#[derive(Debug, Default)]
pub struct Registry {
    open: Mutex<HashMap<BoardId, OpenBoard>>,
}

impl Registry {
    /// Takes a room out of use, unless somebody has hold of it. Commands are only sent by those who
    /// took hold of a board while the lock was held, so that none is lost.
    pub fn retire(&self, board: &BoardId) -> bool {
        let mut open = self.lock();
        let is_unused = |open: &OpenBoard| {
            open.commands.strong_count() == 1 && open.commands.capacity() == ROOM_COMMANDS_MAX
        };
        let is_retired = open.get(board).is_none_or(is_unused);
        if is_retired {
            open.remove(board);
        }
        is_retired
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BoardId, OpenBoard>> {
        // Nothing panics while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens boards: one actor for each that is in use, one committer for all.
pub struct Boards {
    schema: Arc<Schema>,
    store: SharedStore,
    metrics: Arc<Metrics>,
    registry: Arc<Registry>,
    /// Absent once the server stops.
    running: Mutex<Option<Running>>,
}

struct Running {
    committer: Committer,
    writing: JoinHandle<()>,
    rooms: JoinSet<()>,
}

impl Boards {
    /// No board in use yet. Has to be called within a runtime.
    pub fn new(schema: Arc<Schema>, store: SharedStore, metrics: Arc<Metrics>) -> Self {
        let (committer, writing) = Committer::start(store.clone(), metrics.clone());
        let running = Running {
            committer,
            writing,
            rooms: JoinSet::new(),
        };
        Self {
            schema,
            store,
            metrics,
            registry: Arc::default(),
            running: Mutex::new(Some(running)),
        }
    }

    /// Takes hold of a board; `None` once the server stops.
    pub fn open(&self, board: &BoardId) -> Option<OpenBoard> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = running.as_mut()?;
        let mut open = self.registry.lock();
        // A room that panicked takes no more commands: another one reads what is stored.
        if let Some(open) = open.get(board).filter(|open| !open.commands.is_closed()) {
            return Some(open.clone());
        }
        while running.rooms.try_join_next().is_some() {}
        let actor = Actor::new(
            board.clone(),
            self.schema.clone(),
            self.store.clone(),
            running.committer.clone(),
            Arc::downgrade(&self.registry),
            self.metrics.clone(),
        );
        let (commands, queue) = mpsc::channel(ROOM_COMMANDS_MAX);
        let ring = actor.ring.clone();
        running.rooms.spawn(actor.run(queue));
        let opened = OpenBoard { commands, ring };
        open.insert(board.clone(), opened.clone());
        Some(opened)
    }

    /// What is stored of a board is another one from here on. Its room is told, not left to those
    /// who follow it: two rooms of one board would not tell each other's followers anything.
    pub async fn start_over(&self, board: &BoardId) {
        let open = self.registry.lock().get(board).cloned();
        if let Some(open) = open {
            // A room that is gone has nothing to forget.
            open.commands.send(Command::StartOver).await.ok();
        }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// How many boards are in use.
    pub fn count(&self) -> usize {
        self.registry.lock().len()
    }

    /// Takes no more boards into use, and waits until everything that was asked of the store is
    /// answered. Connections have to be gone by then.
    pub async fn stop(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.registry.lock().clear();
        if let Some(running) = running {
            let Running {
                committer,
                writing,
                mut rooms,
            } = running;
            drop(committer);
            while rooms.join_next().await.is_some() {}
            writing.await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use driftless_store::server::MemoryBoards;
    use driftless_sync::room::ConnectionId;

    use super::*;

    #[tokio::test]
    async fn as_many_commands_wait_for_a_room_as_may_and_not_one_more() {
        let schema = Arc::new(Schema::builtin());
        let store = Arc::new(MemoryBoards::new());
        let boards = Boards::new(schema, store, Arc::new(Metrics::new()));
        let home = BoardId::new("home").expect("a board id");
        let open = boards.open(&home).expect("runs");
        let connection = ConnectionId(1);
        // The room does not run before this waits for something.
        for _ in 0..ROOM_COMMANDS_MAX {
            let command = Command::Unsubscribe { connection };
            open.commands.try_send(command).expect("there is room");
        }
        let one_more = Command::Unsubscribe { connection };
        assert!(open.commands.try_send(one_more).is_err());
    }
}
