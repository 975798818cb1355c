//! A connection's side of the boards that it follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftless_model::{BoardId, ClientId, Cursor, Role, Version, limits};
use driftless_protocol::message::{Push, Resume};
use driftless_protocol::{Code, Codec, ServerMessage};
use driftless_sync::room::{Input, Member, ends_following};

use crate::hub::actor::{Command, Seat};
use crate::hub::boards::{Boards, OpenBoard};
use crate::hub::connections::Entry;
use crate::hub::item::Item;
use crate::hub::mailbox::{Closing, Content, Letter, Mailbox};
use crate::hub::news::News;
use crate::hub::outbound::Outbound;
use crate::hub::ring::{Lagged, Portion, Taken};
use crate::hub::underway::Received;
use crate::metrics::Answer;

/// One connection, the boards that it follows, and how far it has read each.
pub struct Follower {
    boards: Arc<Boards>,
    entry: Entry,
    client: ClientId,
    codec: Codec,
    /// Boxed: a node of the map has room for eleven, and most connections follow one board.
    following: BTreeMap<BoardId, Box<Following>>,
    subscriptions: u64,
}

struct Following {
    open: OpenBoard,
    member: Member,
    subscription: u64,
    reading: Reading,
    /// The same for the room, which keeps what is not read yet.
    position: Arc<AtomicU64>,
    /// Where the replica stands once it has everything that was delivered.
    delivered: Option<Cursor>,
    unanswered: usize,
    /// Why the user may not read it, where the room does not know.
    why_not: Option<String>,
}

/// How far a board's stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// The resume is not read yet.
    Waiting,
    /// This item is next.
    At(u64),
    /// The user may not read the board: nothing is read on, and the room's refusal is the last
    /// that is delivered.
    Withdrawn,
}

/// Something for the connection's client.
#[derive(Debug)]
pub enum Delivery {
    /// A message for this connection only.
    Message(Box<ServerMessage>),
    /// A resume: what it says of the client, and of the board.
    Resume(Box<Resume>, Arc<News>),
    /// An item of a board's stream.
    Item(Arc<Item>),
    /// The connection ends.
    Close(Closing),
}

impl Delivery {
    /// The frame for a client; `None` where it gets nothing of it.
    pub fn frame(&self, client: ClientId, codec: Codec) -> Option<Outbound> {
        match self {
            Self::Message(message) => Some(Outbound::message(codec, message)),
            Self::Resume(head, news) => Some(news.frame(head)),
            Self::Item(item) => item.of(client).map(|shared| shared.frame(codec)),
            Self::Close(_) => None,
        }
    }

    /// The message for a client; `None` where it gets nothing of it.
    #[cfg(any(test, feature = "host-metrics"))]
    pub fn message(&self, client: ClientId) -> Option<ServerMessage> {
        match self {
            Self::Message(message) => Some((**message).clone()),
            Self::Resume(head, news) => Some(news.message(head)),
            Self::Item(item) => item.of(client).map(|shared| shared.message().clone()),
            Self::Close(_) => None,
        }
    }
}

impl Follower {
    /// A connection that follows nothing yet, and speaks like this.
    pub fn new(boards: Arc<Boards>, entry: Entry, client: ClientId, codec: Codec) -> Self {
        Self {
            boards,
            entry,
            client,
            codec,
            following: BTreeMap::new(),
            subscriptions: 0,
        }
    }

    /// The replica.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The connection's number.
    pub fn connection(&self) -> driftless_sync::room::ConnectionId {
        self.entry.connection
    }

