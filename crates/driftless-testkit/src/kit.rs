//! The test kit.

use std::pin::pin;
use std::rc::Rc;

use driftless_client::RealtimeConfig;
use driftless_model::{BoardId, Schema};
use futures::FutureExt;

use crate::person::Person;
use crate::script::Script;
use crate::server::Server;
use crate::world::World;

/// How much time [`TestKit::until`] lets pass before it gives up, in milliseconds.
const PATIENCE_MS: u64 = 10 * 60 * 1_000;

/// A server and persons, on a clock that moves when told. Not to be used inside another executor:
/// the test is a plain function.
#[derive(Debug)]
pub struct TestKit(Rc<World>);

impl Default for TestKit {
    fn default() -> Self {
        Self::new()
    }
}

impl TestKit {
    /// The built-in kinds and the default settings; the server runs, nobody is there.
    pub fn new() -> Self {
        Self::with(Schema::builtin(), RealtimeConfig::default())
    }

    /// Kinds and settings of an application. The server and all persons have the same kinds.
    pub fn with(schema: Schema, config: RealtimeConfig) -> Self {
        Self(Rc::new(World::new(schema, config)))
    }

    /// Begins at a date, in milliseconds since 1970: for what compares with the clock on the wall.
    #[must_use]
    pub fn dated(self, epoch_ms: u64) -> Self {
        self.0.clock.begin_at(epoch_ms);
        self
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// Somebody comes, on a new device with a network, and connects. Names are users: the same name
    /// twice is one user with two devices.
    pub fn person(&self, name: &str) -> Person {
        self.person_with(name, self.0.schema.clone())
    }

    /// Somebody whose build knows other kinds than the server: an older or a newer one, or one
    /// whose validators let more through.
    pub fn person_with(&self, name: &str, schema: Schema) -> Person {
        let person = Person::new(Rc::clone(&self.0), name, schema);
        self.settle();
        person
    }

    /// Somebody comes who follows a script on a board.
    pub fn script(&self, name: &str, board: &BoardId) -> Script {
        Script::new(Rc::clone(&self.0), self.person(name), board.clone())
    }

    /// Milliseconds since the test began.
    pub fn now_ms(&self) -> u64 {
        self.0.clock.now_ms()
    }

    /// Lets everything happen that is due now.
    #[track_caller]
    pub fn settle(&self) {
        self.0.settle();
    }

    /// Lets time pass, and everything happen in its order.
    #[track_caller]
    pub fn advance_ms(&self, milliseconds: u64) {
        let end_ms = self.now_ms() + milliseconds;
        self.settle();
        while self.0.step(end_ms) {}
        self.0.clock.move_to(end_ms);
        self.settle();
    }

    /// Lets time pass until a future is there, at most ten minutes.
    #[track_caller]
    pub fn until<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let end_ms = self.now_ms() + PATIENCE_MS;
        loop {
            self.settle();
            if let Some(done) = future.as_mut().now_or_never() {
                return done;
            }
            assert!(
                self.0.step(end_ms),
                "ten minutes passed, and what the test waits for did not come"
            );
        }
    }
}
