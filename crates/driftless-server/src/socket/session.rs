//! A connection after its handshake: messages in, boards and feeds out, heartbeats both ways.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use driftless_model::{BoardId, Role, limits};
use driftless_protocol::message::Subscribe;
use driftless_protocol::{ClientMessage, CloseCode, Code, Codec, Query, ServerMessage};
use driftless_sync::room::Member;
use tokio::time::{Instant, Sleep};

use crate::auth::{AuthError, SignedIn};
use crate::clock::now_ms;
use crate::driftless::Driftless;
use crate::hub::{Closing, Delivery, Doubts, Follower, Outbound, board_error};
use crate::pace::Pace;
use crate::proxies::Remote;
use crate::socket::outgoing::Outgoing;
use crate::socket::viewer::Viewer;
use crate::socket::wire::{End, Incoming, Wire};

/// Messages that are read before what they lead to is written.
const READ_AT_ONCE: usize = 64;
/// Deliveries in one write.
const WRITTEN_AT_ONCE: usize = 256;
/// Writes before the connection is read again.
const WRITES_AT_ONCE: usize = 4;
/// Pings to a silent peer; the last one is the end.
const PINGS: u32 = 3;
/// How long what is being written may still take once the connection is told to end.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// One connection after its handshake.
pub struct Session {
    driftless: Driftless,
    follower: Follower,
    viewer: Viewer,
    signed_in: SignedIn,
    remote: Remote,
    codec: Codec,
    /// Answers that are not written yet.
    replies: Vec<Outbound>,
    pace: Pace,
    heard_at: Instant,
    pings: u32,
    /// Runs out no later than the peer has been silent for too long.
    silence: Pin<Box<Sleep>>,
}

/// What a connection waits for.
enum Woken {
    /// Something came in.
    Heard(Incoming),
    /// There is something to write.
    Rung,
    /// The timer ran out.
    Silence,
}

impl Session {
    /// A connection of this user, entered as `follower`.
    pub fn new(
        driftless: Driftless,
        follower: Follower,
        signed_in: SignedIn,
        remote: Remote,
        codec: Codec,
    ) -> Self {
        let feeds = driftless.feeds().clone();
        let viewer = Viewer::new(feeds, follower.connection(), follower.mailbox().clone());
        let pace = Pace::new(driftless.allowance());
        let heard_at = Instant::now();
        let silence = tokio::time::sleep_until(heard_at + driftless.heartbeat() / PINGS);
        Self {
            driftless,
            follower,
            viewer,
            signed_in,
            remote,
            codec,
            replies: Vec::new(),
            pace,
            heard_at,
            pings: 0,
            silence: Box::pin(silence),
        }
    }

    /// Serves the connection until it ends.
    pub async fn run(mut self: Box<Self>, wire: &mut Wire) -> End {
        loop {
            if let Err(end) = self.step(wire).await {
                return end;
            }
        }
    }

    async fn step(&mut self, wire: &mut Wire) -> Result<(), End> {
        self.write(wire).await?;
        match poll_fn(|context| self.poll_woken(wire, context)).await {
            // Boxed, so that a connection needs room for it only while it takes something.
            Woken::Heard(incoming) => Box::pin(self.take_all(incoming, wire)).await,
            Woken::Rung => Ok(()),
            Woken::Silence => self.ping_if_silent(wire),
        }
    }

    fn poll_woken(&mut self, wire: &mut Wire, context: &mut Context<'_>) -> Poll<Woken> {
        if let Poll::Ready(incoming) = wire.poll_receive(context) {
            return Poll::Ready(Woken::Heard(incoming));
        }
        if self.follower.mailbox().poll_rung(context).is_ready() {
            return Poll::Ready(Woken::Rung);
        }
        let silence = self.silence.as_mut().poll(context);
        silence.map(|()| Woken::Silence)
    }

    fn heartbeat(&self) -> Duration {
        self.driftless.heartbeat()
    }

