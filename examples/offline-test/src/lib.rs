//! A small application, to be tested: a list of who is on duty, kept on a board.
//!
//! `tests/offline.rs` tests it with `driftless-testkit`: a whole system in one test, with a server,
//! persons with the real client, a network to cut, and a clock that moves when told. An hour
//! offline takes no time.
//!
//! What makes an application testable like this: it takes a [`Board`] instead of making a client,
//! so that a test can hand it one.

use driftless_client::model::Kind;
use driftless_client::model::builtin::{Note, TITLE};
use driftless_client::{Board, EditError, EditHandle};

/// Who is on duty, day by day.
#[derive(Debug, Clone)]
pub struct Roster(Board);

impl Roster {
    /// The roster that a board keeps.
    pub fn new(board: Board) -> Self {
        Self(board)
    }

    /// Puts somebody on duty. The edit is shown at once; its handle says when it is safe.
    pub fn assign(&self, day: &str, who: &str) -> Result<EditHandle, EditError> {
        self.0.edit(format!("{day}: {who}"), |edit| {
            edit.create(day, Note::NAME, []);
            edit.set(day, TITLE, day);
            edit.set(day, Note::TEXT, who);
        })
    }

    /// Who is on duty, as this device sees it.
    pub fn on_duty(&self, day: &str) -> Option<String> {
        self.0.get(day, Note::TEXT)
    }

    /// What a badge would count: assignments that are not on the server yet.
    pub fn unsent(&self) -> usize {
        self.0.pending().len()
    }

    /// Where somebody else decided otherwise meanwhile, the one who is in charge there is right.
    pub fn accept_theirs(&self) -> Result<(), driftless_client::OutboxError> {
        self.0.conflicts().iter().try_for_each(|conflict| {
            conflict.take_theirs()?;
            Ok(())
        })
    }
}
