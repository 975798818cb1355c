//! How often what changed is published. That costs what the outbox is long: with 10,000 edits in
//! it, done for each message of the server, nothing else would get done, and a page stand still.

/// How much longer than publishing took everything else has its turn.
const REST_PER_COST: u64 = 2;

/// The longest that a change waits to be seen for that, in milliseconds.
const REST_MS_MAX: u64 = 250;

/// When there may be publishing again. Where it takes no time worth measuring: at once.
#[derive(Debug, Default)]
pub(super) struct Pace {
    due_ms: u64,
}

impl Pace {
    /// When the next may be.
    pub(super) fn due_ms(&self) -> u64 {
        self.due_ms
    }

    /// It was done, from one time to the other.
    pub(super) fn done(&mut self, began_ms: u64, ended_ms: u64) {
        let cost_ms = ended_ms.saturating_sub(began_ms);
        self.due_ms = ended_ms + (cost_ms * REST_PER_COST).min(REST_MS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_after(cost_ms: u64) -> u64 {
        let mut pace = Pace::default();
        pace.done(1_000, 1_000 + cost_ms);
        pace.due_ms() - 1_000
    }

    #[test]
    fn what_costs_nothing_is_done_at_once_and_what_costs_much_takes_a_third_of_the_time() {
        assert_eq!(Pace::default().due_ms(), 0);
        assert_eq!(due_after(0), 0);
        assert_eq!(due_after(30), 90);
    }

    #[test]
    fn nothing_waits_longer_to_be_seen_than_the_limit() {
        let longest = REST_MS_MAX / REST_PER_COST;
        assert_eq!(due_after(longest), longest + REST_MS_MAX);
        assert_eq!(due_after(longest + 1), longest + 1 + REST_MS_MAX);
    }
}
