//! The connection: connect, hand-shake, heartbeat, reconnect with full jitter, close codes.

use driftless_model::limits;
use driftless_protocol::codes::{CloseCode, Next, next_after};
use driftless_protocol::message::Welcome;
use rand_core::RngCore;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::replica::realtime_config::RealtimeConfig;
use crate::replica::view::Connection;

/// What the manager wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Open a socket with this number.
    Open(u64),
    /// Close the socket with this number.
    Close(u64),
    /// The socket is open: say hello.
    Hello,
    /// Ask whether the peer is there.
    Ping(u64),
}

/// How often a client may be replaced in short succession before its identity counts as contested.
const REPLACED_MAX: u32 = 3;
/// A connection that was online for so long was not contested, in milliseconds.
const STEADY_MS: u64 = 60_000;

/// The connection of a replica. `handle`-like methods push what is wanted to `actions`.
#[derive(Debug)]
pub struct WebsocketManager {
    connection: Connection,
    /// The number of the current socket, or of the last one.
    socket: u64,
    is_wanted: bool,
    has_network: bool,
    attempt: u32,
    /// The server asked not to come back before.
    not_before_ms: u64,
    /// When the current socket has to be online, or was heard of last.
    deadline_ms: u64,
    heartbeat_ms: u64,
    ping_at_ms: u64,
    ping_sent: Option<(u64, u64)>,
    /// How long the largest push may take that the server may not have yet, where that is long.
    /// What waits behind it in the system is heard of no sooner.
    push_ms: u64,
    /// How often another connection of the same client came, in short succession.
    replaced: u32,
    online_since_ms: u64,
    rng: Xoshiro256PlusPlus,
}

impl WebsocketManager {
    /// Idle, with network until told otherwise.
    pub fn new(rng: Xoshiro256PlusPlus) -> Self {
        Self {
            connection: Connection::Idle,
            socket: 0,
            is_wanted: false,
            has_network: true,
            attempt: 0,
            not_before_ms: 0,
            deadline_ms: 0,
            heartbeat_ms: 0,
            ping_at_ms: 0,
            ping_sent: None,
            push_ms: 0,
            replaced: 0,
            online_since_ms: 0,
            rng,
        }
    }

    /// The state.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether the server answered the hello of this socket.
    pub fn is_online(&self) -> bool {
        matches!(self.connection, Connection::Online { .. })
    }

    /// Whether somebody keeps connecting as this client: a copy of its storage, as it seems. Where
    /// it is a tab that took over, the storage refuses the new identity.
    pub fn is_contested(&self) -> bool {
        self.replaced >= REPLACED_MAX
    }

    /// Whether events of this socket still count.
    pub fn is_current(&self, socket: u64) -> bool {
        self.socket == socket && self.has_socket()
    }

    fn has_socket(&self) -> bool {
        matches!(
            self.connection,
            Connection::Connecting { .. }
                | Connection::Handshaking { .. }
                | Connection::Online { .. }
        )
    }

    /// Connects now, whatever the state but online.
    pub fn connect(&mut self, now_ms: u64, config: &RealtimeConfig, actions: &mut Vec<Action>) {
        self.is_wanted = true;
        if self.has_socket() {
            return;
        }
        self.attempt = 0;
        self.not_before_ms = 0;
        self.open(now_ms, config, actions);
    }

    /// Disconnects until asked to connect.
    pub fn disconnect(&mut self, actions: &mut Vec<Action>) {
        self.is_wanted = false;
        self.close(actions);
        self.connection = Connection::Idle;
    }

    /// Closes for good, until asked to connect.
    pub fn close_for(&mut self, reason: &str, actions: &mut Vec<Action>) {
        self.is_wanted = false;
        self.close(actions);
        self.connection = Connection::Closed {
            reason: reason.to_owned(),
        };
    }

    /// Closes and connects again at once.
    pub fn restart(&mut self, now_ms: u64, config: &RealtimeConfig, actions: &mut Vec<Action>) {
        self.replaced = 0;
        if self.is_wanted {
            self.close(actions);
            self.attempt = 0;
            self.open(now_ms, config, actions);
        }
    }

