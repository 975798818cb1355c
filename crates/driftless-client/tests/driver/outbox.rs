//! Deciding on what is not settled, by its values.

use driftless_client::model::{Invalid, Leaf, LeafRef};
use driftless_client::view::Resolution;
use driftless_client::{Conflict, EditError, OutboxError};
use driftless_model::Note;
use driftless_testkit::{Person, TestKit};

/// Ann and Bob have both written the note's text; Ann has to decide.
fn contested() -> (TestKit, Person, Person) {
    let kit = TestKit::new();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    bob.client().board("home");
    edit(&ann, |e| e.create("note", "note", []));
    kit.advance_ms(1_000);
    ann.go_offline();
    edit(&ann, |e| e.set("note", Note::TEXT, "hers"));
    edit(&bob, |e| e.set("note", Note::TEXT, "his"));
    kit.advance_ms(1_000);
    ann.go_online();
    kit.advance_ms(60_000);
    (kit, ann, bob)
}

fn edit(person: &Person, build: impl FnOnce(&mut driftless_client::EditBuilder)) {
    let made = person.client().board("home").edit("Write", build);
    made.expect("a valid edit");
}

fn conflict(person: &Person) -> Conflict {
    let mut conflicts = person.client().board("home").conflicts();
    assert_eq!(conflicts.len(), 1);
    conflicts.remove(0)
}

fn text(person: &Person) -> Option<String> {
    person.client().board("home").get("note", Note::TEXT)
}

type Decide = fn(&Conflict) -> Result<(), OutboxError>;

#[test]
fn each_resolution_does_what_it_says_on_both_screens() {
    let decisions: [(Decide, &str); 3] = [
        (|conflict| conflict.keep_mine(), "hers"),
        (|conflict| conflict.take_theirs(), "his"),
        (
            |conflict| conflict.merge(|m| m.set("note", Note::TEXT, "both")),
            "both",
        ),
    ];
    for (decide, text_then) in decisions {
        let (kit, ann, bob) = contested();
        // Deciding needs no connection.
        ann.go_offline();
        decide(&conflict(&ann)).expect("it is there");
        kit.advance_ms(1_000);
        assert_eq!(text(&ann).as_deref(), Some(text_then));
        ann.go_online();
        kit.advance_ms(60_000);
        assert_eq!(
            (text(&ann), text(&bob)),
            (Some(text_then.into()), Some(text_then.into()))
        );
        assert!(ann.client().board("home").pending().is_empty());
    }
}

#[test]
fn a_decision_on_what_was_not_looked_at_is_refused() {
    let (kit, ann, bob) = contested();
    let before = conflict(&ann);
    edit(&bob, |e| e.set("note", Note::TEXT, "his, again"));
    kit.advance_ms(1_000);
    assert_eq!(before.keep_mine(), Err(OutboxError::Changed));
    let now = conflict(&ann);
    assert_eq!(now.leaves()[0].theirs, Some("his, again".into()));
    now.keep_mine().expect("it was looked at");
    kit.advance_ms(1_000);
    assert_eq!(now.keep_mine(), Err(OutboxError::Settled));
    assert_eq!(text(&bob).as_deref(), Some("hers"));
}

#[test]
fn a_merge_is_of_what_the_edit_writes() {
    let (_kit, ann, _bob) = contested();
    let conflict = conflict(&ann);
    let other = conflict.merge(|m| m.set("note", "title", "Lunch"));
    let leaf = LeafRef {
        record: "note".parse().expect("an id"),
        leaf: Some("title".parse().expect("a path")),
    };
    assert_eq!(other, Err(OutboxError::OtherLeaf(leaf.clone())));
    let entry = &ann.client().board("home").outbox()[0];
    let decision = Resolution::Merge(vec![(leaf.clone(), Some("Lunch".into()))]);
    let other = ann.client().board("home").resolve(entry, decision);
    assert_eq!(other, Err(OutboxError::OtherLeaf(leaf)));
    let unfit = conflict.merge(|m| m.set("note", "text", true));
    assert!(matches!(
        unfit,
        Err(OutboxError::Invalid(Invalid::Shape { .. }))
    ));
    let misnamed = conflict.merge(|m| m.unset("no note", Note::TEXT));
    assert!(matches!(misnamed, Err(OutboxError::Name(_))));
    let pending = ann.client().board("home").pending();
    assert_eq!(pending[0].retry(), Err(OutboxError::Conflicted));
    assert!(pending[0].conflict().is_some());
}

#[test]
fn nothing_is_decided_once_the_client_has_stopped() {
    let (kit, ann, _bob) = contested();
    let (conflict, pending) = (conflict(&ann), ann.client().board("home").pending());
    kit.until(ann.client().shutdown());
    assert_eq!(conflict.take_theirs(), Err(OutboxError::Closed));
    assert_eq!(pending[0].roll_back(), Err(OutboxError::Closed));
}

#[test]
fn a_board_without_a_name_has_nothing_and_says_why() {
    let kit = TestKit::new();
    let client = kit.person("Ann").client();
    let board = client.board("no name");
    let edit = board.edit("Add", |e| e.create("note", "note", []));
    assert!(matches!(edit, Err(EditError::Name(_))));
    assert!(matches!(kit.until(board.loaded()), Err(EditError::Name(_))));
    board.undo();
    kit.settle();
    assert!(board.records().is_empty() && !board.is_loaded());
    assert!(board.outbox().is_empty() && board.record("note").is_none());
}

#[test]
fn a_leaf_without_a_name_has_nothing_and_says_why() {
    const NAMELESS: Leaf<String> = Leaf::ask("not//a path");
    let (_kit, ann, _bob) = contested();
    let board = ann.client().board("home");
    assert_eq!(board.get("note", NAMELESS), None);
    let edit = board.edit("Write", |e| e.set("note", NAMELESS, "hers"));
    assert!(matches!(edit, Err(EditError::Name(_))));
    let merged = conflict(&ann).merge(|m| m.set("note", NAMELESS, "hers"));
    assert!(matches!(merged, Err(OutboxError::Name(_))));
}
