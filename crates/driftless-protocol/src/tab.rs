//! What the tabs that share a replica tell each other. Hints, all of them: what counts is stored,
//! so a message that is lost, doubled or late does no harm.
//!
//! Tabs of two builds may meet. A message that does not decode is from a newer one, and ignored. A
//! build that tabs of before could only misunderstand has another [`TAB_FORMAT`]; of those, a tab
//! takes in what a [`TabHeader`] says, and nothing else.

use driftless_model::{BoardId, UserId, Version};
use serde::{Deserialize, Serialize};

use crate::codec::{Codec, DecodeError, is_default};
use crate::feed::{FeedFrame, Query};
use crate::message::Screens;
use crate::tree::{document_enum, document_newtypes, document_struct};

/// The format of the messages between tabs that this build speaks.
///
/// 1: the first one.
pub const TAB_FORMAT: u8 = 1;

/// What stands before every message between tabs, in all formats alike and for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TabHeader {
    /// What the message behind it is written in. Without a message, this is all.
    pub format: u8,
    /// Whether the tab that says it leads.
    pub leads: bool,
    /// Whether it says that it wrote something to the storage.
    pub has_written: bool,
}

impl TabHeader {
    const LEADS: u8 = 1;
    const HAS_WRITTEN: u8 = 2;

    /// The header with a message behind it.
    pub fn before(self, message: &[u8]) -> Vec<u8> {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(self.leads, Self::LEADS) | flag(self.has_written, Self::HAS_WRITTEN);
        [&[self.format, flags], message].concat()
    }

    /// The header of a frame, and the message behind it. Nothing where it is too short.
    pub fn split(frame: &[u8]) -> Option<(Self, &[u8])> {
        let ([format, flags], message) = frame.split_first_chunk()?;
        let header = Self {
            format: *format,
            leads: flags & Self::LEADS != 0,
            has_written: flags & Self::HAS_WRITTEN != 0,
        };
        Some((header, message))
    }
}

/// A tab, for as long as it is open: random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TabId(pub u64);

/// One tab tells all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TabMessage {
    /// A tab that does not lead: all that it wants, each time. Whoever leads answers
    /// [`TabMessage::Leads`].
    Wants(Wants),
    /// The tab that leads: that it does, and how it is connected.
    Leads(Leads),
    /// A tab wrote something to the storage.
    Changed {
        /// Which tab.
        tab: TabId,
        /// How often it did so far.
        changed: u64,
    },
    /// Samples for a tab.
    Feed {
        /// For which tab.
        to: TabId,
        /// How many frames of this feed it was told, with this one: a gap is a lost one.
        count: u64,
        /// The samples, with that tab's number for the feed.
        frame: FeedFrame,
    },
    /// A tab missed samples: it wants the feed whole.
    FeedAgain {
        /// Which tab.
        tab: TabId,
        /// Its number for the feed.
        feed: u32,
    },
    /// A feed of a tab cannot be served.
    FeedError {
        /// Which tab.
        to: TabId,
        /// Its number for the feed.
        feed: u32,
        /// In words.
        detail: String,
    },
    /// A person wants what waits of a board to be tried now.
    Hurry {
        /// Which board.
        board: BoardId,
    },
    /// A person wants to be connected, or not to be.
    Connect(Wish),
    /// A tab asks on how many screens of others a version is.
    AskScreens {
        /// Which board.
        board: BoardId,
        /// The version.
        version: Version,
    },
    /// What the server said to that.
    Screens(Screens),
    /// Somebody else asks whether a version is on screen: the tabs that show it answer.
    Look {
        /// Which board.
        board: BoardId,
        /// The version.
        version: Version,
    },
    /// A tab shows it.
    Shown {
        /// Which board.
        board: BoardId,
        /// The version that was asked about.
        version: Version,
        /// For how long, at least, in milliseconds.
        ago_ms: u64,
    },
}

/// Whether the tabs are to be connected. The greatest wish is the one that counts: the last, and of
/// two at once the one that connects. So one that comes late undoes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wish {
    /// One more than that of the wish that it takes the place of; 0 where nobody asked, or where a
    /// build that knows no order did.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: u64,
    /// Whether to be connected.
    pub is_wanted: bool,
}

impl Wish {
    /// What is wished for after this.
    #[must_use]
    pub fn then(self, is_wanted: bool) -> Self {
        Self {
            order: self.order.saturating_add(1),
            is_wanted,
        }
    }
}

