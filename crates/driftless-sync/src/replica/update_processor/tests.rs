use std::iter;

use driftless_model::limits;
use driftless_protocol::SeriesName;
use driftless_protocol::feed::{Run, pack};

use super::*;

const CADENCE: Cadence = Cadence {
    frame_ms: 16,
    unseen_ms: 1_000,
    feed_ms: 0,
};

fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn record(name: &str) -> RecordId {
    RecordId::new(name).expect("an id")
}

fn subject(name: &str) -> Subject {
    let (board, record) = (board(), record(name));
    Subject::Record { board, record }
}

fn hidden() -> Attention {
    Attention {
        is_visible: false,
        ..Attention::default()
    }
}

fn paced(pace: Pace) -> Attention {
    Attention {
        pace,
        ..Attention::default()
    }
}

fn frame(full: bool, first_bucket: u64, values: &[f64]) -> FeedFrame {
    let (series, values) = (0, values.to_vec());
    let name = SeriesName {
        name: "cpu".to_owned(),
        labels: SortedMap::new(),
    };
    FeedFrame {
        feed: 1,
        full,
        now_ms: 0,
        step_s: 1,
        series: if full { vec![name] } else { vec![] },
        points: pack(&[Run {
            series,
            first_bucket,
            values,
        }]),
    }
}

fn records(flush: &Flush) -> Vec<RecordId> {
    let flushed = flush.boards.get(&board());
    flushed.map(|own| own.records.clone()).unwrap_or_default()
}

#[test]
fn remote_changes_wait_for_the_frame_and_own_ones_do_not() {
    let mut processor = UpdateProcessor::default();
    processor.flush(100, CADENCE);
    processor.remote(&board(), [], 101);
    assert_eq!(processor.due_at_ms(CADENCE), Some(116));
    processor.local(&board(), [].into());
    assert_eq!(processor.due_at_ms(CADENCE), Some(0));
    processor.flush(101, CADENCE);
    assert_eq!(processor.due_at_ms(CADENCE), None);
}

#[test]
fn own_changes_come_first_then_what_is_on_screen_then_the_rest() {
    let mut processor = UpdateProcessor::default();
    processor.attend(&subject("a"), hidden());
    let interval_ms = 50;
    processor.attend(&subject("b"), paced(Pace::Throttle { interval_ms }));
    processor.remote(&board(), ["a", "b", "c"].map(record), 0);
    processor.local(&board(), [record("z")].into());
    let flush = processor.flush(1_000, CADENCE);
    assert_eq!(records(&flush), ["z", "c", "b", "a"].map(record));
    assert!(flush.boards[&board()].held.is_empty());
}

#[test]
fn what_is_not_on_screen_is_held_until_it_is() {
    let mut processor = UpdateProcessor::default();
    processor.attend(&subject("a"), hidden());
    processor.remote(&board(), ["a", "b"].map(record), 5);
    let flush = processor.flush(16, CADENCE);
    assert_eq!(records(&flush), [record("b")]);
    assert_eq!(flush.boards[&board()].held, [record("a")].into());
    assert_eq!(processor.due_at_ms(CADENCE), Some(1_005));
    processor.attend(&subject("a"), Attention::default());
    assert_eq!(processor.due_at_ms(CADENCE), Some(0));
    assert_eq!(records(&processor.flush(20, CADENCE)), [record("a")]);
}

#[test]
fn a_throttle_shows_the_first_change_and_the_last() {
    let mut processor = UpdateProcessor::default();
    let interval_ms = 500;
    processor.attend(&subject("a"), paced(Pace::Throttle { interval_ms }));
    let mut shown = Vec::new();
    for now_ms in 0..1_200 {
        if now_ms < 700 {
            processor.remote(&board(), [record("a")], now_ms);
        }
        if processor
            .due_at_ms(CADENCE)
            .is_some_and(|due| due <= now_ms)
        {
            shown.extend(
                records(&processor.flush(now_ms, CADENCE))
                    .iter()
                    .map(|_| now_ms),
            );
        }
    }
    assert_eq!(shown, [16, 516, 1_016]);
}

#[test]
fn a_debounce_waits_for_quiet_but_not_for_ever() {
    let mut processor = UpdateProcessor::default();
    let (quiet_ms, most_ms) = (100, 400);
    processor.attend(&subject("a"), paced(Pace::Debounce { quiet_ms, most_ms }));
    let mut shown = Vec::new();
    for now_ms in 1..1_000 {
        if now_ms <= 500 {
            processor.remote(&board(), [record("a")], now_ms);
        }
        if processor
            .due_at_ms(CADENCE)
            .is_some_and(|due| due <= now_ms)
        {
            shown.extend(
                records(&processor.flush(now_ms, CADENCE))
                    .iter()
                    .map(|_| now_ms),
            );
        }
    }
    assert_eq!(shown, [401, 600]);
}

#[test]
fn no_pace_holds_back_for_longer_than_the_limit() {
    for interval_ms in [limits::PACE_MS_MAX, limits::PACE_MS_MAX + 1] {
        let mut processor = UpdateProcessor::default();
        processor.attend(&subject("a"), paced(Pace::Throttle { interval_ms }));
        processor.remote(&board(), [record("a")], 0);
        processor.flush(16, CADENCE);
        processor.remote(&board(), [record("a")], 17);
        let due_ms = 16 + limits::PACE_MS_MAX;
        assert_eq!(processor.due_at_ms(CADENCE), Some(due_ms));
    }
}

