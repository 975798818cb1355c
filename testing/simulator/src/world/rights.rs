//! Who may do what on which board, rights that change in the middle of everything, and the checker
//! *access*: nothing of a board goes to a device after its user lost the right to read it, no edit
//! is decided after its author lost the right to edit, and a device that was told keeps no copy.

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::{BoardId, Role, UserId};
use driftless_protocol::Code;
use driftless_protocol::durable::{Key, Row};
use driftless_protocol::message::ServerMessage;
use driftless_sync::replica::view::StorageVerdict;
use driftless_sync::room::{Append, ConnectionId, Input};

use crate::failure::Failure;
use crate::world::World;

/// What the server knows of rights, and whom it told.
#[derive(Debug, Default)]
pub struct Rights {
    /// Everybody else may edit.
    roles: BTreeMap<(UserId, BoardId), Role>,
    /// Tabs that were told that their user may not read a board, and got nothing of it since.
    told: BTreeSet<(usize, BoardId)>,
    /// What *access* saw go out that should not have.
    pub broken: Option<Failure>,
}

impl World {
    /// What a user may do on a board now.
    pub fn role(&self, user: &UserId, board: &BoardId) -> Role {
        let key = (user.clone(), board.clone());
        self.rights.roles.get(&key).copied().unwrap_or(Role::Editor)
    }

    /// Whether the user who is signed in in a tab may read a board.
    pub fn tab_may_read(&self, tab: usize, board: &BoardId) -> bool {
        let user = self.user_on(tab);
        user.is_none_or(|user| self.role(&user, board).may_read())
    }

    /// Somebody loses a right, or gets it back.
    pub fn change_rights(&mut self, device: usize) -> Result<(), Failure> {
        let first = self.tabs_of(device).first().copied();
        let user = first.and_then(|tab| self.user_on(tab));
        let user = user.unwrap_or_else(|| self.devices[device].user.clone());
        let Some(board) = self.dice.pick(&self.boards).cloned() else {
            return Ok(());
        };
        let role = match self.role(&user, &board) {
            Role::None => [Role::Editor, Role::Viewer][usize::from(self.dice.chance(30))],
            Role::Viewer => [Role::Editor, Role::None][usize::from(self.dice.chance(30))],
            _ => [Role::None, Role::Viewer][usize::from(self.dice.chance(50))],
        };
        self.set_role(&user, &board, role)
    }

    /// Some get their rights back; others have to live without.
    pub fn heal_rights(&mut self) -> Result<(), Failure> {
        for (user, board) in self.rights.roles.clone().into_keys() {
            if self.dice.chance(60) {
                self.set_role(&user, &board, Role::Editor)?;
            }
        }
        Ok(())
    }

    fn set_role(&mut self, user: &UserId, board: &BoardId, role: Role) -> Result<(), Failure> {
        match role {
            Role::None => self.tally.reads_withdrawn += 1,
            Role::Viewer => self.tally.edits_withdrawn += 1,
            _ => self.tally.rights_returned += 1,
        }
        self.trace
            .say(|| format!("{user} is {role:?} of {board} from here on"));
        let key = (user.clone(), board.clone());
        self.rights.roles.insert(key, role);
        if !self.server.rooms.contains_key(board) {
            return Ok(());
        }
        let own = self.links.iter();
        let own = own.filter(|(_, link)| link.user.as_ref() == Some(user));
        // Also those that are gone: something of theirs may wait to be decided.
        let own: Vec<u64> = own.map(|(number, _)| *number).collect();
        for number in own {
            let connection = ConnectionId(number);
            self.room_input(board, Input::Role { connection, role })?;
        }
        Ok(())
    }

    /// The refusal of a board that the user may not read.
    pub fn forbidden(board: &BoardId) -> ServerMessage {
        ServerMessage::Error {
            code: Code::Forbidden,
            detail: format!("you may not read the board {board}"),
            board: Some(board.clone()),
            feed: None,
        }
    }

    /// *access*: looks at what goes to a device.
    pub fn access_of_message(&mut self, link: u64, message: &ServerMessage) {
        let board = match message {
            ServerMessage::Event(event) => &event.board,
            ServerMessage::Outcome(settled) => &settled.board,
            ServerMessage::Resume(resume) => &resume.board,
            _ => return,
        };
        let user = self.links.get(&link).and_then(|link| link.user.as_ref());
        let Some(user) = user else { return };
        if !self.role(user, board).may_read() {
            let detail = format!("{user} may not read {board} and gets {message:?}");
            self.rights.broken = Some(Failure::new("access", detail));
        }
    }