    /// Closes, and connects again after a wait: the server sent something that is no message.
    pub fn restart_later(
        &mut self,
        now_ms: u64,
        config: &RealtimeConfig,
        actions: &mut Vec<Action>,
    ) {
        self.close(actions);
        self.wait(
            "the server sent something unreadable".to_owned(),
            0,
            now_ms,
            config,
        );
    }

    /// Does not wait any longer before the next attempt.
    pub fn hurry(&mut self, now_ms: u64) {
        if let Connection::Waiting { retry_at_ms, .. } = &mut self.connection {
            *retry_at_ms = now_ms;
        }
    }

    /// The device's network came or went.
    pub fn network(
        &mut self,
        has_network: bool,
        now_ms: u64,
        config: &RealtimeConfig,
        actions: &mut Vec<Action>,
    ) {
        self.has_network = has_network;
        match (has_network, self.is_wanted) {
            (true, true) => self.connect(now_ms, config, actions),
            (false, true) => {
                self.close(actions);
                self.connection = Connection::Offline;
            }
            _ => {}
        }
    }

    /// The socket opened.
    pub fn opened(&mut self, actions: &mut Vec<Action>) {
        let attempt = self.attempt;
        self.connection = Connection::Handshaking { attempt };
        actions.push(Action::Hello);
    }

    /// The server answered the hello.
    pub fn welcomed(&mut self, welcome: &Welcome, now_ms: u64) {
        let session = welcome.session.clone();
        self.connection = Connection::Online {
            session,
            latency_ms: None,
        };
        self.attempt = 0;
        self.online_since_ms = now_ms;
        self.heartbeat_ms = welcome.heartbeat_ms.clamp(1_000, limits::WAIT_MS_MAX);
        self.deadline_ms = now_ms + self.heartbeat_ms;
        self.ping_at_ms = now_ms;
        self.ping_sent = None;
        self.push_ms = 0;
    }

    /// Anything came from the server.
    pub fn heard(&mut self, now_ms: u64) {
        if self.is_online() {
            self.deadline_ms = now_ms + self.heartbeat_ms + self.push_ms;
        }
    }

    /// The server, which was just heard, has so many bytes come next: until they are there, nothing
    /// is heard.
    pub fn announced(&mut self, bytes: u64) {
        if self.is_online() {
            self.deadline_ms += transfer_ms(bytes.min(limits::RESUME_BYTES_MAX as u64));
        }
    }

    /// A push of so many bytes goes out. Each is answered once it is there, so of many under way
    /// the largest is the one that counts. A pong to a ping from here on says that all are.
    pub fn pushed(&mut self, bytes: usize, now_ms: u64) {
        if bytes > limits::UNANNOUNCED_BYTES_MAX {
            self.ping_sent = None;
            self.push_ms = self.push_ms.max(transfer_ms(bytes as u64));
            let deadline_ms = now_ms + self.heartbeat_ms + self.push_ms;
            self.deadline_ms = self.deadline_ms.max(deadline_ms);
        }
    }

    /// The answer to a ping came.
    pub fn ponged(&mut self, nonce: u64, now_ms: u64) {
        let Connection::Online { latency_ms, .. } = &mut self.connection else {
            return;
        };
        if let Some((sent, at_ms)) = self.ping_sent.take_if(|(sent, _)| *sent == nonce) {
            debug_assert_eq!(sent, nonce, "taken for its nonce");
            *latency_ms = Some(now_ms.saturating_sub(at_ms));
            self.push_ms = 0;
        }
    }

    /// The server asked to come back later.
    pub fn told_to_wait(&mut self, until_ms: u64) {
        self.not_before_ms = until_ms;
    }

