//! The room machine: who follows, what waits, and the phases around the store.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;

use driftless_model::{BoardId, Check, Cursor, Role, Schema, Version, limits};
use driftless_protocol::Code;
use driftless_protocol::message::{Push, Resume, ServerMessage};

use crate::planted::{Bug, is_planted};
use crate::room::batch::{Batch, Decider};
use crate::room::memory::Memory;
use crate::room::screens::{Asked, Letter};
use crate::room::types::{
    ConnectionId, Found, Input, Member, Output, Prune, Retention, SharedResume, Stored,
};

/// One board on the server.
///
/// Calling contract: [`Room::handle`], then [`Room::poll_output`] until `None`, carrying the
/// outputs out in order. Every [`Output::Load`], [`Output::LookUp`], [`Output::Find`] and
/// [`Output::Commit`] is answered by exactly one input. At most one commit is under way; what is
/// pushed meanwhile becomes the next one.
#[derive(Debug)]
pub struct Room {
    board: BoardId,
    schema: Arc<Schema>,
    retention: Retention,
    phase: Phase,
    members: BTreeMap<ConnectionId, Arc<Member>>,
    /// Connections that wait for their resume, in order.
    resumes: VecDeque<Waiting>,
    /// Pushes that wait for the next batch, in order.
    pushes: VecDeque<Pushed>,
    /// How often the log was asked for an edit.
    looks: u64,
    screens: Asked,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing in memory; nothing asked for.
    Cold,
    /// The load is under way.
    Loading,
    /// Memory is what the store has.
    Ready(Memory),
    /// Memory is what the store will have.
    Committing(Memory, Batch),
}

/// A push that waits for the next batch.
#[derive(Debug)]
struct Pushed {
    connection: ConnectionId,
    member: Arc<Member>,
    push: Push,
    find: Find,
}

/// Whether the edit was applied before, under another client id.
#[derive(Debug, Clone, PartialEq)]
enum Find {
    /// It was never sent under another.
    NotNeeded,
    /// The log has to be asked.
    Needed,
    /// In the look of this number.
    Asked(u64),
    Answered(Found),
}

#[derive(Debug)]
struct Waiting {
    connection: ConnectionId,
    cursor: Option<Cursor>,
    look_up: LookUp,
}

/// The check at the version where a replica stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum LookUp {
    NotAsked,
    Asked,
    Found(Option<Check>),
}

impl Room {
    /// A room that has read nothing yet. It asks for a load at the first input.
    pub fn new(board: BoardId, schema: Arc<Schema>) -> Self {
        Self::keeping(board, schema, Retention::default())
    }