    /// *access*: looks at what is decided.
    pub fn access_of_commit(&mut self, append: &Append) {
        let board = &append.board;
        let mut rows = append.log.iter();
        let unlawful = rows.find(|row| !self.role(&row.user, board).may_edit());
        if let Some(row) = unlawful {
            let detail = format!("{} may not edit {board} and made {:?}", row.user, row.id);
            self.rights.broken = Some(Failure::new("access", detail));
        }
    }

    /// Notes what a tab is about to be told.
    pub fn note_told(&mut self, tab: usize, message: &ServerMessage) {
        match message {
            ServerMessage::Error {
                code: Code::Forbidden,
                board: Some(board),
                ..
            } => {
                self.note_loss(tab, board);
                self.rights.told.insert((tab, board.clone()));
            }
            ServerMessage::Resume(resume) => {
                self.rights.told.remove(&(tab, resume.board.clone()));
            }
            _ => {}
        }
    }

    /// The copy goes, and with it the applied edits that were kept for a server that is restored.
    fn note_loss(&mut self, tab: usize, board: &BoardId) {
        let device = self.device_of(tab);
        let own = &self.devices[device];
        let replica = self.tabs[tab].replica.as_ref();
        let copy = replica.and_then(|replica| replica.board(board));
        if copy.is_some_and(|copy| copy.state.cursor().is_some()) {
            self.tally.copies_deleted += 1;
        }
        let kept = own.kept_on_disk.iter();
        let kept = kept.filter(|(key, _)| matches!(key, Key::Applied(of, _) if of == board));
        self.book.unkept.extend(kept.flat_map(|(_, ids)| ids));
        let told = self.book.acknowledged_on.iter();
        let told = told.filter(|(on, of, _)| (*on, of) == (device, board));
        self.book.unkept.extend(told.map(|(_, _, id)| *id));
    }

    /// What a tab was told is forgotten with its process, unless it is on the disk; so it is where
    /// another tab wrote first.
    pub fn forget_told(&mut self, tab: usize) {
        self.rights.told.retain(|(other, _)| *other != tab);
    }

    /// A tab reads what is stored. What it was told and had not written it is told again.
    pub fn read_again(&mut self, tab: usize) {
        let Some(replica) = &self.tabs[tab].replica else {
            return;
        };
        let has = |board: &BoardId| {
            let copy = replica.board(board).map(|copy| &copy.state);
            copy.is_some_and(|copy| copy.cursor().is_some())
        };
        let is_shared = self.devices[self.tabs[tab].device].is_shared;
        let told = &mut self.rights.told;
        told.retain(|(other, board)| *other != tab || !is_shared || !has(board));
    }

    /// *access*: a tab that was told shows nothing of the board, and has nothing of it on its
    /// disk once that is written.
    pub fn has_no_copy(&self, tab: usize) -> Result<(), Failure> {
        let own = &self.tabs[tab];
        let device = self.device_of(tab);
        let told = self.rights.told.iter();
        let told: Vec<_> = told.filter(|(other, _)| *other == tab).collect();
        let Some(replica) = own.replica.as_ref().filter(|_| !told.is_empty()) else {
            return Ok(());
        };
        for (_, board) in &told {
            let copy = replica.board(board).map(|copy| copy.state.confirmed());
            if copy.is_some_and(|copy| !copy.records.is_empty()) {
                let detail = format!("device {device} may not read {board} and has {copy:?}");
                return Err(Failure::new("access", detail));
            }
        }
        let is_failing = matches!(replica.status().storage, StorageVerdict::NotSaved { .. });
        if own.writing.is_some() || own.is_reading || is_failing || self.is_follower(tab) {
            return Ok(());
        }
        let rows = self.devices[device].rows.load_now();
        let rows = rows.map_err(|error| Failure::new("durable", error.to_string()))?;
        let is_content = |row: &&Row| match row {
            Row::Board(row) => row.cursor.is_some() && told.iter().any(|(_, of)| *of == row.board),
            row => match row.key() {
                Key::Record(board, _) | Key::Applied(board, _) => {
                    told.iter().any(|(_, of)| *of == board)
                }
                _ => false,
            },
        };
        match rows.iter().find(is_content) {
            None => Ok(()),
            Some(row) => {
                let detail = format!("device {device} may not read the board of {row:?}");
                Err(Failure::new("access", detail))
            }
        }
    }
}