    /// Its letters and bell.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.entry.mailbox
    }

    /// The boards that it follows.
    pub fn boards(&self) -> impl Iterator<Item = &BoardId> {
        self.following.keys()
    }

    /// Whether it follows a board.
    pub fn follows(&self, board: &BoardId) -> bool {
        self.following.contains_key(board)
    }

    /// Follows a board, or starts over. The answer comes as a delivery.
    pub async fn follow(
        &mut self,
        board: &BoardId,
        member: Member,
        cursor: Option<Cursor>,
    ) -> Result<(), Box<ServerMessage>> {
        let is_new = !self.following.contains_key(board);
        if is_new && self.following.len() >= limits::BOARDS_PER_CONNECTION_MAX {
            let limit = limits::BOARDS_PER_CONNECTION_MAX;
            let detail = format!("a connection follows at most {limit} boards; unsubscribe one");
            return Err(board_error(board, Code::TooLarge, detail));
        }
        let open = self.boards.open(board).ok_or_else(|| stopping(board))?;
        self.subscriptions += 1;
        let following = Following {
            open,
            member,
            subscription: self.subscriptions,
            reading: Reading::Waiting,
            position: Arc::new(AtomicU64::new(Seat::WAITING)),
            delivered: cursor,
            unanswered: 0,
            why_not: None,
        };
        let command = self.subscribe(&following);
        let sent = following.open.commands.send(command).await;
        self.following.insert(board.clone(), Box::new(following));
        sent.map_err(|_| stopping(board))
    }

    /// Follows on from what was delivered: something between that and the stream is missing.
    async fn follow_on(&mut self, board: &BoardId) -> Result<(), Box<ServerMessage>> {
        let Some(following) = self.following.get(board) else {
            return Ok(());
        };
        let (member, cursor) = (following.member.clone(), following.delivered);
        self.follow(board, member, cursor).await
    }

    /// The user's role on a board that it follows is this from here on. Where they may not read it,
    /// nothing of it is delivered any more but the room's refusal, in the words of `why_not` if
    /// there are any.
    pub async fn set_role(
        &mut self,
        board: &BoardId,
        role: Role,
        why_not: Option<String>,
    ) -> Result<(), Box<ServerMessage>> {
        let following = self.following.get_mut(board);
        let is_news = |following: &&mut Box<Following>| {
            following.reading != Reading::Withdrawn && following.member.role != role
        };
        let Some(following) = following.filter(is_news) else {
            return Ok(());
        };
        following.member.role = role;
        following.why_not = why_not;
        if !role.may_read() {
            following.reading = Reading::Withdrawn;
            following.position.store(Seat::WAITING, Ordering::Release);
        }
        let connection = self.entry.connection;
        let commands = following.open.commands.clone();
        let sent = commands.send(Command::Role { connection, role }).await;
        sent.map_err(|_| {
            self.following.remove(board);
            stopping(board)
        })
    }

    fn subscribe(&self, following: &Following) -> Command {
        Command::Subscribe {
            connection: self.entry.connection,
            seat: Seat {
                client: self.client,
                codec: self.codec,
                mailbox: self.entry.mailbox.clone(),
                subscription: following.subscription,
                position: following.position.clone(),
            },
            member: following.member.clone(),
            cursor: following.delivered,
        }
    }

    /// Follows a board no more.
    pub async fn leave(&mut self, board: &BoardId) {
        if let Some(following) = self.following.remove(board) {
            let connection = self.entry.connection;
            let command = Command::Unsubscribe { connection };
            following.open.commands.send(command).await.ok();
        }
    }

    /// Hands an edit to its board. The answer comes as a delivery.
    pub async fn push(&mut self, push: Push) -> Result<(), Box<ServerMessage>> {
        let Some(following) = self.following.get_mut(&push.board) else {
            let detail = format!("follow {} before pushing edits to it", push.board);
            return Err(board_error(&push.board, Code::NotSubscribed, detail));
        };
        if following.unanswered >= limits::UNANSWERED_PUSHES_MAX {
            self.boards.metrics().answered(Answer::Refused);
            return Err(Box::new(ServerMessage::Refused {
                board: push.board,
                seq: push.seq,
                code: Code::RateLimited,
                detail: format!(
                    "{} edits of this connection wait for an answer",
                    limits::UNANSWERED_PUSHES_MAX
                ),
                retry_after_ms: limits::UNANSWERED_RETRY_MS,
            }));
        }
        following.unanswered += 1;
        let connection = self.entry.connection;
        let commands = following.open.commands.clone();
        let board = push.board.clone();
        let command = Command::Push {
            connection,
            received: Received::now(&push, self.client),
            push,
        };
        let sent = commands.send(command).await;
        sent.map_err(|_| stopping(&board))
    }

    /// Asks on how many screens of others a version of a board is. The answers come as deliveries.
    pub async fn ask_screens(
        &self,
        board: &BoardId,
        version: Version,
    ) -> Result<(), Box<ServerMessage>> {
        let Some(following) = self.following.get(board) else {
            let detail = format!("follow {board} before asking who sees it");
            return Err(board_error(board, Code::NotSubscribed, detail));
        };
        let ask = Input::AskScreens {
            connection: self.entry.connection,
            version,
        };
        let sent = following.open.commands.send(Command::Screens(ask)).await;
        sent.map_err(|_| stopping(board))
    }

    /// A version that was asked about is on this client's screen. It may have left the board since.
    pub async fn shown(&self, board: &BoardId, version: Version, ago_ms: u64) {
        if let Some(following) = self.following.get(board) {
            let shown = Input::Shown {
                connection: self.entry.connection,
                version,
                ago_ms,
            };
            let commands = &following.open.commands;
            commands.send(Command::Screens(shown)).await.ok();
        }
    }

    /// Adds what is there for the client now, in order, about `deliveries_max` of it and not much
    /// more than 256 KiB. Says whether that was everything.
    pub async fn deliver(&mut self, deliveries_max: usize, deliveries: &mut Vec<Delivery>) -> bool {
        let (mut is_all, mut bytes_max) = (true, limits::DELIVERED_BYTES_MAX);
        while deliveries.len() < deliveries_max {
            let Some(letter) = self.entry.mailbox.take() else {
                break;
            };
            let mut portion = Portion {
                items_max: deliveries_max - deliveries.len(),
                bytes_max,
            };
            // Rare, and large: boxed, so that every connection need not have room for it.
            let opening = Box::pin(self.open_letter(letter, &mut portion, deliveries));
            if let Some(letter) = opening.await {
                self.entry.mailbox.put_back(letter);
                return false;
            }
            bytes_max = portion.bytes_max;
        }
        let mut lagged = Vec::new();
        for (board, following) in &mut self.following {
            let portion = Portion {
                items_max: deliveries_max.saturating_sub(deliveries.len()),
                bytes_max,
            };
            match following.read(u64::MAX, portion, self.client, deliveries) {
                Ok(taken) => {
                    bytes_max = bytes_max.saturating_sub(taken.bytes);
                    is_all &= taken.is_all;
                }
                Err(Lagged) => lagged.push(board.clone()),
            }
        }
        for board in lagged {
            Box::pin(self.resume_behind(&board, deliveries)).await;
        }
        is_all && deliveries.len() < deliveries_max
    }

    /// Past the ring's tail, a board is resumed in place of read.
    async fn resume_behind(&mut self, board: &BoardId, deliveries: &mut Vec<Delivery>) {
        self.boards.metrics().lagged.inc();
        if let Err(error) = self.follow_on(board).await {
            deliveries.push(Delivery::Message(error));
        }
    }

    /// Opens a letter, after what was published before it. Gives it back where a portion does not
    /// reach that far; what was read of the portion is taken off it.
    async fn open_letter(
        &mut self,
        letter: Letter,
        portion: &mut Portion,
        deliveries: &mut Vec<Delivery>,
    ) -> Option<Letter> {
        let (board, subscription, at, content) = match letter {
            Letter::Close(closing) => {
                deliveries.push(Delivery::Close(closing));
                return None;
            }
            Letter::Board {
                board,
                subscription,
                at,
                content,
            } => (board, subscription, at, content),
        };
        let following = self.following.get_mut(&board)?;
        if following.subscription != subscription {
            return None;
        }
        let is_end = matches!(&content, Content::Message(message) if ends_following(message));
        if following.reading == Reading::Withdrawn && !is_end {
            return None;
        }
        if matches!(content, Content::Message(_)) {
            match following.read(at, *portion, self.client, deliveries) {
                Ok(taken) if taken.is_all => {
                    portion.bytes_max = portion.bytes_max.saturating_sub(taken.bytes);
                }
                Ok(_) => {
                    return Some(Letter::Board {
                        board,
                        subscription,
                        at,
                        content,
                    });
                }
                Err(Lagged) => self.resume_behind(&board, deliveries).await,
            }
        }
        if let Some(following) = self.following.get_mut(&board) {
            following.note_letter(&content, at);
        }
        let mut content = content;
        if is_end {
            if let Some(following) = self.following.get_mut(&board) {
                following.say_why_not(&mut content);
            }
            self.leave(&board).await;
        }
        deliveries.push(match content {
            Content::Message(message) => Delivery::Message(message),
            Content::Resume { head, news } => Delivery::Resume(head, news),
        });
        None
    }
}