    /// The socket closed.
    pub fn closed(
        &mut self,
        code: Option<u16>,
        reason: &str,
        now_ms: u64,
        config: &RealtimeConfig,
    ) {
        let reason = match code.and_then(CloseCode::of) {
            Some(code) if reason.is_empty() => code.cause().to_owned(),
            _ => reason.to_owned(),
        };
        match next_after(code.unwrap_or(0)) {
            Next::Retry => self.wait(reason, 0, now_ms, config),
            Next::RetryLater => self.wait(reason, config.retry_later_ms(), now_ms, config),
            Next::Reauthenticate => self.connection = Connection::Unauthorised { reason },
            // The newest connection of a replica wins; whether this one still leads, the storage
            // says. Until then it comes back like after any other loss.
            Next::Never if code == Some(CloseCode::Replaced.number()) => {
                if now_ms.saturating_sub(self.online_since_ms) > STEADY_MS {
                    self.replaced = 0;
                }
                self.replaced += 1;
                self.wait(reason, 0, now_ms, config);
            }
            Next::Never => self.connection = Connection::Closed { reason },
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now_ms: u64, config: &RealtimeConfig, actions: &mut Vec<Action>) {
        match self.connection {
            Connection::Waiting { retry_at_ms, .. } if now_ms >= retry_at_ms => {
                self.open(now_ms, config, actions);
            }
            Connection::Connecting { .. } | Connection::Handshaking { .. }
                if now_ms >= self.deadline_ms =>
            {
                self.close(actions);
                self.wait("the server did not answer".to_owned(), 0, now_ms, config);
            }
            Connection::Online { .. } if now_ms >= self.deadline_ms => {
                self.close(actions);
                self.wait(
                    "nothing was heard from the server".to_owned(),
                    0,
                    now_ms,
                    config,
                );
            }
            Connection::Online { .. } if now_ms >= self.ping_at_ms => {
                self.ping_at_ms = now_ms + self.heartbeat_ms / 3;
                let nonce = u64::from(self.rng.next_u32());
                self.ping_sent = Some((nonce, now_ms));
                actions.push(Action::Ping(nonce));
            }
            _ => {}
        }
    }

    /// When the next tick is due.
    pub fn due_at_ms(&self) -> Option<u64> {
        match self.connection {
            Connection::Waiting { retry_at_ms, .. } => Some(retry_at_ms),
            Connection::Connecting { .. } | Connection::Handshaking { .. } => {
                Some(self.deadline_ms)
            }
            Connection::Online { .. } => Some(self.deadline_ms.min(self.ping_at_ms)),
            _ => None,
        }
    }

    /// A number between 0 and `most`, both included.
    pub fn draw(&mut self, most: u64) -> u64 {
        self.rng.next_u64() % most.saturating_add(1).max(1)
    }

    fn open(&mut self, now_ms: u64, config: &RealtimeConfig, actions: &mut Vec<Action>) {
        if !self.has_network {
            self.connection = Connection::Offline;
            return;
        }
        self.attempt += 1;
        self.socket += 1;
        self.deadline_ms = now_ms + config.handshake_timeout_ms();
        self.connection = Connection::Connecting {
            attempt: self.attempt,
        };
        actions.push(Action::Open(self.socket));
    }

    fn close(&mut self, actions: &mut Vec<Action>) {
        if self.has_socket() {
            actions.push(Action::Close(self.socket));
        }
    }

    /// Full jitter: anything between nothing and a bound that doubles.
    fn wait(&mut self, reason: String, least_ms: u64, now_ms: u64, config: &RealtimeConfig) {
        let doublings = self.attempt.min(20);
        let bound = config.backoff_base_ms().saturating_mul(1 << doublings);
        let delay_ms = least_ms + self.draw(bound.min(config.backoff_max_ms()));
        let retry_at_ms = (now_ms + delay_ms).max(self.not_before_ms);
        self.connection = Connection::Waiting {
            attempt: self.attempt + 1,
            retry_at_ms,
            reason,
        };
    }
}

/// How long so many bytes may take.
fn transfer_ms(bytes: u64) -> u64 {
    bytes / limits::BYTES_PER_MS_MIN
}

#[cfg(test)]
mod tests {
    use driftless_model::UserId;
    use rand_core::SeedableRng as _;

    use super::*;

    /// The bytes of a push, or of what a server announces, that is just large enough.
    const LARGE: usize = limits::UNANNOUNCED_BYTES_MAX + 1;
    const LARGE_MS: u64 = LARGE as u64 / limits::BYTES_PER_MS_MIN;

