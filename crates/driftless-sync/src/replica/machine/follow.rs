//! Tabs that share the storage: reading it again, following whoever leads, and taking their place
//! where they are silent.

use driftless_model::{BoardId, EditId, SortedMap, SortedSet};
use driftless_protocol::durable::{Key, ReplicaRow, Row};
use driftless_protocol::tab::{Leads, Wants};
use driftless_protocol::{FeedFrame, TabId, TabMessage, Wish};

use crate::replica::background_sync::Entry;
use crate::replica::board::{Step, StoredBoard, settlements};
use crate::replica::journal::Writer;
use crate::replica::machine::{Phase, Replica};
use crate::replica::tab_feeds::TabFeeds;
use crate::replica::tabs::{Asked, Leader, Reading, StoredReplica, Tabs};
use crate::replica::types::{Notice, Now, Output, Settlement};
use crate::replica::undo_history::UndoHistory;
use crate::replica::view::StorageVerdict;

impl Replica {
    /// The storage was read.
    pub(super) fn read(&mut self, rows: &[Row], volatile: Option<String>, now: Now) {
        let Some(tabs) = &mut self.tabs else { return };
        if !tabs.is_reading() || self.phase == Phase::Unusable {
            return;
        }
        tabs.was_read(now.mono_ms);
        let is_first = self.phase == Phase::Loading;
        let stored = StoredReplica::new(rows.to_vec());
        if self.phase == Phase::Leading && self.still_fits(&stored) {
            self.adopt(&stored, rows, now);
        } else {
            self.start_from(stored, rows, now);
        }
        if is_first {
            self.verdict = match volatile {
                Some(reason) => StorageVerdict::MemoryOnly { reason },
                None => StorageVerdict::Durable,
            };
            for (id, board) in &self.boards {
                self.processor.local(id, board.all_records());
            }
            for edit in std::mem::take(&mut self.early) {
                self.person_edit(edit, now);
            }
            self.ask_leader(now);
        }
    }

    /// Whether what other tabs wrote goes together with what is in memory.
    fn still_fits(&self, stored: &StoredReplica) -> bool {
        let none = StoredBoard::default();
        let clashes = |id: &BoardId| {
            let outbox = &stored.boards.get(id).unwrap_or(&none).outbox;
            let own = self.boards.get(id);
            own.is_some_and(|own| own.outbox.clashes(outbox, &self.journal))
        };
        let is_same = !self.is_outdated() && self.known_row() == stored.row;
        // What others made for whom the stored copy belongs to is not the next owner's.
        let is_changing = self.row != stored.row;
        is_same && !is_changing && !self.boards.keys().any(clashes)
    }

    /// Starts from what is stored, and does again what is not durable.
    fn start_from(&mut self, stored: StoredReplica, rows: &[Row], now: Now) {
        let leads = self.phase == Phase::Leading && stored.term() == self.term();
        let is_beaten = self.phase == Phase::Claiming && stored.term() >= self.term();
        self.let_go_of_unsaved();
        let former = self.known_row();
        let Some(tabs) = &mut self.tabs else { return };
        let deeds = std::mem::take(&mut tabs.deeds);
        tabs.is_outdated = false;
        tabs.is_elected &= !is_beaten;
        let is_elected = tabs.is_elected;
        let steps = self.reread_boards(stored.boards);
        let (phase, writer) = if leads {
            (Phase::Leading, Writer::Leader)
        } else {
            (Phase::Following, Writer::Follower)
        };
        self.journal.start_from(writer, rows);
        self.unstored.clear();
        self.storage_retry_at_ms = None;
        self.row = stored.row;
        self.owner_changed(former.as_ref());
        self.phase = phase;
        self.sign_in_again(leads);
        if leads {
            self.meet_token();
        }
        self.detach();
        self.socket.disconnect(&mut self.actions);
        if leads {
            self.connect_if_wished(now);
        } else {
            self.stop_leading();
        }
        if is_elected && !leads {
            self.claim();
            self.journal.write_as(Writer::Leader);
            self.phase = Phase::Claiming;
        }
        let news = steps.into_iter().filter(|(_, step)| step.is_news);
        for (id, step) in news {
            self.finish(&id, step, now);
        }
        if self.is_leading() {
            self.take_charge();
        }
        if self.phase == Phase::Claiming && self.is_anothers() {
            // Whoever led until now may have stored an edit since this was read. Once they can no
            // longer, it is read again, and with nothing of this tab's beside theirs.
            self.commit();
        }
        self.do_again(deeds, now);
        let is_unsaved = matches!(self.verdict, StorageVerdict::NotSaved { .. });
        if is_unsaved && self.phase == Phase::Following && !self.journal.is_wanted() {
            // What could not be written is another tab's to write by now.
            self.verdict = StorageVerdict::Durable;
        }
    }

