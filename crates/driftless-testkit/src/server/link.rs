//! One connection as the server sees it.

use std::collections::BTreeMap;

use driftless_model::{BoardId, ClientId, Role, UserId};
use driftless_sync::room::Member;

use crate::cable::ServerEnd;

/// A connection.
#[derive(Debug)]
pub struct Link {
    /// Its end here.
    pub end: ServerEnd,
    /// Whose it is, after `Hello`.
    pub seat: Option<Seat>,
}

/// Whose a connection is, and what it follows.
#[derive(Debug)]
pub struct Seat {
    /// The replica.
    pub client: ClientId,
    /// Who is signed in.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// The boards, and whether the resume was sent: the stream goes on from there.
    following: BTreeMap<BoardId, bool>,
}

impl Link {
    /// One that was not greeted yet.
    pub fn new(end: ServerEnd) -> Self {
        Self { end, seat: None }
    }
}

impl Seat {
    /// Follows nothing yet.
    pub fn new(client: ClientId, user: UserId, role: Role) -> Self {
        let following = BTreeMap::new();
        Self {
            client,
            user,
            role,
            following,
        }
    }

    /// Who it is for a room.
    pub fn member(&self) -> Member {
        Member {
            client: self.client,
            user: self.user.clone(),
            role: self.role,
        }
    }

    /// Follows a board, or starts over.
    pub fn follow(&mut self, board: &BoardId) {
        self.following.insert(board.clone(), false);
    }

    /// Follows a board no longer.
    pub fn unfollow(&mut self, board: &BoardId) {
        self.following.remove(board);
    }

    /// The resume of a board was sent.
    pub fn resumed(&mut self, board: &BoardId) {
        if let Some(is_resumed) = self.following.get_mut(board) {
            *is_resumed = true;
        }
    }

    /// Whether it reads a board's stream.
    pub fn reads(&self, board: &BoardId) -> bool {
        self.following.get(board).is_some_and(|resumed| *resumed)
    }

    /// The boards that it follows.
    pub fn boards(&self) -> impl Iterator<Item = &BoardId> {
        self.following.keys()
    }
}
