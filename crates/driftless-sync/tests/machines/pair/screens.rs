//! What persons see of each other's screens.

use driftless_model::Version;
use driftless_protocol::message::{ClientMessage, Screens};
use driftless_sync::replica::{Command, Notice};
use driftless_sync::room::{self, ConnectionId};

use super::{Pair, board};

impl Pair {
    pub(super) fn serve_screens(&mut self, connection: ConnectionId, message: &ClientMessage) {
        match message {
            ClientMessage::AskScreens { version, .. } => self.room_input(room::Input::AskScreens {
                connection,
                version: *version,
            }),
            ClientMessage::Shown {
                version, ago_ms, ..
            } => self.room_input(room::Input::Shown {
                connection,
                version: *version,
                ago_ms: *ago_ms,
            }),
            _ => {}
        }
    }

    /// Whether somebody looks at a person's page.
    pub fn looks(&mut self, who: usize, is_visible: bool) {
        self.command(who, Command::Visible(is_visible));
        self.settle();
    }

    /// A person asks who else has a version on screen.
    pub fn asks_screens(&mut self, who: usize, version: Version) {
        let board = board();
        self.command(who, Command::AskScreens { board, version });
        self.settle();
    }

    /// What a person was told of the screens of others so far: of how many, how many, for how
    /// long.
    pub fn screens(&self, who: usize) -> Vec<(u32, u32, Option<u64>)> {
        let of_notice = |notice| match notice {
            Notice::Screens(Screens {
                asked,
                shown,
                ago_ms,
                ..
            }) => Some((asked, shown, ago_ms)),
            _ => None,
        };
        self.notices(who)
            .into_iter()
            .filter_map(of_notice)
            .collect()
    }
}
