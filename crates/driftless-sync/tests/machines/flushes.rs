//! The laws of the update processor: whatever the batching, the attention and the pace, what is
//! shown ends as if every change had been shown by itself, in order; and what a person has seen of
//! a record is what its view shows.

use driftless_feeds::FeedData;
use driftless_model::{
    BoardId, BoardState, EditId, Effect, KindName, LeafPath, Op, RecordId, Schema, SortedMap,
    UserId, Value, Version, limits,
};
use driftless_protocol::feed::{Run, pack};
use driftless_protocol::{Aggregate, FeedFrame, Query, SeriesName};
use driftless_sync::replica::realtime_state::RealtimeState;
use driftless_sync::replica::update_processor::{Cadence, UpdateProcessor};
use driftless_sync::replica::{Attention, Pace, Subject};
use proptest::prelude::*;

const CADENCE: Cadence = Cadence {
    frame_ms: 16,
    unseen_ms: 300,
    feed_ms: 0,
};
/// Longer than anything may be held back.
const AT_REST_MS: u64 = 2_000;

fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn record(number: u8) -> RecordId {
    RecordId::new(format!("w{number}")).expect("an id")
}

fn attention() -> impl Strategy<Value = Attention> {
    let pace = prop_oneof![
        Just(Pace::EveryFlush),
        (1..500_u64).prop_map(|interval_ms| Pace::Throttle { interval_ms }),
        (1..200_u64, 1..500_u64)
            .prop_map(|(quiet_ms, most_ms)| Pace::Debounce { quiet_ms, most_ms }),
    ];
    (any::<bool>(), pace).prop_map(|(is_visible, pace)| Attention { is_visible, pace })
}

/// What happens to a board.
#[derive(Debug, Clone)]
enum Happening {
    /// Somebody writes a record.
    Write(u8),
    /// Somebody removes a record.
    Remove(u8),
    /// The person changes a record: it is shown at once.
    Own(u8),
    /// Everything that was held comes with the next frame.
    Whole,
    Attend(u8, Attention),
    Pass(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let number = 0..4_u8;
    prop_oneof![
        6 => number.clone().prop_map(Happening::Write),
        1 => number.clone().prop_map(Happening::Remove),
        1 => number.clone().prop_map(Happening::Own),
        1 => Just(Happening::Whole),
        2 => (number, attention()).prop_map(|(number, own)| Happening::Attend(number, own)),
        4 => (0..120_u64).prop_map(Happening::Pass),
    ]
}

/// A board that changes, and what is shown of it.
struct Stage {
    processor: UpdateProcessor,
    state: RealtimeState,
    /// The confirmed state at every version.
    history: Vec<BoardState>,
    /// The last version that each record showed.
    seen: SortedMap<RecordId, Version>,
    attentions: SortedMap<RecordId, Attention>,
    now_ms: u64,
}

impl Stage {
    fn new() -> Self {
        Self {
            processor: UpdateProcessor::default(),
            state: RealtimeState::default(),
            history: vec![BoardState::default()],
            seen: SortedMap::new(),
            attentions: SortedMap::new(),
            now_ms: 0,
        }
    }

    fn happen(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        match happening {
            Happening::Write(number) => self.apply(*number, false),
            Happening::Remove(number) => self.apply(*number, true),
            Happening::Own(number) => self.processor.local(&board(), [record(*number)].into()),
            Happening::Whole => self.processor.whole(&board()),
            Happening::Attend(number, attention) => {
                let (board, record) = (board(), record(*number));
                self.attentions.insert(record.clone(), *attention);
                let subject = Subject::Record { board, record };
                self.processor.attend(&subject, *attention);
            }
            Happening::Pass(ms) => {
                for _ in 0..*ms {
                    self.now_ms += 1;
                    self.flush()?;
                }
            }
        }
        self.flush()?;
        self.check()
    }

    fn apply(&mut self, number: u8, is_removal: bool) {
        let cursor = self.state.cursor().unwrap_or_default().after(EditId(1));
        let value = Value::from(cursor.version.0.to_string());
        let leaf = LeafPath::new("title").expect("a path");
        let op = if is_removal {
            Op::Remove
        } else {
            let kind = KindName::new("chart").expect("a kind");
            let leaves = [(leaf, value)].into();
            Op::Create { kind, leaves }
        };
        let record = record(number);
        let effect = Effect {
            record: record.clone(),
            op,
        };
        let author = UserId::new("bob").expect("a user");
        self.state.advance(cursor, &[effect], &author);
        self.history.push(self.state.confirmed().clone());
        self.processor.remote(&board(), [record], self.now_ms);
    }

