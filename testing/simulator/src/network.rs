//! Links between devices and the server: ordered, delayed, and cut at any moment. What is under way
//! when a link is cut is lost; each side notices by itself.

use std::collections::BTreeMap;

use driftless_model::{BoardId, ClientId, Cursor, UserId};
use driftless_protocol::Codec;

/// One WebSocket connection.
#[derive(Debug)]
pub struct Link {
    /// Whose.
    pub device: usize,
    /// Of which of its tabs.
    pub tab: usize,
    /// The device's number for it.
    pub socket: u64,
    /// How messages are written on it.
    pub codec: Codec,
    /// Whether the device still has its end.
    pub device_end: bool,
    /// Whether the server still has its end.
    pub server_end: bool,
    /// The replica, once it said hello.
    pub client: Option<ClientId>,
    /// Whom the server takes it to be.
    pub user: Option<UserId>,
    /// Where it stands on each board that it follows.
    pub following: BTreeMap<BoardId, Following>,
    /// Nothing sent later arrives earlier.
    pub last_to_server_ms: u64,
    /// Nothing sent later arrives earlier.
    pub last_to_device_ms: u64,
}

/// Where a connection stands on a board's stream.
#[derive(Debug, Default)]
pub struct Following {
    /// The next item to read; `None` until the resume is sent.
    pub position: Option<u64>,
    /// Up to where it was told everything.
    pub cursor: Option<Cursor>,
    /// Whether a read is scheduled.
    pub is_scheduled: bool,
}

impl Link {
    /// A link that opens.
    pub fn new((device, tab): (usize, usize), socket: u64, codec: Codec) -> Self {
        Self {
            device,
            tab,
            socket,
            codec,
            device_end: true,
            server_end: false,
            client: None,
            user: None,
            following: BTreeMap::new(),
            last_to_server_ms: 0,
            last_to_device_ms: 0,
        }
    }
}