impl Following {
    fn say_why_not(&mut self, content: &mut Content) {
        if let Content::Message(message) = content
            && let ServerMessage::Error { detail, .. } = &mut **message
            && let Some(why_not) = self.why_not.take()
        {
            *detail = why_not;
        }
    }

    /// Reads a portion of the board's stream up to before item `until`.
    fn read(
        &mut self,
        until: u64,
        portion: Portion,
        client: ClientId,
        deliveries: &mut Vec<Delivery>,
    ) -> Result<Taken, Lagged> {
        let Reading::At(from) = self.reading else {
            return Ok(Taken {
                next: 0,
                bytes: 0,
                is_all: true,
            });
        };
        let (delivered, unanswered) = (&mut self.delivered, &mut self.unanswered);
        let taken = self.open.ring.read(from, until, portion, |item| {
            *delivered = item.cursor().or(*delivered);
            if item.is_outcome_for(client) {
                *unanswered = unanswered.saturating_sub(1);
            }
            deliveries.push(Delivery::Item(item.clone()));
        })?;
        if taken.next != from {
            self.reading = Reading::At(taken.next);
            self.position.store(taken.next, Ordering::Release);
        }
        Ok(taken)
    }

    fn note_letter(&mut self, content: &Content, at: u64) {
        match content {
            Content::Resume { head, .. } => {
                self.reading = Reading::At(at);
                self.delivered = Some(head.cursor);
                self.unanswered = 0;
            }
            Content::Message(message) => match **message {
                // These stand for every edit from theirs on.
                ServerMessage::Refused { .. } | ServerMessage::Error { .. } => self.unanswered = 0,
                // These answer no edit.
                ServerMessage::Look { .. } | ServerMessage::Screens(_) => {}
                _ => self.unanswered = self.unanswered.saturating_sub(1),
            },
        }
    }
}

fn stopping(board: &BoardId) -> Box<ServerMessage> {
    board_error(board, Code::Draining, "the server is stopping".to_owned())
}

/// An error about a board.
pub fn board_error(board: &BoardId, code: Code, detail: String) -> Box<ServerMessage> {
    Box::new(ServerMessage::Error {
        code,
        detail,
        board: Some(board.clone()),
        feed: None,
    })
}

impl Drop for Follower {
    fn drop(&mut self) {
        let connection = self.entry.connection;
        for (_, following) in std::mem::take(&mut self.following) {
            let command = Command::Unsubscribe { connection };
            let commands = following.open.commands;
            // A full queue is waited for by a task of its own: a drop cannot wait.
            if let Err(error) = commands.try_send(command)
                && let tokio::sync::mpsc::error::TrySendError::Full(command) = error
                && let Ok(runtime) = tokio::runtime::Handle::try_current()
            {
                runtime.spawn(async move {
                    commands.send(command).await.ok();
                });
            }
        }
    }
}
