//! A connection's feeds: each at the pace at which the connection can write.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftless_feeds::Mark;
use driftless_model::{UserId, limits};
use driftless_protocol::{Code, Codec, Query, ServerMessage};
use driftless_sync::room::ConnectionId;

use crate::clock::now_ms;
use crate::feeds::{FeedPlane, OpenFeed};
use crate::hub::{Mailbox, Outbound};

/// The feeds that one connection has open.
pub struct Viewer {
    plane: Arc<FeedPlane>,
    connection: ConnectionId,
    mailbox: Arc<Mailbox>,
    feeds: BTreeMap<u32, Viewed>,
    /// The evaluation that every feed has been written up to; `None` where one is new.
    seen: Option<u64>,
}

struct Viewed {
    open: OpenFeed,
    mark: Mark,
    is_overflow_told: bool,
}

impl Viewer {
    /// No feeds.
    pub fn new(plane: Arc<FeedPlane>, connection: ConnectionId, mailbox: Arc<Mailbox>) -> Self {
        Self {
            plane,
            connection,
            mailbox,
            feeds: BTreeMap::new(),
            seen: None,
        }
    }

    /// Opens a feed, in place of one that has the same number.
    pub fn open(&mut self, feed: u32, query: Query) -> Result<(), Box<ServerMessage>> {
        let is_new = !self.feeds.contains_key(&feed);
        let limit = limits::FEEDS_PER_CONNECTION_MAX;
        if is_new && self.feeds.len() >= limit {
            let detail = format!("a connection has at most {limit} feeds; close one");
            return Err(feed_error(feed, Code::TooLarge, detail));
        }
        let open = self
            .plane
            .open(query, self.connection, &self.mailbox, now_ms())
            .map_err(|error| {
                self.feeds.remove(&feed);
                feed_error(feed, Code::BadQuery, error.to_string())
            })?;
        let viewed = Viewed {
            open,
            mark: Mark::default(),
            is_overflow_told: false,
        };
        self.feeds.insert(feed, viewed);
        self.seen = None;
        Ok(())
    }

    /// Closes a feed.
    pub fn close(&mut self, feed: u32) {
        self.feeds.remove(&feed);
    }

    /// Whether any is open.
    pub fn has_feeds(&self) -> bool {
        !self.feeds.is_empty()
    }

    /// Closes a feed that this user may not see, and the message that says so.
    pub fn refuse(&mut self, feed: u32, user: &UserId) -> Box<ServerMessage> {
        self.feeds.remove(&feed);
        let detail = format!("{user} may read no board, and so no feed");
        feed_error(feed, Code::Forbidden, detail)
    }

    /// The same with all of them.
    pub fn refuse_all(&mut self, user: &UserId) -> Vec<ServerMessage> {
        let feeds: Vec<u32> = self.feeds.keys().copied().collect();
        let refused = feeds.into_iter().map(|feed| *self.refuse(feed, user));
        refused.collect()
    }

    /// What is new in every feed since it was last asked for, however long ago that was.
    pub fn frames(&mut self, codec: Codec) -> Vec<Outbound> {
        let tick = self.plane.tick();
        if self.seen == Some(tick) {
            return Vec::new();
        }
        self.seen = Some(tick);
        let feeds = self.feeds.iter_mut();
        feeds
            .flat_map(|(feed, viewed)| viewed.news(*feed))
            .map(|message| Outbound::message(codec, &message))
            .collect()
    }
}

impl Viewed {
    fn news(&mut self, feed: u32) -> Vec<ServerMessage> {
        let mut messages = Vec::new();
        if let Some(answer) = self.open.since(self.mark) {
            self.mark = answer.mark;
            messages.push(ServerMessage::Feed(answer.frame(feed)));
        }
        let overflow = self.open.overflow();
        if let Some(overflow) = overflow.as_ref().filter(|_| !self.is_overflow_told) {
            messages.push(*feed_error(feed, Code::BadQuery, overflow.to_string()));
        }
        self.is_overflow_told = overflow.is_some();
        messages
    }
}

fn feed_error(feed: u32, code: Code, detail: String) -> Box<ServerMessage> {
    Box::new(ServerMessage::Error {
        code,
        detail,
        board: None,
        feed: Some(feed),
    })
}
