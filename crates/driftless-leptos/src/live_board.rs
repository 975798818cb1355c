//! One board of one client as signals: what the provider's event loop writes and everybody reads.

use std::sync::Arc;

use driftless_client::{Board, Client, ClientEvent, Status, UndoState};
use driftless_model::Version;
use driftless_sync::replica::view::EntryView;
use leptos::prelude::*;

use crate::record_signals::RecordSignals;
use crate::shared_feeds::SharedFeeds;

/// A client, one of its boards, and both as signals.
#[derive(Debug)]
pub struct LiveBoard {
    /// The client.
    pub client: Client,
    /// The board.
    pub board: Board,
    /// How the client is.
    pub status: ArcRwSignal<Status>,
    /// Every unsettled edit of the board.
    pub outbox: ArcRwSignal<Arc<Vec<EntryView>>>,
    /// What undo and redo would do.
    pub undo: ArcRwSignal<UndoState>,
    /// The version of the confirmed state.
    pub version: ArcRwSignal<Version>,
    /// Told when a receipt says more of the screens of others.
    pub screens: ArcTrigger,
    /// Whether there is something to show.
    pub loaded: ArcRwSignal<bool>,
    /// Why the user may not read the board; nothing where they may.
    pub refusal: ArcRwSignal<Option<String>>,
    /// The records.
    pub records: RecordSignals,
    /// The feeds.
    pub feeds: SharedFeeds,
}

impl LiveBoard {
    /// The board as it is now. Listen to the client's events from before this call on.
    pub fn new(client: Client, board: Board) -> Self {
        let ids = board.records().into_iter().map(|(id, _)| id).collect();
        Self {
            status: ArcRwSignal::new(client.status()),
            outbox: ArcRwSignal::new(board.outbox()),
            undo: ArcRwSignal::new(board.undo_state()),
            version: ArcRwSignal::new(board.version()),
            screens: ArcTrigger::new(),
            loaded: ArcRwSignal::new(board.is_loaded()),
            refusal: ArcRwSignal::new(board.refusal()),
            records: RecordSignals::new(ids),
            feeds: SharedFeeds::default(),
            client,
            board,
        }
    }

    /// Takes an event in: reads again what it says has changed.
    pub fn apply(&self, event: &ClientEvent) {
        match event {
            ClientEvent::Status(status) => renew(&self.status, status.clone()),
            ClientEvent::Board { board, changed } if Ok(board) == self.board.id() => {
                self.records.refresh(changed, |id| self.board.record(id));
                renew(&self.version, self.board.version());
                renew(&self.loaded, self.board.is_loaded());
                renew(&self.refusal, self.board.refusal());
            }
            ClientEvent::Outbox { board } if Ok(board) == self.board.id() => {
                renew(&self.outbox, self.board.outbox());
                renew(&self.undo, self.board.undo_state());
            }
            ClientEvent::Screens { board, .. } if Ok(board) == self.board.id() => {
                self.screens.notify();
            }
            ClientEvent::Feed { feed } => self.feeds.refresh(*feed),
            _ => {}
        }
    }
}

/// Sets a signal, and stays quiet where nothing changed.
fn renew<T: PartialEq + Send + Sync + 'static>(signal: &ArcRwSignal<T>, value: T) {
    if signal.with_untracked(|before| *before != value) {
        signal.set(value);
    }
}
