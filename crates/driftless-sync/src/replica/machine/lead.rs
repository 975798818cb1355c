//! The tab that leads, for the others: it takes in what they store, says how it is connected, and
//! serves the boards and feeds that they follow.

use driftless_model::BoardId;
use driftless_protocol::durable::Row;
use driftless_protocol::message::ClientMessage;
use driftless_protocol::tab::{Leads, TabConnection, Wants};
use driftless_protocol::{TabId, TabMessage};

use crate::replica::board::{StoredBoard, Stream};
use crate::replica::machine::{Phase, Replica};
use crate::replica::tab_feeds::Change;
use crate::replica::tabs::StoredReplica;
use crate::replica::types::Now;
use crate::replica::view::Connection;
use driftless_model::SortedSet;

impl Replica {
    /// This tab leads from now on.
    pub(super) fn lead(&mut self) {
        if let Some(tabs) = &mut self.tabs {
            tabs.is_elected = false;
            tabs.leader = None;
            tabs.asked = None;
        }
    }

    /// Takes charge of edits that other tabs stored before anybody took them in.
    pub(super) fn take_charge(&mut self) {
        for (id, board) in &mut self.boards {
            let confirmed = board.state.confirmed();
            let mut touched = board.all_records();
            board
                .outbox
                .take_charge(confirmed, &mut self.journal, &mut touched);
            self.processor.local(id, touched);
        }
    }

    /// Takes in what other tabs stored.
    pub(super) fn adopt(&mut self, stored: &StoredReplica, rows: &[Row], now: Now) {
        let tabs = rows.iter().find(|row| matches!(row, Row::Tabs(_)));
        if let Some(row) = tabs {
            self.journal.learn(row.key(), Some(row.clone()));
        }
        let none = StoredBoard::default();
        let known: Vec<BoardId> = self.boards.keys().cloned().collect();
        for id in stored.boards.keys().chain(&known).collect::<SortedSet<_>>() {
            let own = stored.boards.get(id).unwrap_or(&none);
            self.board_mut(id);
            let Some(board) = self.boards.get_mut(id) else {
                continue;
            };
            let step = board.adopt(&own.outbox, &mut self.journal);
            if step.is_news {
                self.finish(id, step, now);
            }
        }
    }

    /// The server's history is another one: tabs that store an edit right now have to know.
    pub(super) fn share_history(&mut self, id: &BoardId) {
        let Some(board) = self.boards.get(id).filter(|_| self.tabs.is_some()) else {
            return;
        };
        let history = board.outbox.history();
        if let Some(row) = &mut self.row
            && row.history != history
        {
            row.history = history;
            self.store_row();
            for board in self.boards.values_mut() {
                board.outbox.go_to_history(history);
            }
        }
    }

    /// Tells the other tabs that this one leads, and how it is connected.
    pub(super) fn announce(&mut self, now: Now) {
        let Some(tabs) = self.tabs.as_ref().filter(|_| self.phase == Phase::Leading) else {
            return;
        };
        let status = self.status();
        let leads = Leads {
            tab: tabs.me,
            term: self.row.as_ref().map_or(0, |row| row.term),
            changed: tabs.changed(),
            connection: told(&status.connection, now),
            wish: self.wish,
            user: status.user,
            server_build: status.server_build,
            last_sync_ms: status.last_sync_ms,
        };
        self.tell(TabMessage::Leads(leads));
    }

    /// Another tab says what it wants.
    pub(super) fn serve(&mut self, wants: &Wants, now: Now) {
        if self.phase != Phase::Leading {
            return;
        }
        if wants.read > self.journal.tab_writes() {
            self.want_reading();
        }
        let changes = self.tab_feeds.want(wants, now.mono_ms);
        self.change_feeds(changes);
        self.follow_for_others();
        self.announce(now);
    }

    pub(super) fn serve_again(&mut self, tab: TabId, feed: u32) {
        let change = self.tab_feeds.again(tab, feed);
        self.change_feeds(change.into_iter().collect());
    }

    pub(super) fn forget_silent_tabs(&mut self, now: Now) {
        if let Some(changes) = self.tab_feeds.forget_silent(now.mono_ms) {
            // It may have been closed before it could tell what it wrote last.
            self.want_reading();
            self.change_feeds(changes);
        }
    }

    fn want_reading(&mut self) {
        if let Some(tabs) = &mut self.tabs {
            tabs.want_reading();
        }
    }

    fn change_feeds(&mut self, changes: Vec<Change>) {
        if !self.socket.is_online() {
            return;
        }
        for change in changes {
            self.send(match change {
                Change::Open(feed, query) => ClientMessage::OpenFeed { feed, query },
                Change::Close(feed) => ClientMessage::CloseFeed { feed },
            });
        }
    }

    fn follow_for_others(&mut self) {
        for id in self.tab_feeds.boards() {
            self.board_mut(&id);
        }
        let is_online = self.socket.is_online();
        let mut left = Vec::new();
        for (id, board) in &mut self.boards {
            board.is_followed_elsewhere = self.tab_feeds.follows(id);
            if is_online && !board.wants_stream() && board.stream != Stream::Detached {
                board.stream = Stream::Detached;
                left.push(id.clone());
            }
        }
        for board in left {
            self.send(ClientMessage::Unsubscribe { board });
        }
    }
}

/// A connection as other tabs are told of it: each has a clock of its own.
fn told(connection: &Connection, now: Now) -> TabConnection {
    match connection.clone() {
        Connection::Idle => TabConnection::Idle,
        Connection::Connecting { attempt } | Connection::Handshaking { attempt } => {
            TabConnection::Connecting { attempt }
        }
        Connection::Online {
            session,
            latency_ms,
        } => TabConnection::Online {
            session,
            latency_ms,
        },
        Connection::Waiting {
            attempt,
            retry_at_ms,
            reason,
        } => TabConnection::Waiting {
            attempt,
            retry_in_ms: retry_at_ms.saturating_sub(now.mono_ms),
            reason,
        },
        Connection::Offline => TabConnection::Offline,
        Connection::Unauthorised { reason } => TabConnection::Unauthorised { reason },
        Connection::Closed { reason } => TabConnection::Closed { reason },
    }
}

/// The connection of the tab that leads, by this tab's clock.
pub(super) fn connection(told: TabConnection, now: Now) -> Connection {
    match told {
        TabConnection::Idle => Connection::Idle,
        TabConnection::Connecting { attempt } => Connection::Connecting { attempt },
        TabConnection::Online {
            session,
            latency_ms,
        } => Connection::Online {
            session,
            latency_ms,
        },
        TabConnection::Waiting {
            attempt,
            retry_in_ms,
            reason,
        } => Connection::Waiting {
            attempt,
            retry_at_ms: now.mono_ms.saturating_add(retry_in_ms),
            reason,
        },
        TabConnection::Offline => Connection::Offline,
        TabConnection::Unauthorised { reason } => Connection::Unauthorised { reason },
        TabConnection::Closed { reason } => Connection::Closed { reason },
    }
}
