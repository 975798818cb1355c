//! What the machine tells, gathered over a batch and published at once: first everything that can
//! be read, then the events, then those who wait for an edit.

use std::sync::Arc;

use driftless_model::{BoardId, EditId, RecordId, SortedMap, SortedSet, Version};
use driftless_protocol::FeedFrame;
use driftless_sync::replica::realtime_state::RealtimeState;
use driftless_sync::replica::view::{
    Connection, EntryProgress, EntryView, Resolution, StorageVerdict,
};
use driftless_sync::replica::{Notice, Replica, Settlement};

use super::steps;
use crate::edit::EditWaiter;
use crate::error::{ClientError, EditError};
use crate::event::ClientEvent;
use crate::shared::{FeedNews, Published, State};
use crate::status::Status;

/// Why there is no connection where a tab has it that this one does not understand.
const LED_BY_STRANGERS: &str = "another tab has the connection, with another version of this page: \
     reload this one; what is made here is stored, and sent by that tab";

/// What becomes of an edit.
type Outcome = Result<Version, EditError>;

/// What a batch changed.
#[derive(Debug, Default)]
pub(super) struct Batch {
    status: bool,
    boards: SortedMap<BoardId, BoardNews>,
    outboxes: SortedSet<BoardId>,
    /// Frames, or why there are none.
    feeds: Vec<FeedNews>,
    stored: Vec<EditId>,
    settled: Vec<(EditId, Outcome)>,
    /// What is told after all of the above.
    events: Vec<ClientEvent>,
}

/// What changed on screen of a board.
#[derive(Debug, Default)]
struct BoardNews {
    changed: SortedSet<RecordId>,
    /// As they were with the last change on screen: more may have arrived since that is not shown.
    version: Version,
    is_loaded: bool,
    refusal: Option<String>,
}

impl BoardNews {
    fn read(&mut self, replica: &Replica, id: &BoardId) {
        let board = replica.board(id);
        self.refusal = board.and_then(|board| board.refused.clone());
        let state = board.map(|board| &board.state);
        self.is_loaded = state.is_some_and(|state| state.cursor().is_some());
        self.version = state.map_or_else(Version::default, RealtimeState::version);
    }
}

/// What the driver knows apart from the machine.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// The cable is pulled.
    pub(super) network_held: bool,
    /// Why the storage cannot be read right now: nothing is written meanwhile.
    pub(super) trouble: Option<String>,
    /// A tab leads whose messages have another format.
    pub(super) is_led_by_strangers: bool,
    /// How long storage that cannot be read rests.
    pub(super) retry_ms: u64,
    /// What the browser answered when asked to keep the storage.
    pub(super) is_persistent: Option<bool>,
}

impl Batch {
    /// The status changed apart from the machine's.
    pub(super) fn status(&mut self) {
        self.status = true;
    }

    /// Whether there is nothing to publish.
    pub(super) fn is_empty(&self) -> bool {
        let nothing_read = self.boards.is_empty() && self.outboxes.is_empty() && !self.status;
        let nothing_told = self.feeds.is_empty() && self.events.is_empty();
        nothing_read && nothing_told && self.stored.is_empty() && self.settled.is_empty()
    }

    /// Everything has to be read anew: the storage was.
    pub(super) fn all(&mut self, replica: &Replica, state: &State) {
        let published = state.published();
        let known = published.boards.iter();
        for (id, board) in known {
            let news = self.boards.entry(id.clone()).or_default();
            news.changed.extend(board.records.keys().cloned());
            news.read(replica, id);
            self.outboxes.insert(id.clone());
        }
        for (id, _) in replica.boards() {
            let views = replica.views(id).into_iter().flatten();
            let news = self.boards.entry(id.clone()).or_default();
            news.changed.extend(views.map(|(record, _)| record.clone()));
            news.read(replica, id);
            self.outboxes.insert(id.clone());
        }
    }

    /// Takes what the machine tells.
    pub(super) fn take(&mut self, notice: Notice, replica: &Replica) {
        match notice {
            Notice::Status => self.status = true,
            Notice::Board { board, changed } => {
                let news = self.boards.entry(board.clone()).or_default();
                news.changed.extend(changed);
                news.read(replica, &board);
            }
            Notice::Outbox { board } => {
                self.outboxes.insert(board);
            }
            Notice::Feed(frame) => self.feeds.push(FeedNews::Frame(frame)),
            Notice::FeedError { feed, detail } => {
                self.feeds.push(FeedNews::Error { feed, detail });
            }
            Notice::EditStored { id } => self.stored.push(id),
            Notice::EditSettled {
                board,
                id,
                label,
                settlement,
            } => self.settle(board, id, label, settlement),
            told => self.events.extend(event_of(told)),
        }
    }

