//! What persons look at: they scroll, hide the page, and have widgets that are shown at a pace.

use driftless_sync::replica::{Attention, Command, Pace, Subject};

use crate::failure::Failure;
use crate::world::World;

impl World {
    /// A person looks elsewhere, or looks back.
    pub fn look(&mut self, tab: usize) -> Result<(), Failure> {
        self.tally.looks += 1;
        if self.dice.chance(25) {
            let is_visible = self.dice.chance(60);
            return self.command(tab, Command::Visible(is_visible));
        }
        let Some(board) = self.dice.pick(&self.boards).cloned() else {
            return Ok(());
        };
        let record = self.some_record();
        let attention = self.some_attention();
        let key = (board.clone(), record.clone());
        self.tabs[tab].attentions.insert(key, attention);
        let subject = Subject::Record { board, record };
        self.command(tab, Command::Attend { subject, attention })
    }

    fn some_attention(&mut self) -> Attention {
        let pace = match self.dice.below(4) {
            0 => {
                let interval_ms = self.dice.between(50, 600);
                Pace::Throttle { interval_ms }
            }
            1 => {
                let (quiet_ms, most_ms) = (self.dice.between(20, 200), self.dice.between(50, 900));
                Pace::Debounce { quiet_ms, most_ms }
            }
            _ => Pace::EveryFlush,
        };
        let is_visible = self.dice.chance(60);
        Attention { is_visible, pace }
    }
}
