use super::*;
use crate::edit::effects;
use crate::ids::{EditId, KindName};

fn id(text: &str) -> RecordId {
    RecordId::new(text).expect("an id")
}

fn path(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

fn change(seen: u64, op: Op) -> Change {
    Change {
        record: id("cpu"),
        seen: Version(seen),
        op,
    }
}

fn set(seen: u64, leaf: &str, value: &str) -> Change {
    change(
        seen,
        Op::Set {
            leaf: path(leaf),
            value: value.into(),
        },
    )
}

fn create(seen: u64, title: &str) -> Change {
    let kind = KindName::new("chart").expect("a kind");
    let leaves = [(path("title"), title.into())].into();
    change(seen, Op::Create { kind, leaves })
}

fn edit(changes: Vec<Change>) -> Edit {
    Edit {
        id: EditId(1),
        label: "Edit".into(),
        on_stale: OnStale::Policy,
        changes,
    }
}

fn apply(board: &mut BoardState, version: u64, changes: &[Change]) {
    let author = UserId::new("ann").expect("a user");
    board.apply(&effects(changes, &[]), Version(version), &author);
}

/// A chart titled "CPU" since v1.
fn board() -> BoardState {
    let mut board = BoardState::default();
    apply(&mut board, 1, &[create(0, "CPU")]);
    board
}

fn judged(board: &BoardState, changes: Vec<Change>) -> Verdict {
    judge(board, &Schema::builtin(), &edit(changes))
}

fn applied() -> Verdict {
    Verdict::Apply {
        skipped: vec![],
        replaced: vec![],
    }
}

#[test]
fn a_write_to_what_its_author_saw_is_applied() {
    assert_eq!(judged(&board(), vec![set(1, "title", "Load")]), applied());
}

#[test]
fn a_write_over_an_unseen_value_conflicts_with_its_value_version_and_author() {
    let mut board = board();
    apply(&mut board, 2, &[set(1, "title", "Cores")]);
    let Verdict::Conflict(stale) = judged(&board, vec![set(1, "title", "Load")]) else {
        panic!("an unseen title was overwritten");
    };
    assert_eq!(stale.len(), 1);
    assert_eq!(stale[0].theirs, Some("Cores".into()));
    assert_eq!(
        (
            stale[0].version,
            stale[0].author.as_ref().map(UserId::as_str)
        ),
        (Version(2), Some("ann"))
    );
}

#[test]
fn writing_the_same_value_is_never_stale() {
    let mut board = board();
    apply(&mut board, 2, &[set(1, "title", "Cores")]);
    assert_eq!(judged(&board, vec![set(1, "title", "Cores")]), applied());
}

#[test]
fn a_position_is_replaced_and_its_former_writer_named() {
    let mut board = board();
    let place = |seen, x: u32| {
        let value = Value::List(vec![x.into(), 0.into(), 4.into(), 3.into()]);
        change(
            seen,
            Op::Set {
                leaf: path("layout/lg"),
                value,
            },
        )
    };
    apply(&mut board, 2, &[place(1, 4)]);
    let Verdict::Apply { skipped, replaced } = judged(&board, vec![place(1, 8)]) else {
        panic!("a position never conflicts");
    };
    assert_eq!((skipped.len(), replaced.len()), (0, 1));
    assert_eq!(replaced[0].version, Version(2));
}

#[test]
fn a_write_to_a_removed_record_conflicts_and_a_position_does_nothing() {
    let mut board = board();
    apply(&mut board, 2, &[change(1, Op::Remove)]);
    let Verdict::Conflict(stale) = judged(&board, vec![set(1, "title", "Load")]) else {
        panic!("a write to a removed record vanished");
    };
    assert_eq!(
        (stale[0].at.leaf.as_ref(), stale[0].version),
        (None, Version(2))
    );
    let place = Value::List(vec![0.into(), 0.into(), 4.into(), 3.into()]);
    let place = change(
        1,
        Op::Set {
            leaf: path("layout/lg"),
            value: place,
        },
    );
    let Verdict::Apply { skipped, .. } = judged(&board, vec![place]) else {
        panic!("a position on a removed record conflicted");
    };
    assert_eq!(skipped.len(), 1);
}

#[test]
fn a_record_is_made_again_only_by_who_saw_its_removal() {
    let mut board = board();
    apply(&mut board, 2, &[change(1, Op::Remove)]);
    assert!(matches!(
        judged(&board, vec![create(1, "CPU")]),
        Verdict::Conflict(_)
    ));
    assert_eq!(judged(&board, vec![create(2, "CPU")]), applied());
}

#[test]
fn a_removal_is_stale_only_when_a_person_wrote_something_unseen() {
    let mut board = board();
    let place = Value::List(vec![0.into(), 0.into(), 4.into(), 3.into()]);
    apply(
        &mut board,
        2,
        &[change(
            1,
            Op::Set {
                leaf: path("layout/lg"),
                value: place,
            },
        )],
    );
    assert_eq!(judged(&board, vec![change(1, Op::Remove)]), applied());
    apply(&mut board, 3, &[set(2, "title", "Cores")]);
    assert!(matches!(
        judged(&board, vec![change(2, Op::Remove)]),
        Verdict::Conflict(_)
    ));
}

#[test]
fn a_removal_of_what_is_gone_is_left_out_but_where_the_same_edit_makes_it() {
    let mut board = board();
    apply(&mut board, 2, &[change(1, Op::Remove)]);
    let gone = Verdict::Apply {
        skipped: vec![LeafRef {
            record: id("cpu"),
            leaf: None,
        }],
        replaced: vec![],
    };
    assert_eq!(judged(&board, vec![change(2, Op::Remove)]), gone);
    let made_and_removed = vec![create(2, "CPU"), change(2, Op::Remove)];
    assert_eq!(judged(&board, made_and_removed), applied());
    // Removed, and made again: the removal comes too late, the record does not.
    let made_again = vec![change(2, Op::Remove), create(2, "CPU")];
    assert_eq!(judged(&board, made_again), applied());
}

#[test]
fn a_missing_record_is_one_conflict_however_much_is_written_to_it() {
    let mut board = board();
    apply(&mut board, 2, &[change(1, Op::Remove)]);
    let writes = vec![set(1, "title", "Load"), set(1, "unit", "%")];
    let Verdict::Conflict(stale) = judged(&board, writes) else {
        panic!("a write to a removed record vanished");
    };
    assert_eq!(stale.len(), 1);
}

#[test]
fn an_absent_leaf_counts_as_changed_at_the_floor() {
    let mut board = board();
    board.floor = Version(5);
    assert!(matches!(
        judged(&board, vec![set(4, "unit", "%")]),
        Verdict::Conflict(_)
    ));
    assert_eq!(judged(&board, vec![set(5, "unit", "%")]), applied());
}

#[test]
fn without_a_mark_a_record_is_made_and_an_undo_leaves_it() {
    let board = BoardState {
        floor: Version(5),
        ..BoardState::default()
    };
    assert_eq!(judged(&board, vec![create(4, "CPU")]), applied());
    for (seen, count) in [(4, 1), (5, 0)] {
        let mut undo = edit(vec![create(seen, "CPU")]);
        undo.on_stale = OnStale::Skip;
        let Verdict::Apply { skipped, .. } = judge(&board, &Schema::builtin(), &undo) else {
            panic!("an undo conflicted");
        };
        assert_eq!(skipped.len(), count);
    }
}

#[test]
fn an_edit_is_never_stale_against_itself() {
    let mut board = board();
    apply(&mut board, 2, &[change(1, Op::Remove)]);
    let changes = vec![
        create(2, "CPU"),
        set(0, "title", "Load"),
        set(0, "unit", "%"),
    ];
    assert_eq!(judged(&board, changes), applied());
}

#[test]
fn what_an_undo_skips_vouches_for_nothing_after_it() {
    let mut board = board();
    apply(&mut board, 2, &[set(1, "title", "Cores")]);
    let leaf = path("title");
    let (first, second) = (set(1, "title", "Load"), set(1, "title", "RAM"));
    for changes in [
        vec![first, second.clone()],
        vec![change(1, Op::Remove), second.clone()],
        vec![change(1, Op::Remove), create(1, "Net"), second],
        vec![change(1, Op::Unset { leaf }), create(1, "Net")],
    ] {
        let mut undo = edit(changes);
        undo.on_stale = OnStale::Skip;
        let Verdict::Apply { skipped, .. } = judge(&board, &Schema::builtin(), &undo) else {
            panic!("an undo conflicted");
        };
        board.apply(
            &effects(&undo.changes, &skipped),
            Version(3),
            &UserId::new("ann").expect("a user"),
        );
        let title = board
            .record(&id("cpu"))
            .and_then(|record| record.value(&path("title")));
        assert_eq!(title, Some(&"Cores".into()), "{:?}", undo.changes);
    }
}

#[test]
fn an_undo_skips_what_became_stale() {
    let mut board = board();
    apply(&mut board, 2, &[set(1, "title", "Cores")]);
    let mut undo = edit(vec![set(1, "title", "Load"), set(1, "unit", "%")]);
    undo.on_stale = OnStale::Skip;
    let Verdict::Apply { skipped, .. } = judge(&board, &Schema::builtin(), &undo) else {
        panic!("an undo conflicted");
    };
    assert_eq!(skipped.len(), 1);
    assert_eq!(effects(&undo.changes, &skipped).len(), 1);
}