    fn term(&self) -> u64 {
        self.row.as_ref().map_or(0, |row| row.term)
    }

    fn known_row(&self) -> Option<ReplicaRow> {
        match self.journal.known(&Key::Replica) {
            Some(Row::Replica(row)) => Some(row.clone()),
            _ => None,
        }
    }

    /// Edits that the machine made by itself and that were not stored: they come again with what
    /// they follow from, under other ids.
    fn let_go_of_unsaved(&mut self) {
        let unsaved = self.tabs.as_ref().map(Tabs::unsaved);
        let unsaved = unsaved.unwrap_or_default();
        let dropped: SortedSet<EditId> = self.unstored.keys().copied().collect();
        let dropped: Vec<EditId> = dropped.difference(&unsaved).copied().collect();
        for (id, board) in &self.boards {
            for edit in &dropped {
                if let Some(entry) = board.outbox.by_id(*edit) {
                    let told = settlements(id, &entry.row, &Settlement::Discarded);
                    let own =
                        |it: &Notice| matches!(it, Notice::EditSettled { id, .. } if id == edit);
                    let told = told.into_iter().filter(own);
                    self.outputs.extend(told.map(Output::Notice));
                }
            }
        }
    }

    fn reread_boards(
        &mut self,
        mut stored: SortedMap<BoardId, StoredBoard>,
    ) -> SortedMap<BoardId, Step> {
        let known = self.boards.keys().cloned();
        let ids: SortedSet<BoardId> = known.chain(stored.keys().cloned()).collect();
        let mut steps = SortedMap::new();
        for id in ids {
            let own = stored.remove(&id).unwrap_or_default();
            self.board_mut(&id);
            if let Some(board) = self.boards.get_mut(&id) {
                steps.insert(id, board.reread(own, &self.journal));
            }
        }
        steps
    }

    /// What changes for undo and for marks where the copy is another user's, another client's, or
    /// of another history than before.
    fn owner_changed(&mut self, former: Option<&ReplicaRow>) {
        let history = self.row.as_ref().map_or(0, |row| row.history);
        let Some(former) = former else {
            return self.go_to_history(history);
        };
        let row = self.row.as_ref();
        let is_same_user = former.user.is_none() || row.map(|row| &row.user) == Some(&former.user);
        let is_same =
            row.map(|row| (row.client, row.history)) == Some((former.client, former.history));
        for (id, board) in &mut self.boards {
            if !is_same_user {
                board.history = UndoHistory::default();
            } else if !is_same {
                board.history.forget_applied();
            }
            if !is_same {
                self.processor.whole(id);
                self.processor.local(id, board.all_records());
            }
        }
        self.go_to_history(history);
    }

    fn go_to_history(&mut self, history: u32) {
        for board in self.boards.values_mut() {
            board.outbox.go_to_history(history);
        }
    }

    fn stop_leading(&mut self) {
        self.tab_feeds = TabFeeds::default();
        for board in self.boards.values_mut() {
            board.is_followed_elsewhere = false;
        }
    }

    /// A transaction of another tab came between: what is in memory is not what is stored.
    pub(super) fn outdated(&mut self) {
        if let Some(tabs) = &mut self.tabs {
            tabs.is_outdated = true;
            tabs.want_reading();
        }
        self.detach();
        self.socket.disconnect(&mut self.actions);
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.tabs.as_ref().is_some_and(|tabs| tabs.is_outdated)
    }

    /// Reads or writes the storage, never both at once: what is read is then what this tab wrote
    /// last, and what others did.
    pub(super) fn take_turns(&mut self, now: Now) {
        let waits = self.phase == Phase::Following && self.waits_to_lead();
        let may_write = self.may_write() && !waits;
        let may_write = may_write && self.may_write_at(now) && self.journal.is_wanted();
        let is_busy = self.journal.is_busy();
        let due_at_ms = self.reading_due_at_ms();
        let Some(tabs) = &mut self.tabs else { return };
        if self.phase == Phase::Unusable || is_busy || tabs.is_reading() {
            return;
        }
        let is_reading_due = due_at_ms.is_some_and(|due| due <= now.mono_ms);
        let may_write = may_write && !tabs.is_outdated;
        if is_reading_due && (tabs.wrote_last || !may_write) {
            tabs.reading = Reading::UnderWay { again: false };
            self.outputs.push_back(Output::Load);
        } else if may_write {
            tabs.wrote_last = true;
            self.commit();
        }
    }