    /// Online since the time 0, with a heartbeat of 15 s, and heard at that time.
    fn online() -> WebsocketManager {
        let mut manager = WebsocketManager::new(Xoshiro256PlusPlus::seed_from_u64(1));
        let mut actions = Vec::new();
        manager.connect(0, &RealtimeConfig::default(), &mut actions);
        manager.opened(&mut actions);
        let welcome = Welcome {
            protocol: 1,
            protocol_min: 1,
            session: "s".to_owned(),
            user: UserId::new("Ann").expect("a user"),
            build: "b".to_owned(),
            heartbeat_ms: 15_000,
            now_ms: 0,
            asks_screens: false,
        };
        manager.welcomed(&welcome, 0);
        manager
    }

    /// The ping that is sent at a time, if any.
    fn tick(manager: &mut WebsocketManager, now_ms: u64) -> Option<u64> {
        let mut actions = Vec::new();
        manager.tick(now_ms, &RealtimeConfig::default(), &mut actions);
        actions.iter().find_map(|action| match action {
            Action::Ping(nonce) => Some(*nonce),
            _ => None,
        })
    }

    #[track_caller]
    fn assert_lasts_until(manager: &mut WebsocketManager, end_ms: u64) {
        tick(manager, end_ms - 1);
        assert!(manager.is_online(), "before {end_ms}");
        tick(manager, end_ms);
        assert!(!manager.is_online(), "at {end_ms}");
    }

    #[test]
    fn what_is_announced_has_the_time_that_it_takes_and_what_is_heard_ends_that() {
        let mut manager = online();
        manager.heard(1_000);
        manager.announced(1_200_000);
        assert_lasts_until(&mut manager, 1_000 + 15_000 + 150_000);

        let mut manager = online();
        manager.heard(1_000);
        manager.announced(1_200_000);
        manager.heard(2_000);
        assert_lasts_until(&mut manager, 2_000 + 15_000);
    }

    #[test]
    fn no_server_has_a_client_wait_longer_than_for_the_largest_resume() {
        let most = limits::RESUME_BYTES_MAX as u64;
        for bytes in [most, most + 1, u64::MAX] {
            let mut manager = online();
            manager.heard(0);
            manager.announced(bytes);
            assert_lasts_until(&mut manager, 15_000 + most / limits::BYTES_PER_MS_MIN);
        }
        // Before the handshake is done it has that time, whatever is announced.
        let mut manager = online();
        manager.opened(&mut Vec::new());
        manager.announced(most);
        tick(&mut manager, 15_000);
        assert!(matches!(manager.connection, Connection::Waiting { .. }));
    }

    #[test]
    fn behind_a_large_push_the_server_has_longer_to_answer() {
        let mut manager = online();
        manager.pushed(limits::UNANNOUNCED_BYTES_MAX, 10_000);
        assert_lasts_until(&mut manager, 15_000);
        let mut manager = online();
        manager.pushed(LARGE, 10_000);
        assert_lasts_until(&mut manager, 10_000 + 15_000 + LARGE_MS);

        // An event on its way meanwhile says nothing of the push; nor does a smaller push.
        let mut manager = online();
        manager.pushed(2 * LARGE, 10_000);
        manager.heard(11_000);
        manager.pushed(LARGE, 12_000);
        manager.heard(13_000);
        assert_lasts_until(&mut manager, 13_000 + 15_000 + 2 * LARGE_MS);

        // What was announced before is no shorter for it.
        let mut manager = online();
        manager.heard(0);
        manager.announced(1_200_000);
        manager.pushed(LARGE, 1_000);
        assert_lasts_until(&mut manager, 15_000 + 150_000);
    }

    #[test]
    fn once_a_ping_is_answered_that_was_sent_behind_a_push_it_is_over() {
        let mut manager = online();
        let before = tick(&mut manager, 0).expect("asks");
        manager.pushed(LARGE, 1_000);
        manager.heard(2_000);
        manager.ponged(before, 2_000);
        let behind = tick(&mut manager, 5_000).expect("asks");
        manager.heard(6_000);
        assert_eq!(manager.deadline_ms, 6_000 + 15_000 + LARGE_MS, "not yet");
        manager.ponged(behind, 6_000);
        manager.heard(7_000);
        assert_lasts_until(&mut manager, 7_000 + 15_000);
    }
}