    /// The timer is only set anew once it has run out, not with everything that is heard.
    fn ping_if_silent(&mut self, wire: &Wire) -> Result<(), End> {
        self.end_if_expired()?;
        if Instant::now() >= self.silent_at(wire) {
            self.ping()?;
        }
        let silent_at = self.silent_at(wire);
        self.silence.as_mut().reset(silent_at);
        Ok(())
    }

    /// Found out with everything that comes in, and a third of the heartbeat later at most.
    fn end_if_expired(&self) -> Result<(), End> {
        let in_time = self.signed_in.in_time(now_ms());
        in_time.map_err(|error| end_of(&error))
    }

    /// When the next ping is due. The one that is the end waits for what is on its way.
    fn silent_at(&self, wire: &Wire) -> Instant {
        let pings = self.pings + 1;
        let silent_from = if pings < PINGS {
            self.heard_at
        } else {
            wire.silent_from(self.heard_at)
        };
        silent_from + self.heartbeat() / PINGS * pings
    }

    /// The peer was silent for another third of the heartbeat.
    fn ping(&mut self) -> Result<(), End> {
        self.pings += 1;
        if self.pings >= PINGS {
            let reason = format!("nothing was heard for {} ms", self.heartbeat().as_millis());
            return Err(End::close(Closing::new(CloseCode::TimedOut, reason)));
        }
        let nonce = u64::from(self.pings);
        self.reply(&ServerMessage::Ping { nonce, ahead: 0 });
        Ok(())
    }

    fn reply(&mut self, message: &ServerMessage) {
        self.replies.push(Outbound::message(self.codec, message));
    }

    /// Writes what is there, many messages in one write; edits go before feeds.
    async fn write(&mut self, wire: &mut Wire) -> Result<(), End> {
        for _ in 0..WRITES_AT_ONCE {
            self.settle_doubts().await?;
            let mut outgoing = Outgoing::new(std::mem::take(&mut self.replies));
            let mut deliveries = Vec::new();
            let delivering = self.follower.deliver(WRITTEN_AT_ONCE, &mut deliveries);
            let is_all = delivering.await;
            for delivery in deliveries {
                if let Delivery::Close(closing) = delivery {
                    let last = wire.send_all(outgoing.frames);
                    return Err(end_after(last, closing).await);
                }
                outgoing.add(&delivery, self.follower.client(), self.codec);
            }
            if is_all {
                let feeds = self.viewer.frames(self.codec);
                outgoing.frames.extend(feeds);
            }
            let frames = std::mem::take(&mut outgoing.frames);
            self.send_all(wire, frames).await?;
            outgoing.written(self.driftless.metrics());
            if is_all {
                return Ok(());
            }
        }
        self.follower.mailbox().ring();
        Ok(())
    }

    /// Writes frames. One that is told to end meanwhile does not wait until its peer reads.
    async fn send_all(&self, wire: &mut Wire, frames: Vec<Outbound>) -> Result<(), End> {
        let mut sending = pin!(wire.send_all(frames));
        let told = poll_fn(|context| {
            if let Poll::Ready(sent) = sending.as_mut().poll(context) {
                return Poll::Ready(Err(sent));
            }
            let told = self.follower.mailbox().poll_told_to_end(context);
            told.map(Ok)
        });
        match told.await {
            Err(sent) => sent,
            Ok(closing) => Err(end_after(sending, closing).await),
        }
    }