/// What a tab that does not lead wants of the one that does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wants {
    /// Which tab.
    pub tab: TabId,
    /// How often it wrote so far.
    pub changed: u64,
    /// How often tabs that do not lead wrote, by what it read last: of one that is closed by now,
    /// nobody else may know.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read: u64,
    /// The greatest wish that it knows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wish: Wish,
    /// The boards that it follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boards: Vec<BoardId>,
    /// The feeds that it follows, by its numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<(u32, Query)>,
}

/// Who leads, and how they are connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leads {
    /// Which tab.
    pub tab: TabId,
    /// Its term.
    pub term: u64,
    /// How often it wrote so far.
    pub changed: u64,
    /// Its connection.
    pub connection: TabConnection,
    /// The greatest wish that it knows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wish: Wish,
    /// Who the server takes the user to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The server's build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_build: Option<String>,
    /// The device's clock when the server last confirmed anything, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_ms: Option<u64>,
}

/// A connection, as other tabs are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TabConnection {
    /// Not asked to connect.
    Idle,
    /// Opening a socket, or waiting for the server's answer.
    Connecting {
        /// From 1; 1 again after each success.
        attempt: u32,
    },
    /// Live.
    Online {
        /// The server's name for the connection.
        session: String,
        /// The last measured round trip.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency_ms: Option<u64>,
    },
    /// Between two attempts.
    Waiting {
        /// The attempt that comes next.
        attempt: u32,
        /// In how many milliseconds: tabs have clocks of their own.
        retry_in_ms: u64,
        /// Why the last one ended.
        reason: String,
    },
    /// The device has no network.
    Offline,
    /// The token is missing, wrong or expired.
    Unauthorised {
        /// In words.
        reason: String,
    },
    /// For good, until asked to connect again.
    Closed {
        /// Why.
        reason: String,
    },
}

impl TabMessage {
    /// To bytes: `MessagePack` with named fields.
    pub fn encode(&self) -> Vec<u8> {
        Codec::MessagePack.encode_by_tree(self)
    }

    /// From bytes. An error is a message of another build: to be ignored.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Codec::MessagePack.decode(bytes)
    }
}

document_newtypes!(TabId);
document_enum!(TabMessage {
    "wants" => Wants(_),
    "leads" => Leads(_),
    "changed" => Changed { tab, changed },
    "feed" => Feed { to, count, frame },
    "feed_again" => FeedAgain { tab, feed },
    "feed_error" => FeedError { to, feed, detail },
    "hurry" => Hurry { board },
    "connect" => Connect(_),
    "ask_screens" => AskScreens { board, version },
    "screens" => Screens(_),
    "look" => Look { board, version },
    "shown" => Shown { board, version, ago_ms },
});
document_struct!(Wish { order: optional, is_wanted } or default);
document_struct!(Wants {
    tab,
    changed,
    read: optional,
    wish: optional,
    boards: optional,
    feeds: optional,
});
document_struct!(Leads {
    tab,
    term,
    changed,
    connection,
    wish: optional,
    user: optional,
    server_build: optional,
    last_sync_ms: optional,
});
document_enum!(TabConnection {
    "idle" => Idle(),
    "connecting" => Connecting { attempt },
    "online" => Online { session, latency_ms: optional },
    "waiting" => Waiting { attempt, retry_in_ms, reason },
    "offline" => Offline(),
    "unauthorised" => Unauthorised { reason },
    "closed" => Closed { reason },
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_two_bytes_in_every_format_for_good() {
        let header = TabHeader {
            format: 9,
            leads: true,
            has_written: false,
        };
        assert_eq!(header.before(b"message"), b"\x09\x01message");
        assert_eq!(
            TabHeader::split(b"\x09\x01message"),
            Some((header, &b"message"[..]))
        );
        let writes = TabHeader {
            leads: false,
            has_written: true,
            ..header
        };
        assert_eq!(TabHeader::split(b"\x09\x02"), Some((writes, &b""[..])));
        assert_eq!(TabHeader::split(b"\x09"), None);
    }

    #[test]
    fn a_message_of_a_newer_build_does_not_decode() {
        // {"yields": {"tab": 1}}
        let newer = b"\x81\xa6yields\x81\xa3tab\x01";
        assert!(TabMessage::decode(newer).is_err());
    }
}
