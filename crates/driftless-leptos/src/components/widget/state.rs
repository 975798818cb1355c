//! Which of a widget's states is shown, where several hold at once.

/// How a widget is, as `data-state` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WidgetState {
    /// Nothing is known of the board yet.
    Loading,
    /// The board has no such record: it comes with its first edit.
    Missing,
    /// As the server has it.
    Live,
    /// The person paused it: what was last seen is shown.
    Paused,
    /// The user may not see the board.
    Forbidden,
    /// Its feed has no news.
    Late,
    /// No connection: what was last seen is shown.
    Offline,
    /// A change waits to be confirmed.
    Pending,
    /// A change waits for a person.
    Conflict,
    /// What is inside failed.
    Error,
}

impl WidgetState {
    /// Its name, as `data-state` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Missing => "missing",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Forbidden => "forbidden",
            Self::Late => "late",
            Self::Offline => "offline",
            Self::Pending => "pending",
            Self::Conflict => "conflict",
            Self::Error => "error",
        }
    }

    /// The first that holds; `otherwise` where none does. What a person has to act on stands
    /// before what passes by itself.
    pub fn first(holds: impl IntoIterator<Item = (Self, bool)>, otherwise: Self) -> Self {
        let mut holding = holds.into_iter().filter(|(_, holds)| *holds);
        holding.next().map_or(otherwise, |(state, _)| state)
    }
}

#[cfg(test)]
mod tests {
    use super::WidgetState::{Conflict, Late, Live, Pending};
    use super::*;

    #[test]
    fn the_first_state_that_holds_is_shown() {
        let holds = |conflict, late| [(Conflict, conflict), (Pending, false), (Late, late)];
        assert_eq!(WidgetState::first(holds(true, true), Live), Conflict);
        assert_eq!(WidgetState::first(holds(false, true), Live), Late);
        assert_eq!(WidgetState::first(holds(false, false), Live), Live);
    }
}
