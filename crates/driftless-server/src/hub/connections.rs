//! Who is connected: each client once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::{BoardId, ClientId, UserId};
use driftless_protocol::CloseCode;
use driftless_sync::room::ConnectionId;
use tokio::sync::Notify;

use crate::counts::Counts;
use crate::hub::mailbox::{Closing, Letter, Mailbox};
use crate::pace::TooFast;

/// Who is connected.
#[derive(Debug, Default)]
pub struct Connections {
    last: AtomicU64,
    all: Mutex<Entries>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    connected: HashMap<(ClientId, UserId), Connected>,
    /// How many each user has.
    of_user: Counts<UserId>,
}

#[derive(Debug)]
struct Connected {
    connection: ConnectionId,
    mailbox: Arc<Mailbox>,
}

/// A connection's entry; dropping it takes it out.
#[derive(Debug)]
pub struct Entry {
    connections: Arc<Connections>,
    key: (ClientId, UserId),
    /// The connection's number.
    pub connection: ConnectionId,
    /// Its letters and bell.
    pub mailbox: Arc<Mailbox>,
}

impl Connections {
    /// Enters a connection, unless its user has `max` others. The same client of the same user that
    /// was connected before is told to go: the newest wins. Another user's is left alone, so that
    /// nobody can close what is not theirs.
    pub fn enter(
        self: &Arc<Self>,
        client: ClientId,
        user: UserId,
        max: usize,
    ) -> Result<Entry, TooFast> {
        let connection = ConnectionId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let mailbox = Arc::new(Mailbox::default());
        let connected = Connected {
            connection,
            mailbox: mailbox.clone(),
        };
        let key = (client, user);
        if let Some(former) = self.lock().insert(&key, connected, max)? {
            let reason = "the same client connected again elsewhere";
            let closing = Closing::new(CloseCode::Replaced, reason);
            former.mailbox.post(Letter::Close(closing));
        }
        Ok(Entry {
            connections: self.clone(),
            key,
            connection,
            mailbox,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().connected.len()
    }

    /// Says that rights may have changed: of a user or of everybody, on a board or on all.
    pub fn doubt(&self, user: Option<&UserId>, board: Option<&BoardId>) {
        for ((_, own), connected) in &self.lock().connected {
            if user.is_none_or(|user| user == own) {
                connected.mailbox.doubt(board);
            }
        }
    }

    /// Tells everybody to go, each as `closing` says of its place among them, and waits until they
    /// are gone. Those who are replaced at this moment may still be on their way.
    pub async fn close_all(&self, closing: impl Fn(usize) -> Closing) {
        for (place, connected) in self.lock().connected.values().enumerate() {
            connected.mailbox.post(Letter::Close(closing(place)));
        }
        loop {
            let left = self.left.notified();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics while it is held.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// The former connection of the client, if it had one.
    fn insert(
        &mut self,
        key: &(ClientId, UserId),
        connected: Connected,
        max: usize,
    ) -> Result<Option<Connected>, TooFast> {
        if !self.connected.contains_key(key) && !self.of_user.add(key.1.clone(), max) {
            return Err(TooFast::too_many());
        }
        Ok(self.connected.insert(key.clone(), connected))
    }

    fn remove(&mut self, key: &(ClientId, UserId), connection: ConnectionId) {
        let is_own = |connected: &Connected| connected.connection == connection;
        if !self.connected.get(key).is_some_and(is_own) {
            return;
        }
        self.connected.remove(key);
        self.of_user.remove(&key.1);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut all = self.connections.lock();
        all.remove(&self.key, self.connection);
        drop(all);
        self.connections.left.notify_waiters();
    }
}