    fn settle(&mut self, board: BoardId, id: EditId, label: String, settlement: Settlement) {
        let outcome = match settlement {
            Settlement::Applied(version) => Ok(version),
            Settlement::Conflicted => Err(EditError::Conflicted),
            Settlement::Refused { code, detail } => Err(EditError::Refused { code, detail }),
            Settlement::Rejected { code, detail } => Err(EditError::Rejected { code, detail }),
            Settlement::RolledBack => Err(EditError::RolledBack),
            _ => Err(EditError::Discarded),
        };
        self.events.push(match &outcome {
            Ok(version) => ClientEvent::EditApplied {
                board,
                id,
                label,
                version: *version,
            },
            Err(error) => ClientEvent::EditFailed {
                board,
                id,
                label,
                detail: error.to_string(),
            },
        });
        self.settled.push((id, outcome));
    }

    /// Publishes everything. Answers the feeds that have to be asked for again.
    pub(super) fn publish(self, replica: &Replica, around: &Around, state: &State) -> Vec<u32> {
        let mut events = Vec::new();
        let mut again = Vec::new();
        let waiters = {
            let mut published = state.published();
            let Self {
                status,
                boards,
                outboxes,
                feeds,
                ..
            } = &self;
            publish_boards(&mut published, replica, boards, &mut events);
            publish_outboxes(&mut published, replica, outboxes, &mut events);
            publish_marks(&mut published, replica, boards, outboxes, state);
            if *status || !outboxes.is_empty() {
                publish_status(&mut published, replica, around, &mut events);
            }
            if !feeds.is_empty() {
                let open = published.feeds.keys();
                let dropped = open.map(|feed| replica.dropped_samples(*feed)).sum();
                published.dropped_samples = dropped;
            }
            for news in feeds {
                again.extend(publish_feed(&mut published, news, &mut events));
            }
            take_waiters(&mut published.waiters, &self.stored, self.settled)
        };
        for event in events.iter().chain(&self.events) {
            state.tell(event);
        }
        for (waiter, outcome) in waiters {
            waiter.settle(outcome);
        }
        again
    }
}

/// Those who wait for what came about: they are woken where nothing is held. That an edit waits for
/// a person does not say that it is stored.
fn take_waiters(
    waiters: &mut SortedMap<EditId, EditWaiter>,
    stored: &[EditId],
    settled: Vec<(EditId, Outcome)>,
) -> Vec<(EditWaiter, Outcome)> {
    let mut woken = Vec::new();
    for id in stored {
        if let Some(waiter) = waiters.get_mut(id) {
            woken.push((waiter.split_stored(), Ok(Version::default())));
            if waiter.is_done() {
                waiters.remove(id);
            }
        }
    }
    for (id, outcome) in settled {
        let Some(mut waiter) = waiters.remove(&id) else {
            continue;
        };
        if let Err(EditError::Conflicted | EditError::Rejected { .. }) = outcome {
            let of_storage = waiter.split_stored();
            if !of_storage.is_done() {
                waiters.insert(id, of_storage);
            }
        }
        woken.push((waiter, outcome));
    }
    woken
}

/// What is passed on as it is.
fn event_of(notice: Notice) -> Option<ClientEvent> {
    Some(match notice {
        Notice::Replaced {
            board,
            at,
            value,
            author,
        } => ClientEvent::Replaced {
            board,
            leaf: at,
            value,
            author,
        },
        Notice::Overwritten {
            board,
            at,
            value,
            by,
            version,
        } => ClientEvent::Overwritten {
            board,
            leaf: at,
            value,
            by,
            version,
        },
        Notice::Skipped {
            board,
            id,
            label,
            at,
        } => ClientEvent::Skipped {
            board,
            id,
            label,
            leaves: at,
        },
        Notice::AutoResolved {
            board,
            number,
            label,
            resolution,
            ..
        } => ClientEvent::AutoResolved {
            board,
            number,
            label,
            kept_mine: resolution == Resolution::KeepMine,
        },
        Notice::Screens(screens) => ClientEvent::Screens {
            board: screens.board,
            version: screens.version,
            asked: screens.asked,
            shown: screens.shown,
        },
        Notice::Error { code, detail } => {
            let error = ClientError::Server { code, detail };
            ClientEvent::Error(error)
        }
        _ => return None,
    })
}

