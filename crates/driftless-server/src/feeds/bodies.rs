//! Pushes that are under way: their bodies take memory for as long as they take to come.

use driftless_model::UserId;
use driftless_model::limits::{PUSH_BODIES_MAX, PUSH_BODIES_PER_USER_MAX};

use crate::counts::{Counted, SharedCounts};

/// Who pushes, and how many at once.
#[derive(Debug, Default)]
pub struct Bodies {
    of_user: SharedCounts<UserId>,
}

impl Bodies {
    /// Room for a push of a user, until it is dropped; `None` where there are too many, of all or
    /// of this one.
    pub fn begin(&self, user: &UserId) -> Option<Counted<UserId>> {
        let (each_max, all_max) = (PUSH_BODIES_PER_USER_MAX, PUSH_BODIES_MAX);
        Counted::enter(&self.of_user, user.clone(), each_max, all_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_room_for_some_all_together_for_more_and_it_comes_back() {
        let bodies = Bodies::default();
        let user = |number: usize| UserId::new(format!("u{number}")).expect("a user");
        let mut underway = Vec::new();
        for number in 0..PUSH_BODIES_MAX / PUSH_BODIES_PER_USER_MAX {
            for _ in 0..PUSH_BODIES_PER_USER_MAX {
                underway.push(bodies.begin(&user(number)).expect("there is room"));
            }
            assert!(bodies.begin(&user(number)).is_none());
        }
        assert!(bodies.begin(&user(99)).is_none());
        underway.pop();
        drop(bodies.begin(&user(99)).expect("there is room"));
        drop(underway);
        assert!(bodies.begin(&user(0)).is_some());
    }
}