#[test]
fn own_changes_and_decisions_do_not_wait_for_a_pace() {
    let mut processor = UpdateProcessor::default();
    processor.attend(&subject("a"), hidden());
    processor.attend(&subject("b"), hidden());
    processor.remote(&board(), ["a", "b"].map(record), 0);
    processor.undecided(&board(), [record("b")].into());
    assert_eq!(processor.due_at_ms(CADENCE), Some(16));
    processor.local(&board(), [record("a")].into());
    let flush = processor.flush(1, CADENCE);
    assert_eq!(records(&flush), ["a", "b"].map(record));
    assert_eq!(flush.outboxes, [board()].into());
}

#[test]
fn a_resume_is_shown_whole() {
    let mut processor = UpdateProcessor::default();
    processor.attend(&subject("a"), hidden());
    processor.remote(&board(), ["a", "b"].map(record), 0);
    processor.whole(&board());
    let flush = processor.flush(16, CADENCE);
    assert_eq!(records(&flush), ["a", "b"].map(record));
}

#[test]
fn what_was_held_comes_on_screen_at_once_though_it_is_due_with_the_next_frame() {
    let mut processor = UpdateProcessor::default();
    processor.attend(&subject("a"), hidden());
    processor.remote(&board(), ["a", "b"].map(record), 0);
    processor.flush(16, CADENCE);
    processor.whole(&board());
    assert_eq!(processor.due_at_ms(CADENCE), Some(32));
    processor.attend(&subject("a"), Attention::default());
    assert_eq!(processor.due_at_ms(CADENCE), Some(0));
}

#[test]
fn past_the_limit_of_attentions_a_record_is_shown_with_every_flush() {
    let mut processor = UpdateProcessor::default();
    for number in 0..=limits::ATTENTIONS_MAX {
        processor.attend(&subject(&format!("w{number}")), hidden());
    }
    let last = record(&format!("w{}", limits::ATTENTIONS_MAX));
    processor.remote(&board(), [record("w0"), last.clone()], 0);
    let flush = processor.flush(16, CADENCE);
    assert_eq!(records(&flush), std::slice::from_ref(&last));
    processor.attend(&subject("w1"), Attention::default());
    processor.attend(
        &Subject::Record {
            board: board(),
            record: last.clone(),
        },
        hidden(),
    );
    processor.remote(&board(), [last], 20);
    assert!(records(&processor.flush(40, CADENCE)).is_empty());
}

#[test]
fn the_frames_of_a_feed_are_shown_as_one() {
    let mut processor = UpdateProcessor::default();
    assert!(processor.feed(frame(true, 5, &[1.0, 2.0]), 0));
    assert!(processor.feed(frame(false, 7, &[3.0]), 1));
    assert!(processor.feed(frame(false, 7, &[4.0, 5.0]), 2));
    let runs = [(5, vec![1.0, 2.0]), (7, vec![4.0, 5.0])];
    let runs = runs.map(|(first_bucket, values)| Run {
        series: 0,
        first_bucket,
        values,
    });
    let mut both = frame(true, 0, &[]);
    both.points = pack(&runs);
    assert_eq!(processor.flush(16, CADENCE).feeds, [both]);
    assert_eq!(processor.dropped_samples(), 0);
}

#[test]
fn a_full_frame_makes_those_before_it_needless() {
    let mut processor = UpdateProcessor::default();
    assert!(processor.feed(frame(false, 5, &[1.0, 2.0]), 0));
    assert!(processor.feed(frame(true, 5, &[3.0]), 0));
    assert_eq!(processor.flush(16, CADENCE).feeds, [frame(true, 5, &[3.0])]);
    assert_eq!(
        (processor.dropped_samples(), processor.dropped_samples_of(1)),
        (2, 2)
    );
}

#[test]
fn samples_that_nobody_takes_are_bounded_and_counted() {
    let mut processor = UpdateProcessor::default();
    let samples = (limits::FEED_WAITING_BYTES_MAX - 16) / 8;
    let most: Vec<f64> = iter::repeat_n(1.0, samples).collect();
    assert!(processor.feed(frame(false, 0, &[1.0]), 0));
    assert!(processor.feed(frame(false, 0, &most), 0));
    assert_eq!(processor.waiting_bytes(1), limits::FEED_WAITING_BYTES_MAX);
    assert!(!processor.feed(frame(false, u64::MAX, &[]), 0));
    assert_eq!(processor.waiting_bytes(1), 0);
    assert_eq!(processor.dropped_samples(), samples as u64 + 1);
}

#[test]
fn an_unreadable_increment_makes_the_feed_be_asked_for_again() {
    let mut processor = UpdateProcessor::default();
    assert!(processor.feed(frame(false, 5, &[1.0]), 0));
    let mut broken = frame(false, 6, &[2.0]);
    broken.points.0.pop();
    assert!(!processor.feed(broken, 0));
    assert_eq!(processor.due_at_ms(CADENCE), None);
}