fn publish_boards(
    published: &mut Published,
    replica: &Replica,
    boards: &SortedMap<BoardId, BoardNews>,
    events: &mut Vec<ClientEvent>,
) {
    for (id, news) in boards {
        let board = published.boards.entry(id.clone()).or_default();
        let state = replica.board(id).map(|board| &board.state);
        board.is_loaded = news.is_loaded;
        board.refusal.clone_from(&news.refusal);
        board.version = news.version;
        for record in &news.changed {
            match state.and_then(|state| state.views().get(record)) {
                Some(view) => board.records.insert(record.clone(), Arc::clone(view)),
                None => board.records.remove(record),
            };
        }
        events.push(ClientEvent::Board {
            board: id.clone(),
            changed: news.changed.iter().cloned().collect(),
        });
    }
}

fn publish_outboxes(
    published: &mut Published,
    replica: &Replica,
    outboxes: &SortedSet<BoardId>,
    events: &mut Vec<ClientEvent>,
) {
    for id in outboxes {
        let board = published.boards.entry(id.clone()).or_default();
        board.outbox = Arc::new(replica.entries(id));
        board.undo = replica.undo_state(id);
        events.push(ClientEvent::Outbox { board: id.clone() });
    }
}

/// What is on screen from here on, and the account of it. Once for each board: it goes over the
/// whole outbox.
fn publish_marks(
    published: &mut Published,
    replica: &Replica,
    boards: &SortedMap<BoardId, BoardNews>,
    outboxes: &SortedSet<BoardId>,
    all: &State,
) {
    let ids: SortedSet<&BoardId> = boards.keys().chain(outboxes.iter()).collect();
    for id in ids {
        if let Some(board) = published.boards.get_mut(id) {
            board.seen = replica.seen_mark(id);
            board.ledger = steps::account(all, id, replica);
        }
    }
}

fn publish_status(
    published: &mut Published,
    replica: &Replica,
    around: &Around,
    events: &mut Vec<ClientEvent>,
) {
    let machine = replica.status();
    let entries = || {
        published
            .boards
            .values()
            .flat_map(|board| board.outbox.iter())
    };
    let count = |is: fn(&EntryView) -> bool| entries().filter(|entry| is(entry)).count();
    let status = Status {
        connection: if around.is_led_by_strangers {
            let reason = LED_BY_STRANGERS.to_owned();
            Connection::Closed { reason }
        } else {
            machine.connection
        },
        storage: match &around.trouble {
            Some(reason) => StorageVerdict::NotSaved {
                reason: reason.clone(),
            },
            None => machine.storage,
        },
        is_persistent: around.is_persistent,
        user: machine.user,
        client: machine.client,
        pending: count(|entry| !entry.state.waits_for_person()),
        conflicts: count(|entry| matches!(entry.state, EntryProgress::Conflicted(_))),
        quarantined: count(|entry| matches!(entry.state, EntryProgress::Quarantined { .. })),
        last_sync_ms: machine.last_sync_ms,
        server_build: machine.server_build,
        network_held: around.network_held,
        ..Status::default()
    };
    let before = std::mem::replace(&mut published.status, status.clone());
    if before == status {
        return;
    }
    let is_news = before.storage != status.storage;
    let error = match &status.storage {
        StorageVerdict::NotSaved { reason } | StorageVerdict::Unusable { reason } if is_news => {
            let reason = reason.clone();
            Some(ClientError::Storage { reason })
        }
        _ => None,
    };
    events.push(ClientEvent::Status(status));
    events.extend(error.map(ClientEvent::Error));
}

/// Answers the feed if it has to be asked for again: an increment that does not fit what is there.
fn publish_feed(
    published: &mut Published,
    news: &FeedNews,
    events: &mut Vec<ClientEvent>,
) -> Option<u32> {
    let (FeedNews::Frame(FeedFrame { feed, .. }) | FeedNews::Error { feed, .. }) = news;
    let error = published.feeds.get_mut(feed)?.take(news);
    events.push(ClientEvent::Feed { feed: *feed });
    let detail = error?;
    if matches!(news, FeedNews::Frame(frame) if !frame.full) {
        return Some(*feed);
    }
    let error = ClientError::Feed {
        feed: *feed,
        detail,
    };
    events.push(ClientEvent::Error(error));
    None
}
