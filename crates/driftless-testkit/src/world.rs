//! What everything in a test shares, and how it moves.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use driftless_client::RealtimeConfig;
use driftless_model::Schema;
use futures::FutureExt;
use futures::executor::LocalPool;
use futures::future::{AbortHandle, abortable};
use futures::task::LocalSpawnExt;

use crate::clock::Clock;
use crate::server::Server;

/// Rounds of messages without any time passing, before a test is taken for one that never rests.
const ROUNDS_MAX: u32 = 10_000;
/// How often feeds are evaluated, in milliseconds.
const PULSE_MS: u64 = 1_000;

/// What everything in a test shares.
pub struct World {
    pub(crate) clock: Rc<Clock>,
    pub(crate) server: Server,
    pub(crate) schema: Schema,
    pub(crate) config: RealtimeConfig,
    pool: RefCell<LocalPool>,
    steps: RefCell<Vec<Step>>,
    pulse_at_ms: Cell<u64>,
}

/// What somebody does at a time.
struct Step {
    at_ms: u64,
    act: Box<dyn FnOnce()>,
}

impl World {
    /// A server, nobody there, at time 0.
    pub fn new(schema: Schema, config: RealtimeConfig) -> Self {
        let clock = Rc::<Clock>::default();
        Self {
            server: Server::new(Rc::clone(&clock), schema.clone()),
            clock,
            schema,
            config,
            pool: RefCell::default(),
            steps: RefCell::default(),
            pulse_at_ms: Cell::new(PULSE_MS),
        }
    }

    /// Runs a driver with everything else.
    pub fn spawn(&self, driver: impl Future<Output = ()> + 'static) -> AbortHandle {
        let (driver, handle) = abortable(driver);
        let spawned = self.pool.borrow().spawner().spawn_local(driver.map(|_| ()));
        spawned.expect("the pool lives as long as the test");
        handle
    }

    /// Something to do at a time.
    pub fn at_ms(&self, at_ms: u64, act: impl FnOnce() + 'static) {
        let act = Box::new(act);
        self.steps.borrow_mut().push(Step { at_ms, act });
    }

    /// Lets everything happen that is due now.
    #[track_caller]
    pub fn settle(&self) {
        for _ in 0..ROUNDS_MAX {
            self.pool.borrow_mut().run_until_stalled();
            if !self.server.work() {
                return;
            }
        }
        panic!("after {ROUNDS_MAX} rounds of messages at one moment there are still more");
    }

    /// Lets the next thing happen that waits for its time, if that is not later than `end_ms`; says
    /// whether there was one.
    pub fn step(&self, end_ms: u64) -> bool {
        let due = self.clock.next_due_ms().into_iter();
        let due = due.chain(self.steps.borrow().iter().map(|step| step.at_ms).min());
        let due = due.chain([self.pulse_at_ms.get()]).min();
        let Some(at_ms) = due.filter(|at_ms| *at_ms <= end_ms) else {
            return false;
        };
        self.clock.move_to(at_ms);
        if self.pulse_at_ms.get() <= at_ms {
            self.pulse_at_ms.set(at_ms + PULSE_MS);
            self.server.evaluate_feeds();
        }
        for step in self.due_steps(at_ms) {
            (step.act)();
        }
        self.settle();
        true
    }

    /// In the order in which they were asked for.
    fn due_steps(&self, now_ms: u64) -> Vec<Step> {
        let mut steps = self.steps.borrow_mut();
        let due = steps.extract_if(.., |step| step.at_ms <= now_ms);
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|step| step.at_ms);
        due
    }
}

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("World")
            .field("clock", &self.clock)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
