//! The application offline, in conflict, killed and answered twice: without sleeping, and with the
//! same result every time.

use driftless_client::EditError;
use driftless_model::{BoardId, Note};
use driftless_testkit::{Person, TestKit};
use futures::FutureExt as _;
use offline_test::Roster;

fn roster(person: &Person) -> Roster {
    Roster::new(person.client().board("roster"))
}

fn board() -> BoardId {
    BoardId::new("roster").expect("an id")
}

#[test]
fn an_assignment_that_is_made_offline_arrives_once() {
    let kit = TestKit::new();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    let (hers, his) = (roster(&ann), roster(&bob));
    ann.go_offline();
    let edit = hers.assign("monday", "Ann").expect("is valid");
    kit.until(edit.stored()).expect("is safe on the device");
    kit.advance_ms(3_600_000);
    assert!(edit.applied().now_or_never().is_none());
    assert_eq!((hers.unsent(), his.on_duty("monday")), (1, None));
    ann.go_online();
    kit.until(edit.applied()).expect("is applied");
    kit.advance_ms(100);
    assert_eq!(
        (hers.unsent(), his.on_duty("monday")),
        (0, Some("Ann".to_owned()))
    );
    assert_eq!(kit.server().version(&board()).0, 1);
}

#[test]
fn a_device_that_is_killed_offline_still_has_what_was_made() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    ann.go_offline();
    let edit = roster(&ann).assign("monday", "Ann").expect("is valid");
    kit.until(edit.stored()).expect("is safe on the device");
    ann.restart();
    let again = roster(&ann);
    kit.advance_ms(1_000);
    assert_eq!(
        (again.on_duty("monday").as_deref(), again.unsent()),
        (Some("Ann"), 1)
    );
    ann.go_online();
    kit.advance_ms(60_000);
    assert_eq!(again.unsent(), 0);
}

#[test]
fn an_answer_that_is_lost_does_not_assign_twice() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    let hers = roster(&ann);
    kit.until(hers.assign("monday", "Ann").expect("is valid").applied())
        .expect("is applied");
    kit.server().lose_next_answer();
    let edit = hers.assign("tuesday", "Ann").expect("is valid");
    kit.until(edit.applied()).expect("is applied");
    kit.advance_ms(60_000);
    assert_eq!(kit.server().version(&board()).0, 2);
}

#[test]
fn two_who_decide_differently_are_asked_and_nothing_is_overwritten() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    let hers = roster(&ann);
    kit.until(hers.assign("monday", "Ann").expect("is valid").applied())
        .expect("is applied");
    // The second person follows a script, on the same clock.
    let script = kit.script("Bob", &board()).after_ms(500);
    let _bob = script.edit("Swap", |edit| {
        edit.set("monday", Note::TEXT, "Bob");
    });
    ann.go_offline();
    let mine = hers.assign("monday", "Cy").expect("is valid");
    kit.advance_ms(1_000);
    ann.go_online();
    assert_eq!(kit.until(mine.applied()), Err(EditError::Conflicted));
    assert_eq!(hers.on_duty("monday").as_deref(), Some("Bob"));
    hers.accept_theirs().expect("it is as it was looked at");
    kit.advance_ms(1_000);
    assert_eq!(hers.unsent(), 0);
    let stored = kit.server().board(&board());
    let monday = "monday"
        .parse()
        .ok()
        .and_then(|id| stored.record(&id).cloned());
    let text = monday.and_then(|record| record.value(&Note::TEXT.path()).cloned());
    assert_eq!(text, Some("Bob".into()));
}

#[test]
fn a_cut_that_nobody_tells_of_is_found_by_silence() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    ann.cut_cable();
    let edit = roster(&ann).assign("monday", "Ann").expect("is valid");
    kit.advance_ms(5_000);
    assert_eq!(kit.server().version(&board()).0, 0);
    ann.mend_cable();
    kit.until(edit.applied()).expect("is applied");
}
