//! An invalid value gets the same words wherever it is tried: here with the client that also runs
//! in the browser, and with the rooms of the server. No browser, no socket.

use custom_kind::{Alarm, schema};
use driftless_client::{Board, EditError, EditHandle};
use driftless_model::{BoardId, Invalid, Kind, PathRule, RecordId, Schema};
use driftless_protocol::Code;
use driftless_testkit::TestKit;

fn kit() -> TestKit {
    TestKit::with(schema().expect("registers"), <_>::default())
}

fn set(board: &Board, above: f64, severity: &str, owner: &str) -> Result<EditHandle, EditError> {
    board.edit("Set the alarm", |edit| {
        edit.create("disk", Alarm::NAME, []);
        edit.set("disk", Alarm::ABOVE, above);
        edit.set("disk", Alarm::SEVERITY, severity);
        edit.set("disk", Alarm::OWNER, owner);
    })
}

/// The same kind in a build whose checks were forgotten.
struct Careless;

impl Kind for Careless {
    const NAME: &'static str = Alarm::NAME;

    fn rules() -> Vec<PathRule> {
        let texts = [Alarm::SEVERITY, Alarm::OWNER].map(|leaf| leaf.rule());
        [vec![Alarm::ABOVE.rule()], texts.to_vec()].concat()
    }
}

#[test]
fn a_valid_alarm_reaches_everybody_with_its_types() {
    let kit = kit();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    let (hers, his) = (ann.client().board("plant"), bob.client().board("plant"));
    let edit = set(&hers, 90.0, "page", "Bob").expect("is valid");
    kit.until(edit.applied()).expect("is applied");
    kit.advance_ms(100);
    assert_eq!(his.get("disk", Alarm::ABOVE), Some(90.0));
    assert_eq!(his.get("disk", Alarm::SEVERITY).as_deref(), Some("page"));
}

#[test]
fn what_a_client_refuses_the_server_refuses_in_the_same_words() {
    let kit = kit();
    let careful = kit.person("Ann").client().board("plant");
    let lax = Schema::builtin().register::<Careless>();
    let careless = kit.person_with("Bob", lax.expect("registers"));
    let careless = careless.client().board("plant");
    let wrong = [
        (140.0, "page", "Bob"),
        (90.0, "loud", "Bob"),
        (90.0, "page", "  "),
    ];
    for (above, severity, owner) in wrong {
        // As it is made: nothing is shown, stored or sent.
        let error = set(&careful, above, severity, owner).expect_err("is refused");
        let EditError::Invalid(here) = error else {
            panic!("not invalid: {error:?}");
        };
        assert!(careful.records().is_empty());
        // By the server, for whoever got past that: it waits for its author, with the reason.
        let edit = set(&careless, above, severity, owner).expect("passes there");
        let Err(EditError::Rejected { code, detail }) = kit.until(edit.applied()) else {
            panic!("not rejected");
        };
        assert_eq!((code, detail), (Code::Invalid, here.to_string()));
    }
    let plant = BoardId::new("plant").expect("an id");
    assert_eq!(kit.server().version(&plant).0, 0, "nothing was applied");
}

#[test]
fn the_error_names_what_is_wrong_for_a_program_too() {
    let kit = kit();
    let board = kit.person("Ann").client().board("plant");
    let disk = RecordId::new("disk").expect("an id");
    let error = set(&board, 140.0, "page", "Bob").expect_err("is refused");
    let expected = EditError::Invalid(Invalid::Shape {
        record: disk.clone(),
        leaf: Alarm::ABOVE.path(),
        expected: "a number from 0 to 100".to_owned(),
    });
    assert_eq!(error, expected);
    let error = set(&board, 90.0, "page", "").expect_err("is refused");
    let expected = EditError::Invalid(Invalid::Refused {
        record: disk,
        leaf: Alarm::OWNER.path(),
        reason: "an alarm wakes somebody: name them".to_owned(),
    });
    assert_eq!(error, expected);
}

#[test]
fn a_server_that_does_not_know_the_kind_yet_lets_its_edits_wait() {
    let kit = TestKit::new();
    let ann = kit.person_with("Ann", schema().expect("registers"));
    let board = ann.client().board("plant");
    set(&board, 90.0, "page", "Bob").expect("is valid here");
    kit.advance_ms(60_000);
    assert_eq!(board.get("disk", Alarm::ABOVE), Some(90.0), "it is shown");
    assert_eq!(
        ann.client().status().pending,
        1,
        "it waits for a newer server"
    );
}
