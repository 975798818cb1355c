//! A whole Driftless in one test: an in-memory server, persons with the real client, a clock that
//! moves when told, a network to cut, and a second person who follows a script. No socket, no
//! thread, no sleep, no browser: the same test gives the same result every time.
//!
//! ```
//! use driftless_model::{BoardId, Note, RecordId};
//! use driftless_testkit::TestKit;
//!
//! let kit = TestKit::new();
//! let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
//! let home = BoardId::new("home").unwrap();
//! let note = RecordId::new("note").unwrap();
//! bob.client().board(home.clone());
//!
//! ann.go_offline();
//! let edit = ann.edit(&home, "Add a note", |edit| {
//!     edit.create(&note, "note", [(Note::TEXT.path(), "Back at noon".into())]);
//! });
//! kit.advance_ms(60_000);
//! assert_eq!(ann.client().status().pending, 1);
//!
//! ann.go_online();
//! kit.until(edit.applied()).expect("nobody changed the same");
//! kit.settle();
//! let shown = bob.client().board(home).record(&note).expect("Bob sees it");
//! assert_eq!(shown.value(&Note::TEXT.path()), Some(&"Back at noon".into()));
//! ```
//!
//! Calling contract: nothing moves by itself. [`TestKit::settle`] lets everything happen that is
//! due now, [`TestKit::advance_ms`] lets time pass, and [`TestKit::until`] lets time pass until a
//! future is there. A test that would wait for ever panics and says so.
#![forbid(unsafe_code)]

mod clock;
mod cable;
mod disk;
mod server;
mod platform;
mod world;
mod person;
mod script;
mod kit;

pub use disk::Disk;
pub use kit::TestKit;
pub use person::Person;
pub use script::Script;
pub use server::Server;
