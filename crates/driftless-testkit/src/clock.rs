//! A clock that moves when told.

use std::cell::{Cell, RefCell};

use futures::FutureExt;
use futures::channel::oneshot;

/// The device's date when the clock is at 0, in milliseconds since 1970, unless told otherwise.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// Resolves once the clock was moved to its time.
pub type Sleep = futures::future::Map<oneshot::Receiver<()>, fn(Result<(), oneshot::Canceled>)>;

/// The time of everything in a test.
#[derive(Debug)]
pub struct Clock {
    now_ms: Cell<u64>,
    began_ms: Cell<u64>,
    sleepers: RefCell<Vec<(u64, oneshot::Sender<()>)>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            now_ms: Cell::default(),
            began_ms: Cell::new(EPOCH_MS),
            sleepers: RefCell::default(),
        }
    }
}

impl Clock {
    /// What the date is when the clock is at 0, in milliseconds since 1970.
    pub fn begin_at(&self, epoch_ms: u64) {
        self.began_ms.set(epoch_ms);
    }

    /// Milliseconds since the test began.
    pub fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    /// Milliseconds since 1970.
    pub fn epoch_ms(&self) -> u64 {
        self.began_ms.get() + self.now_ms()
    }

    /// Resolves once the clock stands at a time, or past it.
    pub fn sleep_until(&self, at_ms: u64) -> Sleep {
        let (sender, receiver) = oneshot::channel();
        self.sleepers.borrow_mut().push((at_ms, sender));
        receiver.map(|_| ())
    }

    /// The next time for which somebody sleeps. Whoever stopped waiting does not count.
    pub fn next_due_ms(&self) -> Option<u64> {
        let mut sleepers = self.sleepers.borrow_mut();
        sleepers.retain(|(_, sleeper)| !sleeper.is_canceled());
        sleepers.iter().map(|(at_ms, _)| *at_ms).min()
    }

    /// Moves to a time, never back, and wakes those whose time has come.
    pub fn move_to(&self, at_ms: u64) {
        let now_ms = self.now_ms().max(at_ms);
        self.now_ms.set(now_ms);
        let sleepers = self.sleepers.take();
        let (due, later): (Vec<_>, Vec<_>) =
            sleepers.into_iter().partition(|(at, _)| *at <= now_ms);
        self.sleepers.borrow_mut().extend(later);
        for (_, sleeper) in due {
            // Whoever slept may be gone.
            let _ = sleeper.send(());
        }
    }
}
