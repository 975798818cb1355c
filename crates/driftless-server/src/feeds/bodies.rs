//! Pushes that are under way: their bodies take memory for as long as they take to come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::UserId;
use driftless_model::limits::{PUSH_BODIES_MAX, PUSH_BODIES_PER_USER_MAX};

/// Who pushes, and how many at once.
#[derive(Debug, Default)]
pub struct Bodies {
    of_user: Mutex<HashMap<UserId, usize>>,
}

/// A push that is under way. Dropping it makes room for another.
#[derive(Debug)]
pub struct Underway {
    bodies: Arc<Bodies>,
    user: UserId,
}

impl Bodies {
    /// Room for a push of a user; `None` where there are too many, of all or of this one.
    pub fn begin(self: &Arc<Self>, user: &UserId) -> Option<Underway> {
        let mut of_user = self.of_user();
        let own = of_user.get(user).copied().unwrap_or(0);
        let all: usize = of_user.values().sum();
        if own >= PUSH_BODIES_PER_USER_MAX || all >= PUSH_BODIES_MAX {
            return None;
        }
        of_user.insert(user.clone(), own + 1);
        Some(Underway {
            bodies: self.clone(),
            user: user.clone(),
        })
    }

    fn of_user(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.of_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut of_user = self.bodies.of_user();
        if let Some(own) = of_user.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                of_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_room_for_some_all_together_for_more_and_it_comes_back() {
        let bodies = Arc::new(Bodies::default());
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
        assert!(bodies.of_user().is_empty());
    }
}