    /// Whoever leads reads at once; others once a frame.
    fn reading_due_at_ms(&self) -> Option<u64> {
        let tabs = self.tabs.as_ref()?;
        let is_unusable = self.phase == Phase::Unusable;
        if tabs.reading != Reading::Wanted || self.journal.is_busy() || is_unusable {
            return None;
        }
        let is_urgent = tabs.is_outdated || tabs.is_elected || self.is_leading();
        let frame_ms = self.cadence().frame_ms;
        Some(if self.phase == Phase::Claiming {
            // Where that could not be written, it is read again when it is tried again.
            self.storage_retry_at_ms.unwrap_or(0)
        } else if is_urgent {
            0
        } else {
            tabs.read_at_ms + frame_ms
        })
    }

    /// A transaction is durable.
    pub(super) fn tell_written(&mut self, now: Now) {
        let journal = &self.journal;
        let Some(tabs) = &mut self.tabs else { return };
        tabs.forget_durable(|ticket| journal.is_durable(ticket));
        let message = tabs.wrote();
        self.tell(message);
        self.ask_leader(now);
    }

    pub(super) fn tell(&mut self, message: TabMessage) {
        if self.tabs.is_some() {
            self.outputs.push_back(Output::Tell(Box::new(message)));
        }
    }

    pub(super) fn elected(&mut self) {
        if self.is_leading() || self.phase == Phase::Unusable {
            return;
        }
        if let Some(tabs) = &mut self.tabs {
            tabs.is_elected = true;
            tabs.want_reading();
        }
    }

    /// Another tab told something.
    pub(super) fn told(&mut self, message: TabMessage, now: Now) {
        if self.tabs.is_none() || self.phase == Phase::Unusable {
            return;
        }
        match message {
            TabMessage::Changed { tab, changed } => self.hear(tab, changed),
            TabMessage::Leads(leads) => {
                self.hear(leads.tab, leads.changed);
                self.hear_wish(leads.wish, now);
                self.heard_leader(leads, now);
            }
            TabMessage::Wants(wants) => {
                self.hear(wants.tab, wants.changed);
                self.hear_wish(wants.wish, now);
                self.serve(&wants, now);
            }
            TabMessage::Feed { to, count, frame } => self.told_samples(to, count, frame, now),
            TabMessage::FeedAgain { tab, feed } => self.serve_again(tab, feed),
            TabMessage::FeedError { to, feed, detail }
                if self.is_me(to) && self.feeds.contains_key(&feed) =>
            {
                let notice = Notice::FeedError { feed, detail };
                self.outputs.push_back(Output::Notice(notice));
            }
            TabMessage::AskScreens { board, version } if self.is_leading() => {
                self.ask_screens(board, version);
            }
            TabMessage::Shown {
                board,
                version,
                ago_ms,
            } if self.is_leading() => self.say_shown(board, version, ago_ms),
            TabMessage::Look { board, version } if !self.is_leading() => {
                self.looked_for(board, version, now);
            }
            TabMessage::Screens(screens) if !self.is_leading() => self.screens(screens),
            TabMessage::Hurry { board } if self.is_leading() => self.hurry(&board, now),
            // A build that knows no order asks now.
            TabMessage::Connect(Wish {
                order: 0,
                is_wanted,
            }) => self.hear_wish(self.wish.then(is_wanted), now),
            TabMessage::Connect(wish) => self.hear_wish(wish, now),
            _ => {}
        }
    }

    fn hear(&mut self, tab: TabId, changed: u64) {
        if let Some(tabs) = &mut self.tabs {
            tabs.hear(tab, changed);
        }
    }

    fn is_me(&self, tab: TabId) -> bool {
        self.tabs.as_ref().is_some_and(|tabs| tabs.me == tab)
    }

    fn heard_leader(&mut self, leads: Leads, now: Now) {
        let term = self.term();
        if self.is_leading() && leads.term < term {
            // It was frozen, and does not know yet.
            return self.announce(now);
        }
        let Some(tabs) = &mut self.tabs else { return };
        if leads.term > term {
            tabs.want_reading();
        }
        let known = tabs.leader.as_ref().map(|leader| (leader.term, leader.tab));
        let is_past = known.is_some_and(|(known, _)| leads.term < known);
        if leads.term < term || is_past || self.is_leading() {
            return;
        }
        let Some(tabs) = &mut self.tabs else { return };
        let is_new = known != Some((leads.term, leads.tab));
        tabs.asked = None;
        tabs.leader = Some(Leader {
            tab: leads.tab,
            term: leads.term,
            connection: super::lead::connection(leads.connection, now),
            server_build: leads.server_build,
            last_sync_ms: leads.last_sync_ms,
        });
        if is_new {
            tabs.frames.clear();
            self.say_what_is_wanted(now);
        }
    }

