//! What happens to the outbox when the replica takes a new client id, or when the server's history
//! is not the one that was on screen.

use driftless_model::{ClientId, Version};
use driftless_protocol::durable::EntryState;
use driftless_protocol::message::Settled;

use super::Outbox;
use crate::planted::{Bug, is_planted};
use crate::replica::journal::Journal;

impl Outbox {
    /// What the history that was on screen is not the server's: nothing counts as seen.
    pub fn forget_seen(&mut self, journal: &mut Journal) {
        let numbers: Vec<u64> = self.entries.keys().copied().collect();
        for number in numbers {
            if let Some(entry) = self.entries.get_mut(&number) {
                entry
                    .row
                    .changes
                    .iter_mut()
                    .filter(|_| !is_planted(Bug::KeepSeen))
                    .for_each(|change| change.seen.version = Version(0));
                if let Some(again) = &mut entry.row.again {
                    again.above = Version(0);
                }
            }
            self.store(number, journal);
        }
        self.recent.clear();
        self.history += u32::from(!is_planted(Bug::KeepSeen));
    }

    /// How often the server's history turned out not to be the one on screen.
    pub fn history(&self) -> u32 {
        self.history
    }

    /// The server's history is another one since it was told here: marks that were taken before
    /// have seen nothing.
    pub fn go_to_history(&mut self, history: u32) {
        if history != self.history {
            self.recent.clear();
            self.history = history;
        }
    }

    /// Starts over under a new client id: what was sealed is queued again. What was only queued may
    /// have been sent by a copy of this replica, too.
    pub fn unseal(&mut self, former: ClientId, journal: &mut Journal) {
        self.next_seq = 1;
        self.settled = 0;
        self.settled_durable = 0;
        self.settled_tickets.clear();
        let unsettled = self.entries().filter(|entry| entry.is_unsettled());
        let unsettled: Vec<(u64, bool)> = unsettled
            .map(|entry| (entry.row.number, entry.is_taken_back()))
            .collect();
        for (number, is_taken_back) in unsettled {
            if is_taken_back {
                self.discard(number, journal);
            } else if let Some(entry) = self.entries.get_mut(&number) {
                entry.start_over(former);
                self.store(number, journal);
            }
        }
    }

    /// A planted bug: what was sealed counts as queued, and its seq as free.
    pub fn unseal_all(&mut self) {
        let sealed = self.entries.values_mut();
        for entry in sealed.filter(|entry| entry.seq().is_some()) {
            self.next_seq = self.next_seq.min(entry.seq().unwrap_or(u64::MAX));
            entry.row.state = EntryState::Queued;
        }
    }

    /// Whether an outcome is about an edit in this outbox: its id, at its seq.
    pub fn has(&self, settled: &Settled) -> bool {
        self.at_seq(settled.seq)
            .is_some_and(|entry| entry.row.id == settled.id)
    }
}
