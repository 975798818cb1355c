//! A world of its own behind each thing that is shown: a server in the page, Ann, whose screen it
//! is, and Bob, who works on the same board.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use driftless_client::model::builtin::TITLE;
use driftless_model::{BoardId, Check, EditId, Kind, Note, RecordId, SortedMap, UserId, Version};
use driftless_protocol::message::Event;
use driftless_protocol::{SeriesName, ServerMessage};
use driftless_testkit::{Person, TestKit};
use leptos::prelude::*;

/// The board.
pub const BOARD: &str = "home";
/// The record that everything is about.
pub const NOTE: &str = "note";
/// The series that samples are pushed of.
pub const SERIES: &str = "temperature";

/// How often a world moves, in milliseconds.
const TICK_MS: u64 = 40;
/// What is made up for at once after a page was hidden, in milliseconds.
const CATCH_UP_MS_MAX: f64 = 2_000.0;
/// How often there is a sample, in milliseconds.
const SAMPLE_MS: u64 = 250;

/// Who and what is in a world.
pub struct Cast {
    /// The server, and the world's clock.
    pub kit: TestKit,
    /// Whose screen it is.
    pub ann: Person,
    /// The other one.
    pub bob: Person,
    /// Whether samples come.
    pub has_samples: Cell<bool>,
    titles: Cell<u32>,
    moved_ms: Cell<f64>,
}

impl Cast {
    fn new(before: fn(&TestKit)) -> Self {
        let kit = TestKit::new().dated(whole_ms(js_sys::Date::now()));
        let bob = kit.person("Bob");
        bob.edit(&board(), "Add a note", |edit| {
            edit.create(note(), Note::NAME, []);
            edit.set(note(), TITLE, "Lunch");
            edit.set(note(), Note::TEXT, "Soup");
        });
        before(&kit);
        let ann = kit.person("Ann");
        ann.client().board(board());
        // A frame, after which she has the board on screen.
        kit.advance_ms(100);
        Self {
            kit,
            ann,
            bob,
            has_samples: Cell::new(true),
            titles: Cell::new(0),
            moved_ms: Cell::new(wall_ms()),
        }
    }

    /// Somebody gives the note a title that it never had.
    pub fn rename_anew(&self, person: &Person) {
        let number = self.titles.get() + 1;
        self.titles.set(number);
        rename(person, &format!("{}’s title {number}", person.name()));
    }

    /// Ann and Bob write the same while she is away; then she comes back.
    pub fn conflict(&self) {
        self.ann.go_offline();
        rename(&self.ann, "Dinner");
        rename(&self.bob, "Breakfast");
        self.kit.advance_ms(500);
        self.ann.go_online();
        self.kit.advance_ms(4_000);
    }

    /// Ann's edit is applied, and then the server says of its log what only a bug makes it say:
    /// that it has these edits, each so many places after hers.
    pub fn misreport(&self, log: impl Fn(EditId) -> Vec<(u64, EditId)>) {
        let edit = self
            .ann
            .edit(&board(), "Rename", |edit| edit.set(note(), TITLE, "Supper"));
        self.kit.advance_ms(1_000);
        let Version(hers) = self.kit.server().version(&board());
        for (after, id) in log(edit.id()) {
            let event = Event {
                board: board(),
                version: Version(hers + after),
                check: Check(hers + after),
                id,
                author: UserId::new(self.bob.name()).expect("a name"),
                time_ms: 0,
                label: "Something".to_owned(),
                effects: Vec::new(),
                replaced: Vec::new(),
            };
            let server = self.kit.server();
            server.say(&board(), &ServerMessage::Event(event));
        }
        self.kit.advance_ms(100);
    }

    /// Time passes in the world as it does outside.
    fn tick(&self) {
        let now_ms = wall_ms();
        let passed_ms = (now_ms - self.moved_ms.get()).clamp(0.0, CATCH_UP_MS_MAX);
        self.moved_ms.set(now_ms);
        let before_ms = self.kit.now_ms();
        self.kit.advance_ms(whole_ms(passed_ms));
        if self.has_samples.get() && before_ms / SAMPLE_MS != self.kit.now_ms() / SAMPLE_MS {
            self.push_sample();
        }
    }

    /// A sample of now.
    pub fn push_sample(&self) {
        let name = SeriesName {
            name: SERIES.to_owned(),
            labels: SortedMap::new(),
        };
        let phase = js_sys::Date::now() / 4_000.0;
        let pushed = self
            .kit
            .server()
            .push_samples([(&name, 20.0 + 2.0 * phase.sin())]);
        pushed.expect("one series is within every limit");
    }
}

/// A world, for as long as whoever opened it is shown.
#[derive(Clone, Copy)]
pub struct Scene(StoredValue<Rc<Cast>, LocalStorage>);

impl Scene {
    /// A world in which time passes. `before` is done before Ann comes, `then` once she is there.
    pub fn open(before: fn(&TestKit), then: fn(&Cast)) -> Self {
        let scene = Self::frozen(before, then);
        let every = Duration::from_millis(TICK_MS);
        let ticking = set_interval_with_handle(move || scene.with(Cast::tick), every);
        if let Ok(ticking) = ticking {
            on_cleanup(move || ticking.clear());
        }
        scene
    }

    /// A world that stands still: for states that pass.
    pub fn frozen(before: fn(&TestKit), then: fn(&Cast)) -> Self {
        let cast = Rc::new(Cast::new(before));
        then(&cast);
        Self(StoredValue::new_local(cast))
    }

    /// A world in which all is well.
    pub fn well() -> Self {
        Self::open(|_| {}, |_| {})
    }

    /// Does something in it.
    pub fn with<T>(self, act: impl FnOnce(&Cast) -> T) -> T {
        let cast = self.0.get_value();
        act(&cast)
    }
}

/// Somebody gives the note a title.
pub fn rename(person: &Person, title: &str) {
    let label = format!("Rename to “{title}”");
    person.edit(&board(), &label, |edit| edit.set(note(), TITLE, title));
}

/// The board's id.
pub fn board() -> BoardId {
    BoardId::new(BOARD).expect("an id")
}

/// The note's id.
pub fn note() -> RecordId {
    RecordId::new(NOTE).expect("an id")
}

fn wall_ms() -> f64 {
    let performance = window().performance();
    performance.map_or_else(js_sys::Date::now, |performance| performance.now())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time that is not negative and far below 2⁵³"
)]
fn whole_ms(milliseconds: f64) -> u64 {
    milliseconds.round() as u64
}