    /// Says what is wanted, and waits for an answer.
    pub(super) fn ask_leader(&mut self, now: Now) {
        if self.phase != Phase::Following {
            return;
        }
        self.say_what_is_wanted(now);
        if let Some(tabs) = &mut self.tabs {
            tabs.asked.get_or_insert(Asked {
                at_ms: now.mono_ms,
                is_repeated: false,
            });
        }
    }

    fn say_what_is_wanted(&mut self, now: Now) {
        let Some(tabs) = &mut self.tabs else { return };
        tabs.said_at_ms = now.mono_ms;
        let followed = self.boards.iter().filter(|(_, board)| board.is_followed);
        let feeds = self.feeds.iter();
        let wants = Wants {
            tab: tabs.me,
            changed: tabs.changed(),
            read: self.journal.tab_writes(),
            wish: self.wish,
            boards: followed.map(|(id, _)| id.clone()).collect(),
            feeds: feeds.map(|(feed, query)| (*feed, query.clone())).collect(),
        };
        self.tell(TabMessage::Wants(wants));
    }

    /// Asks whoever leads from time to time, and takes their place where they are silent. Only
    /// where the page is seen: the timers of a hidden one come late, and it has nobody to serve.
    pub(super) fn watch_leader(&mut self, now: Now) {
        if self.phase != Phase::Following {
            return self.forget_silent_tabs(now);
        }
        let silence_ms = self.config.tab_silence_ms();
        let is_due = self.watch_due_at_ms().is_some_and(|due| due <= now.mono_ms);
        let Some(tabs) = self.tabs.as_mut().filter(|_| is_due) else {
            return;
        };
        match &mut tabs.asked {
            None => self.ask_leader(now),
            Some(asked) if !asked.is_repeated => {
                asked.is_repeated = true;
                self.say_what_is_wanted(now);
            }
            Some(asked) => {
                let waited_ms = now.mono_ms.saturating_sub(asked.at_ms);
                // Whoever was frozen themselves has not listened so long.
                let has_slept = waited_ms > 2 * silence_ms;
                tabs.asked = None;
                if has_slept || !self.is_visible {
                    // What it stored has to be heard of, whoever leads by now.
                    return self.ask_leader(now);
                }
                tabs.asked = Some(Asked {
                    at_ms: now.mono_ms,
                    is_repeated: true,
                });
                // What it said last is not how things are.
                tabs.leader = None;
                self.outputs.push_back(Output::Elect);
            }
        }
    }

    /// Whether something waits for whoever leads to hear of it.
    fn has_queued(&self) -> bool {
        let mut entries = self
            .boards
            .values()
            .flat_map(|board| board.outbox.entries());
        entries.any(Entry::is_queued)
    }

    fn watch_due_at_ms(&self) -> Option<u64> {
        let tabs = self.tabs.as_ref()?;
        if self.phase != Phase::Following {
            return None;
        }
        let silence_ms = self.config.tab_silence_ms();
        match (&tabs.asked, &tabs.leader) {
            (Some(asked), _) if asked.is_repeated => Some(asked.at_ms + silence_ms),
            (Some(asked), _) => Some(asked.at_ms + silence_ms / 2),
            (None, Some(_)) if self.is_visible || self.has_queued() => {
                Some(tabs.said_at_ms + silence_ms)
            }
            (None, _) => None,
        }
    }

    /// When something is due that other tabs are the reason of.
    pub(super) fn tabs_due_at_ms(&self) -> Option<u64> {
        let due = self.reading_due_at_ms().into_iter();
        due.chain(self.watch_due_at_ms()).min()
    }

    fn told_samples(&mut self, to: TabId, count: u64, frame: FeedFrame, now: Now) {
        let feed = frame.feed;
        if self.phase != Phase::Following || !self.is_me(to) || !self.feeds.contains_key(&feed) {
            return;
        }
        let Some(tabs) = &mut self.tabs else { return };
        let before = tabs.frames.insert(feed, count);
        let is_next = before.is_some_and(|before| count == before + 1);
        let is_old = before.is_some_and(|before| count <= before);
        if is_old {
            tabs.frames.insert(feed, before.unwrap_or(count));
            return;
        }
        let fits = (frame.full || is_next) && self.processor.feed(frame, now.mono_ms);
        if !fits && let Some(tabs) = &mut self.tabs {
            tabs.frames.remove(&feed);
            let tab = tabs.me;
            self.tell(TabMessage::FeedAgain { tab, feed });
        }
    }
}