    /// Takes what came in, and what came in with it.
    async fn take_all(&mut self, first: Incoming, wire: &mut Wire) -> Result<(), End> {
        self.heard_at = Instant::now();
        self.pings = 0;
        let mut incoming = first;
        for _ in 1..READ_AT_ONCE {
            self.take(incoming).await?;
            match wire.receive_now().await {
                Some(next) => incoming = next,
                None => return Ok(()),
            }
        }
        self.take(incoming).await
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), End> {
        let message = match incoming {
            Incoming::Message(message) => *message,
            Incoming::Heard => {
                self.keep_pace(false)?;
                return self.end_if_expired();
            }
            Incoming::End(end) => return Err(end),
        };
        let is_request = matches!(
            message,
            ClientMessage::Subscribe(_)
                | ClientMessage::OpenFeed { .. }
                | ClientMessage::AskScreens { .. }
                | ClientMessage::Token { .. }
        );
        self.keep_pace(is_request)?;
        // With a fresh token they may go on whose time is over.
        if !matches!(message, ClientMessage::Token { .. }) {
            self.end_if_expired()?;
            self.settle_doubts().await?;
        }
        let answered = match message {
            ClientMessage::Subscribe(subscribe) => self.subscribe(subscribe).await?,
            ClientMessage::Unsubscribe { board } => {
                self.follower.leave(&board).await;
                Ok(())
            }
            ClientMessage::Push(push) => self.follower.push(push).await,
            ClientMessage::OpenFeed { feed, query } => self.open_feed(feed, query).await?,
            ClientMessage::CloseFeed { feed } => {
                self.viewer.close(feed);
                Ok(())
            }
            ClientMessage::AskScreens { board, version } => {
                self.follower.ask_screens(&board, version).await
            }
            ClientMessage::Shown {
                board,
                version,
                ago_ms,
            } => {
                self.follower.shown(&board, version, ago_ms).await;
                Ok(())
            }
            ClientMessage::Token { token } => return self.renew(&token).await,
            ClientMessage::Ping { nonce } => Err(Box::new(ServerMessage::Pong { nonce })),
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Hello(_) => {
                let detail = "Hello comes once, as the first message";
                return Err(End::violation(Code::Malformed, detail));
            }
            _ => {
                let detail = "this message is not known to this server; update it";
                return Err(End::violation(Code::Malformed, detail));
            }
        };
        if let Err(answer) = answered {
            self.reply(&answer);
        }
        Ok(())
    }

    /// Ends who sends too much: messages, and the control frames of WebSocket.
    fn keep_pace(&mut self, is_request: bool) -> Result<(), End> {
        self.pace.message(is_request).map_err(|wait| {
            let detail = "too many messages of this connection; send fewer at once";
            End::too_fast(wait, detail)
        })
    }

    /// Opens a feed, if the user may see any.
    async fn open_feed(
        &mut self,
        feed: u32,
        query: Query,
    ) -> Result<Result<(), Box<ServerMessage>>, End> {
        if self.may_see_feeds().await? {
            return Ok(self.viewer.open(feed, query));
        }
        Ok(Err(self.viewer.refuse(feed, &self.signed_in.user)))
    }

    async fn may_see_feeds(&self) -> Result<bool, End> {
        let auth = self.driftless.auth();
        let may_see = auth.may_see_feeds(&self.signed_in.user).await;
        may_see.map_err(|error| end_of(&error))
    }

    /// Closes the feeds of somebody who may not see them any more.
    async fn look_at_feeds(&mut self) -> Result<(), End> {
        if self.viewer.has_feeds() && !self.may_see_feeds().await? {
            for error in self.viewer.refuse_all(&self.signed_in.user) {
                self.reply(&error);
            }
        }
        Ok(())
    }

    /// Follows a board, as far as the user may.
    async fn subscribe(
        &mut self,
        subscribe: Subscribe,
    ) -> Result<Result<(), Box<ServerMessage>>, End> {
        let Subscribe { board, cursor } = subscribe;
        let role = self.role(&board).await?;
        if role.may_read() {
            let member = self.member(role);
            return Ok(self.follower.follow(&board, member, cursor).await);
        }
        if self.follower.follows(&board) {
            let why_not = self.why_not(&board).await?;
            return Ok(self.follower.set_role(&board, role, why_not).await);
        }
        let why_not = self.why_not(&board).await?;
        let user = &self.signed_in.user;
        let why_not = why_not.unwrap_or_else(|| format!("{user} may not read the board {board}"));
        Ok(Err(board_error(&board, Code::Forbidden, why_not)))
    }

