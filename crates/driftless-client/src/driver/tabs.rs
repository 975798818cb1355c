//! The other tabs of a replica: what they are told, and what they say. Those of another build whose
//! messages have another format are not understood; what stands before each message says so much of
//! them that nobody takes them for silent, and that what they store is seen.

use driftless_protocol::tab::{TAB_FORMAT, TabHeader};
use driftless_protocol::{TabId, TabMessage};
use driftless_sync::replica::{Command, Input};

use crate::driver::Driver;
use crate::driver::sign_in::Said;
use crate::platform::Platform;

/// Whose storage is written by tabs that are not understood: one tab, as far as it matters.
const STRANGERS: TabId = TabId(0);

/// What is known of tabs whose messages have another format.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// How often they said that they wrote.
    changed: u64,
    /// One of them said that it leads, since this tab last missed whoever leads.
    have_led: bool,
}

impl<P: Platform> Driver<P> {
    /// Tells the other tabs.
    pub(super) fn tell_tabs(&mut self, message: &TabMessage) {
        let frame = self.sign_in.frame(message);
        self.tell_frame(matches!(message, TabMessage::Changed { .. }), &frame);
        if let Some(token) = self.sign_in.hand_over() {
            self.tell_frame(false, &token);
        }
    }

    fn tell_frame(&mut self, has_written: bool, frame: &[u8]) {
        let header = TabHeader {
            format: TAB_FORMAT,
            leads: self.sign_in.leads(),
            has_written,
        };
        self.platform.tell(header.before(frame));
    }

    /// Another tab said something.
    pub(super) fn told_by_tab(&mut self, frame: &[u8]) {
        let Some((header, frame)) = TabHeader::split(frame) else {
            return;
        };
        if header.format != TAB_FORMAT {
            return self.told_by_stranger(header);
        }
        let was_new = self.sign_in.is_new();
        let said = self.sign_in.read(frame);
        if was_new && !self.sign_in.is_new() {
            // Whoever leads has the same.
            self.go_on_with_token();
        }
        match said {
            Some(Said::Message(message)) => {
                if matches!(message, TabMessage::Leads(_)) {
                    self.led_by_strangers(false);
                }
                self.handle(Input::Told(Box::new(message)));
                self.lead_for_token();
            }
            Some(Said::Token(token)) => {
                self.state.history.hide(&token);
                self.handle(Input::Command(Command::AdoptToken(Some(token))));
            }
            None => {}
        }
    }

    /// What is made here need not wait until this tab leads.
    pub(super) fn go_on_with_token(&mut self) {
        let token = self.sign_in.token();
        self.handle(Input::Command(Command::AdoptToken(token)));
    }

    fn told_by_stranger(&mut self, header: TabHeader) {
        if self.sign_in.leads() {
            if !header.leads {
                // It asks, in its way, whether anybody leads.
                self.tell_frame(false, &[]);
            }
        } else if header.leads {
            self.strangers.have_led = true;
            self.led_by_strangers(true);
            if self.sign_in.is_new() {
                // It cannot be asked with whose token.
                self.go_on_with_token();
            }
        }
        if header.has_written {
            self.strangers.changed += 1;
            let (tab, changed) = (STRANGERS, self.strangers.changed);
            let changed = TabMessage::Changed { tab, changed };
            self.handle(Input::Told(Box::new(changed)));
        }
    }

    /// Nobody answered the machine. A tab that leads and is not understood has done so in its way:
    /// taking its place, each would take it from the other for ever. It is asked again.
    pub(super) fn elect(&mut self) {
        if std::mem::take(&mut self.strangers.have_led) {
            return self.tell_frame(false, &[]);
        }
        self.led_by_strangers(false);
        self.platform.elect();
    }

    pub(super) fn led_by_strangers(&mut self, are_led: bool) {
        if self.around.is_led_by_strangers != are_led {
            self.around.is_led_by_strangers = are_led;
            self.batch.status();
        }
    }
}
