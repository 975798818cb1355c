//! Whether there is a network, by all who have a say.

/// What is known about the network.
#[derive(Debug, Clone, Copy)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is said by somebody else, and all have to hold"
)]
pub(super) struct Network {
    /// As the device says.
    pub(super) device_has_it: bool,
    /// As the application says.
    pub(super) application_has_it: bool,
    /// Held back on purpose.
    pub(super) is_held: bool,
    /// The page is put away.
    pub(super) is_away: bool,
}

impl Network {
    /// Whether there is one to use.
    pub(super) fn is_there(self) -> bool {
        self.device_has_it && self.application_has_it && !self.is_held && !self.is_away
    }
}