    /// Why nobody may read a board, where that is not about this user.
    async fn why_not(&self, board: &BoardId) -> Result<Option<String>, End> {
        let is_deleted = self.driftless.is_deleted(board).await;
        let is_deleted = is_deleted.map_err(|error| {
            End::fault(CloseCode::Overloaded, Code::Unavailable, error.to_string())
        })?;
        Ok(is_deleted.then(|| format!("the board {board} was deleted")))
    }

    async fn role(&self, board: &BoardId) -> Result<Role, End> {
        let role = self.driftless.role(&self.signed_in.user, board).await;
        role.map_err(|error| end_of(&error))
    }

    /// Follows the boards that came with `Hello`.
    pub async fn subscribe_all(&mut self, boards: Vec<Subscribe>) -> Result<(), End> {
        for subscribe in boards {
            if let Err(error) = self.subscribe(subscribe).await? {
                self.reply(&error);
            }
        }
        Ok(())
    }

    fn member(&self, role: Role) -> Member {
        Member {
            client: self.follower.client(),
            user: self.signed_in.user.clone(),
            role,
        }
    }

    /// Asks again where rights may have changed.
    async fn settle_doubts(&mut self) -> Result<(), End> {
        let doubts = self.follower.mailbox().take_doubts();
        if doubts == Doubts::None {
            return Ok(());
        }
        Box::pin(self.ask_again(&doubts)).await
    }

    async fn ask_again(&mut self, doubts: &Doubts) -> Result<(), End> {
        confirm(&self.driftless, &self.signed_in).await?;
        self.look_at_feeds().await?;
        let boards = self.follower.boards();
        let boards = boards.filter(|board| doubts.are_about(board)).cloned();
        for board in boards.collect::<Vec<_>>() {
            let role = self.role(&board).await?;
            let why_not = if role.may_read() {
                None
            } else {
                self.why_not(&board).await?
            };
            if let Err(error) = self.follower.set_role(&board, role, why_not).await {
                self.reply(&error);
            }
        }
        Ok(())
    }

    /// A fresh token of the same user; their rights may have changed with it.
    async fn renew(&mut self, token: &str) -> Result<(), End> {
        let signed_in = sign_in(&self.driftless, Some(token), self.remote).await?;
        let user = &self.signed_in.user;
        if signed_in.user != *user {
            let detail = format!("the token is not of {user}; connect again");
            return Err(End::fault(CloseCode::Unauthorised, Code::WrongUser, detail));
        }
        self.signed_in = signed_in;
        self.ask_again(&Doubts::All).await
    }
}

/// The end of a connection, once a last write is done or has taken too long.
async fn end_after(last: impl Future<Output = Result<(), End>>, closing: Closing) -> End {
    match tokio::time::timeout(LAST_WRITE, last).await {
        Ok(Err(end)) => end,
        Ok(Ok(())) | Err(_) => End::close(closing),
    }
}

/// Who a token stands for, or the end of the connection.
pub async fn sign_in(
    driftless: &Driftless,
    token: Option<&str>,
    remote: Remote,
) -> Result<SignedIn, End> {
    let limit = limits::TOKEN_BYTES_MAX;
    if token.is_some_and(|token| token.len() > limit) {
        let detail = format!("a token has at most {limit} bytes");
        return Err(End::violation(Code::TooLarge, detail));
    }
    let signed_in = driftless.authenticate(token, remote).await;
    signed_in.map_err(|error| end_of(&error))
}

/// Ends the connection of somebody who may not stay.
pub async fn confirm(driftless: &Driftless, signed_in: &SignedIn) -> Result<(), End> {
    let confirmed = driftless.auth().confirm(signed_in).await;
    confirmed.map_err(|error| end_of(&error))
}

fn end_of(error: &AuthError) -> End {
    match error {
        // The code says already that nobody is signed in.
        AuthError::Unauthorised { reason } => {
            End::fault(CloseCode::Unauthorised, Code::Unauthorised, reason)
        }
        AuthError::Unavailable { .. } => {
            End::fault(CloseCode::Overloaded, Code::Unavailable, error.to_string())
        }
    }
}
