//! What a writer knows of its edits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::{EditId, RecordId, Version};

/// What became of an edit, as its writer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing yet.
    Waiting,
    /// The server acknowledged it, as this version.
    Acknowledged(Version),
    /// Somebody had changed the same: it waits for its writer.
    SetAside,
    /// The writer's program ended before it heard.
    Unheard,
}

/// An edit that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its id.
    pub id: EditId,
    /// The record that it writes.
    pub record: RecordId,
    /// The title that it gives it, if it does.
    pub title: Option<String>,
    /// What became of it.
    pub fate: Fate,
}

/// All edits of a writer, in the order in which they were made. Clones are the same journal.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<Made>>>);

impl Journal {
    /// One more; its place in the journal.
    pub fn add(&self, made: Made) -> usize {
        let mut all = self.lock();
        all.push(made);
        all.len() - 1
    }

    /// What became of one.
    pub fn settle(&self, place: usize, fate: Fate) {
        if let Some(made) = self.lock().get_mut(place) {
            made.fate = fate;
        }
    }

    /// The id of one.
    pub fn id(&self, place: usize) -> Option<EditId> {
        self.lock().get(place).map(|made| made.id)
    }

    /// All of it, as it is now.
    pub fn read(&self) -> Vec<Made> {
        self.lock().clone()
    }

    /// How many edits were acknowledged.
    pub fn acknowledged(&self) -> usize {
        let is_acknowledged = |made: &&Made| matches!(made.fate, Fate::Acknowledged(_));
        self.lock().iter().filter(is_acknowledged).count()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Made>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