    fn flush(&mut self) -> Result<(), TestCaseError> {
        let due = self.processor.due_at_ms(CADENCE);
        if due.is_some_and(|due| due <= self.now_ms) {
            let flush = self.processor.flush(self.now_ms, CADENCE);
            if let Some(own) = flush.boards.get(&board()) {
                let schema = Schema::builtin();
                self.state
                    .refresh(&schema, own, |_| Vec::new(), |_| Vec::new());
            }
            self.check()?;
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let held = self.state.held();
        for record in (0..4).map(record) {
            let shown = held.get(&record).copied().unwrap_or(self.state.shown());
            let at = usize::try_from(shown.0).expect("a short history");
            let then = self.history[at].record(&record);
            let views = self.state.views().get(&record);
            let values = views.map(|view| {
                let leaves = view.leaves.iter();
                leaves
                    .map(|(leaf, own)| (leaf, &own.value))
                    .collect::<Vec<_>>()
            });
            let expected = then.map(|then| then.values().collect::<Vec<_>>());
            prop_assert_eq!(values, expected, "{} at {}", record, shown);
            let before = self.seen.insert(record.clone(), shown);
            prop_assert!(before <= Some(shown), "{} went back", record);
            let attention = self.attentions.get(&record).copied().unwrap_or_default();
            if attention == Attention::default() {
                prop_assert!(!held.contains_key(&record), "{} is held on screen", record);
            }
        }
        prop_assert!(self.processor.waiting_records() <= 4);
        Ok(())
    }
}

/// Samples that come for a feed: the frame, and how much later.
fn frames() -> impl Strategy<Value = Vec<(FeedFrame, u64)>> {
    let run = (0..2_u32, 0..20_u64, prop::collection::vec(-9..9_i8, 0..6));
    let run = run.prop_map(|(series, first_bucket, values)| Run {
        series,
        first_bucket: 100 + first_bucket,
        values: values.into_iter().map(f64::from).collect(),
    });
    let frame = (
        prop::bool::weighted(0.1),
        prop::collection::vec(run, 0..4),
        0..60_u64,
    );
    let frame = frame.prop_map(|(full, runs, later_ms)| (feed_frame(full, &runs), later_ms));
    prop::collection::vec(frame, 1..40).prop_map(|mut frames| {
        frames[0].0.full = true;
        frames[0].0.series = names();
        frames
    })
}

fn names() -> Vec<SeriesName> {
    let name = |name: &str| SeriesName {
        name: name.to_owned(),
        labels: SortedMap::new(),
    };
    vec![name("a"), name("b")]
}

fn feed_frame(full: bool, runs: &[Run]) -> FeedFrame {
    FeedFrame {
        feed: 1,
        full,
        now_ms: 130_000,
        step_s: 1,
        series: if full { names() } else { Vec::new() },
        points: pack(runs),
    }
}

fn feed_data() -> FeedData {
    FeedData::new(&Query {
        selector: "*".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    })
}

proptest! {
    #[test]
    fn in_any_batching_a_board_ends_as_if_each_change_were_shown_by_itself(
        happenings in prop::collection::vec(happening(), 1..60)
    ) {
        let mut stage = Stage::new();
        for happening in &happenings {
            stage.happen(happening)?;
        }
        stage.happen(&Happening::Pass(AT_REST_MS))?;
        prop_assert_eq!(stage.state.shown(), stage.state.version());
        prop_assert!(stage.state.held().is_empty());
        prop_assert_eq!(stage.processor.due_at_ms(CADENCE), None);
    }

    #[test]
    fn in_any_batching_a_feed_ends_as_if_each_frame_were_shown_by_itself(
        frames in frames(), attention in attention()
    ) {
        let mut processor = UpdateProcessor::default();
        processor.attend(&Subject::Feed(1), attention);
        let (mut one_by_one, mut shown) = (feed_data(), feed_data());
        let mut now_ms = 0;
        let mut show = |processor: &mut UpdateProcessor, now_ms: u64| {
            if processor.due_at_ms(CADENCE).is_some_and(|due| due <= now_ms) {
                for frame in processor.flush(now_ms, CADENCE).feeds {
                    shown.apply(&frame)?;
                }
            }
            Ok::<_, driftless_feeds::FeedError>(shown.clone())
        };
        for (frame, later_ms) in frames {
            one_by_one.apply(&frame).expect("it fits");
            prop_assert!(processor.feed(frame, now_ms));
            prop_assert!(processor.waiting_bytes(1) <= limits::FEED_WAITING_BYTES_MAX);
            for _ in 0..=later_ms {
                now_ms += 1;
                show(&mut processor, now_ms).expect("it fits");
            }
        }
        let ended = show(&mut processor, now_ms + AT_REST_MS).expect("it fits");
        prop_assert_eq!(ended, one_by_one);
    }

    #[test]
    fn nothing_but_samples_is_dropped_and_those_are_counted(frames in frames()) {
        let mut processor = UpdateProcessor::default();
        let count = |frame: &FeedFrame| {
            let runs = driftless_protocol::feed::unpack(&frame.points).expect("readable");
            runs.iter().map(|run| run.values.len() as u64).sum::<u64>()
        };
        let mut covered = 0;
        let mut came = 0;
        for (frame, _) in frames {
            came += count(&frame);
            prop_assert!(processor.feed(frame, 0));
        }
        let flush = processor.flush(100, CADENCE);
        let shown: u64 = flush.feeds.iter().map(count).sum();
        // A later value of the same bucket hides an earlier one: that is no loss.
        covered += came - shown - processor.dropped_samples();
        prop_assert_eq!(came, shown + covered + processor.dropped_samples_of(1));
    }
}

#[test]
fn time_that_passes_shows_a_debounced_record_with_its_last_value() {
    let mut stage = Stage::new();
    let (quiet_ms, most_ms) = (100, 10_000);
    let pace = Pace::Debounce { quiet_ms, most_ms };
    let attention = Attention {
        pace,
        ..Attention::default()
    };
    let mut happen = |happening| stage.happen(&happening).expect("the laws hold");
    happen(Happening::Attend(0, attention));
    for _ in 0..20 {
        happen(Happening::Write(0));
        happen(Happening::Pass(50));
    }
    happen(Happening::Pass(100));
    let view = &stage.state.views()[&record(0)];
    let title = LeafPath::new("title").expect("a path");
    assert_eq!(view.value(&title), Some(&Value::from("20".to_owned())));
}