    /// The same, for a board that keeps so much of the past.
    pub fn keeping(board: BoardId, schema: Arc<Schema>, retention: Retention) -> Self {
        Self {
            board,
            schema,
            retention,
            phase: Phase::Cold,
            members: BTreeMap::new(),
            resumes: VecDeque::new(),
            pushes: VecDeque::new(),
            looks: 0,
            screens: Asked::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The newest durable version, once loaded and while no commit is under way.
    pub fn head(&self) -> Option<Cursor> {
        match &self.phase {
            Phase::Ready(memory) => Some(memory.head),
            _ => None,
        }
    }

    /// The records in memory, for checks that compare them with the store; under the same condition
    /// as [`Room::head`].
    pub fn state(&self) -> Option<&driftless_model::BoardState> {
        match &self.phase {
            Phase::Ready(memory) => Some(&memory.state),
            _ => None,
        }
    }

    /// Whether nobody follows and nothing waits: the shell may drop the room.
    pub fn is_idle(&self) -> bool {
        self.members.is_empty()
            && self.pushes.is_empty()
            && !matches!(self.phase, Phase::Committing(..) | Phase::Loading)
    }

    /// Takes one input. `now_ms` is the wall clock, in milliseconds since 1970.
    pub fn handle(&mut self, input: Input, now_ms: u64) {
        match input {
            Input::Loaded(image) => self.phase = Phase::Ready(Memory::new(*image)),
            Input::LoadFailed => return self.load_failed(),
            Input::Subscribe {
                connection,
                member,
                cursor,
            } => {
                self.subscribe(connection, member, cursor);
            }
            Input::Unsubscribe { connection } => {
                return self.stop_following(connection);
            }
            Input::AskScreens {
                connection,
                version,
            } => return self.ask_screens(connection, version),
            Input::Shown {
                connection,
                version,
                ago_ms,
            } => {
                let Some(member) = self.members.get(&connection) else {
                    return;
                };
                let (board, client) = (&self.board, member.client);
                let letters = self.screens.shown(board, client, version, ago_ms);
                return self.send_letters(letters);
            }
            Input::Role { connection, role } => self.role(connection, role),
            Input::Push { connection, push } => self.push(connection, push),
            Input::Looked {
                connection,
                version,
                check,
            } => {
                self.looked(connection, version, check);
            }
            Input::Found { number, found } => {
                let asked = |pushed: &&mut Pushed| pushed.find == Find::Asked(number);
                if let Some(pushed) = self.pushes.iter_mut().find(asked) {
                    pushed.find = Find::Answered(found);
                }
            }
            Input::Stored(stored) => self.stored(stored),
        }
        self.advance(now_ms);
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn subscribe(&mut self, connection: ConnectionId, member: Member, cursor: Option<Cursor>) {
        self.members.insert(connection, Arc::new(member));
        self.resumes
            .retain(|waiting| waiting.connection != connection);
        self.resumes.push_back(Waiting {
            connection,
            cursor,
            look_up: LookUp::NotAsked,
        });
    }

    /// What is decided from here on is decided as this role: what a commit under way has in it is
    /// decided already.
    fn role(&mut self, connection: ConnectionId, role: Role) {
        if !role.may_read() && is_planted(Bug::KeepFollowing) {
            return;
        }
        if !role.may_read() {
            return self.withdraw(connection);
        }
        let of_queue = self.pushes.iter_mut();
        let of_queue = of_queue.filter(|pushed| pushed.connection == connection);
        let members = of_queue.map(|pushed| &mut pushed.member);
        for member in members.chain(self.members.get_mut(&connection)) {
            Arc::make_mut(member).role = role;
        }
    }

    fn stop_following(&mut self, connection: ConnectionId) {
        self.members.remove(&connection);
        self.screens.left(connection);
        self.resumes
            .retain(|waiting| waiting.connection != connection);
    }

    /// Those whose resume is under way are asked after it.
    fn ask_screens(&mut self, connection: ConnectionId, version: Version) {
        let Some(asking) = self.members.get(&connection) else {
            return;
        };
        let by = (connection, asking.client);
        let waits = |other: &ConnectionId| {
            let mut resumes = self.resumes.iter();
            resumes.any(|waiting| waiting.connection == *other)
        };
        let members = self.members.iter().filter(|(other, _)| !waits(other));
        let members = members.map(|(other, member)| (*other, member.client));
        let letters = self.screens.ask(&self.board, by, members, version);
        self.send_letters(letters);
    }

    fn send_letters(&mut self, letters: Vec<Letter>) {
        for (connection, message) in letters {
            self.outputs.push_back(Output::Send {
                connection,
                message: Box::new(message),
            });
        }
    }

    /// The connection does not follow any more, and nothing that it pushed is taken.
    fn leave(&mut self, connection: ConnectionId) {
        self.stop_following(connection);
        self.pushes.retain(|pushed| pushed.connection != connection);
    }

    /// The refusal answers whatever the connection has pushed and is not decided yet.
    fn withdraw(&mut self, connection: ConnectionId) {
        self.leave(connection);
        let detail = format!("you may no longer read the board {}", self.board);
        let message = Box::new(self.error(Code::Forbidden, detail));
        self.outputs.push_back(Output::Withdraw {
            connection,
            message,
        });
    }

    fn push(&mut self, connection: ConnectionId, push: Push) {
        let Some(member) = self.members.get(&connection).cloned() else {
            let detail = format!("follow {} before pushing edits to it", self.board);
            return self.send_error(connection, Code::NotSubscribed, detail);
        };
        if self.pushes.len() >= limits::ROOM_QUEUE_MAX {
            let detail = format!("{} edits wait on this board", self.pushes.len());
            return self.send_refused(connection, push.seq, Code::RateLimited, detail);
        }
        let find = match push.again {
            None => Find::NotNeeded,
            Some(_) => Find::Needed,
        };
        self.pushes.push_back(Pushed {
            connection,
            member,
            push,
            find,
        });
    }

    fn looked(&mut self, connection: ConnectionId, version: Version, check: Option<Check>) {
        let matches = |waiting: &&mut Waiting| {
            waiting.connection == connection
                && waiting.look_up == LookUp::Asked
                && waiting
                    .cursor
                    .is_some_and(|cursor| cursor.version == version)
        };
        if let Some(waiting) = self.resumes.iter_mut().find(matches) {
            waiting.look_up = LookUp::Found(check);
        }
    }

    fn load_failed(&mut self) {
        self.phase = Phase::Cold;
        let detail = "the board cannot be read now; it is tried again".to_owned();
        self.screens = Asked::default();
        for connection in mem::take(&mut self.members).into_keys() {
            self.send_error(connection, Code::Unavailable, detail.clone());
        }
        self.resumes.clear();
        self.pushes.clear();
    }

    fn stored(&mut self, stored: Stored) {
        let Phase::Committing(memory, batch) = mem::replace(&mut self.phase, Phase::Cold) else {
            return;
        };
        match stored {
            Stored::Committed => {
                self.phase = Phase::Ready(memory);
                self.publish(batch);
            }
            // Nothing was written and nothing was published: read again what memory got ahead of.
            Stored::Failed => {
                let detail = "the edit could not be stored; it is tried again".to_owned();
                for (connection, seq) in batch.first {
                    if !self.members.contains_key(&connection) {
                        continue;
                    }
                    self.send_refused(connection, seq, Code::Unavailable, detail.clone());
                }
            }
            // Others may have written, or this batch may be there: whoever follows has to resume.
            Stored::Conflict | Stored::Unknown => {
                self.members.clear();
                self.screens = Asked::default();
                self.resumes.clear();
                self.pushes.clear();
                self.outputs.push_back(Output::CutAll);
            }
        }
    }

    fn publish(&mut self, batch: Batch) {
        if is_planted(Bug::NeverPublish) {
            return;
        }
        let items = batch
            .stream
            .into_iter()
            .map(|item| Output::Stream(Box::new(item)));
        self.outputs.extend(items);
    }

    /// Does what can be done in this phase.
    fn advance(&mut self, now_ms: u64) {
        let is_wanted = !self.members.is_empty() || !self.pushes.is_empty();
        match mem::replace(&mut self.phase, Phase::Cold) {
            Phase::Cold if is_wanted => {
                self.outputs.push_back(Output::Load);
                self.phase = Phase::Loading;
            }
            Phase::Ready(mut memory) => {
                self.answer_resumes(&mut memory);
                self.phase = self.next_batch(memory, now_ms);
            }
            phase => self.phase = phase,
        }
    }

    fn answer_resumes(&mut self, memory: &mut Memory) {
        for mut waiting in mem::take(&mut self.resumes) {
            let is_answered = self.answer_resume(memory, &mut waiting);
            if !is_answered {
                self.resumes.push_back(waiting);
            }
        }
    }

    /// Answers a resume, unless its check has to be looked up first.
    fn answer_resume(&mut self, memory: &mut Memory, waiting: &mut Waiting) -> bool {
        let Some(member) = self.members.get(&waiting.connection).cloned() else {
            return true;
        };
        let connection = waiting.connection;
        let row = memory.ledger.get(&member.client);
        if row.is_some_and(|row| row.user != member.user) {
            self.stop_following(connection);
            let detail = "this replica belongs to another user; sign in as that user".to_owned();
            self.send_error(connection, Code::WrongUser, detail);
            return true;
        }
        let standing = match waiting.cursor {
            None => Standing::Nothing,
            Some(cursor) if cursor.version > memory.head.version => Standing::Diverged,
            Some(cursor) => match (memory.check_at(cursor.version), waiting.look_up) {
                (Some(check), _) | (None, LookUp::Found(Some(check))) => {
                    Standing::of(cursor, check, memory.state.floor)
                }
                (None, LookUp::Found(None)) => Standing::Diverged,
                (None, LookUp::Asked) => return false,
                (None, LookUp::NotAsked) => {
                    waiting.look_up = LookUp::Asked;
                    let version = cursor.version;
                    self.outputs.push_back(Output::LookUp {
                        connection,
                        version,
                    });
                    return false;
                }
            },
        };
        let resume = self.resume(memory, &member, standing);
        self.outputs
            .push_back(Output::Resume { connection, resume });
        let letters = self.screens.joined(&self.board, connection, member.client);
        self.send_letters(letters);
        true
    }

    fn resume(&self, memory: &mut Memory, member: &Member, standing: Standing) -> SharedResume {
        let (full, since) = match standing {
            Standing::Agrees(since) => (false, since),
            _ => (true, Version(0)),
        };
        let mut news = memory.news_since(since);
        if is_planted(Bug::HalfDelta) && !full {
            Arc::make_mut(&mut news).leaves.pop();
        }
        if is_planted(Bug::ForgetRemovals) && !full {
            Arc::make_mut(&mut news).removed.clear();
        }
        let row = memory.ledger.get(&member.client);
        let head = Box::new(Resume {
            board: self.board.clone(),
            cursor: memory.head,
            full,
            diverged: standing == Standing::Diverged,
            since: (!full).then_some(since),
            floor: memory.state.floor,
            last_seq: row.map_or(0, |row| row.last_seq),
            last_id: row.map(|row| row.last_id),
            outcomes: row.map_or_else(Vec::new, |row| row.outcomes.clone()),
            removed: Vec::new(),
            records: Vec::new(),
            leaves: Vec::new(),
        });
        SharedResume { head, news }
    }

    /// Decides the pushes that wait and asks for their commit.
    fn next_batch(&mut self, mut memory: Memory, now_ms: u64) -> Phase {
        if self.pushes.is_empty() {
            return Phase::Ready(memory);
        }
        let mut batch = Batch::new(memory.head);
        while batch.len() < limits::BATCH_EDITS_MAX
            && !self.is_looking()
            && let Some(pushed) = self.pushes.pop_front()
        {
            let found = match &pushed.find {
                Find::Answered(found) => Some(found),
                _ => None,
            };
            let mut decider = Decider {
                board: &self.board,
                schema: &self.schema,
                memory: &mut memory,
                batch: &mut batch,
                now_ms,
            };
            decider.push(pushed.connection, &pushed.member, &pushed.push, found);
            // What a copy has on its way would pass for the next edit of the other one.
            if batch.ends(pushed.connection) {
                self.leave(pushed.connection);
            }
        }
        self.send_letters(mem::take(&mut batch.replies));
        if batch.is_write() {
            let mut append = batch.append(&self.board, &memory);
            append.prune = self.prune(&batch, &mut memory);
            if is_planted(Bug::AcknowledgeBeforeCommit) {
                let stream = mem::take(&mut batch.stream);
                let items = stream
                    .into_iter()
                    .map(|item| Output::Stream(Box::new(item)));
                self.outputs.extend(items);
            }
            self.outputs.push_back(Output::Commit(Box::new(append)));
            return Phase::Committing(memory, batch);
        }
        self.publish(batch);
        if self.is_looking() {
            return Phase::Ready(memory);
        }
        self.next_batch(memory, now_ms)
    }

    /// What the board no longer keeps after a batch.
    fn prune(&self, batch: &Batch, memory: &mut Memory) -> Prune {
        let marks = if batch.has_removed(memory) {
            memory.prune_marks(self.retention.marks_max)
        } else {
            Vec::new()
        };
        let log = memory.prune_log(self.retention.log_rows_max);
        Prune {
            marks,
            floor: memory.state.floor,
            log,
        }
    }

    /// Whether the next push waits for an answer from the log; asks for it. Those behind it wait as
    /// well, so that nothing is applied between the look and the decision but what memory knows.
    fn is_looking(&mut self) -> bool {
        let Some(pushed) = self.pushes.front_mut() else {
            return false;
        };
        if pushed.find == Find::Needed {
            self.looks += 1;
            pushed.find = Find::Asked(self.looks);
            let above = pushed.push.again.as_ref().map(|again| again.above);
            self.outputs.push_back(Output::Find {
                number: self.looks,
                id: pushed.push.id,
                above: above.unwrap_or_default(),
            });
        }
        matches!(pushed.find, Find::Asked(_))
    }

    fn send_error(&mut self, connection: ConnectionId, code: Code, detail: String) {
        let message = Box::new(self.error(code, detail));
        self.outputs.push_back(Output::Send {
            connection,
            message,
        });
    }

    fn error(&self, code: Code, detail: String) -> ServerMessage {
        ServerMessage::Error {
            code,
            detail,
            board: Some(self.board.clone()),
            feed: None,
        }
    }

    fn send_refused(&mut self, connection: ConnectionId, seq: u64, code: Code, detail: String) {
        let board = self.board.clone();
        let retry_after_ms = limits::REFUSED_RETRY_MS;
        let message = ServerMessage::Refused {
            board,
            seq,
            code,
            detail,
            retry_after_ms,
        };
        self.outputs.push_back(Output::Send {
            connection,
            message: Box::new(message),
        });
    }
}

/// Where a replica stands against the board.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    /// It has nothing yet.
    Nothing,
    /// Its history is a part of the board's: it lacks what came since.
    Agrees(Version),
    /// It lies below the removal horizon: what was removed since cannot be told.
    TooOld,
    /// Its history is another one.
    Diverged,
}

impl Standing {
    fn of(cursor: Cursor, check: Check, floor: Version) -> Self {
        if cursor.check != check && !is_planted(Bug::IgnoreCheck) {
            Self::Diverged
        } else if cursor.version < floor {
            Self::TooOld
        } else {
            Self::Agrees(cursor.version)
        }
    }
}
