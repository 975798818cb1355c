//! Every limit of the model, at the bound and one past it.

use driftless_model::{
    BoardId, Change, Edit, EditId, IdError, Invalid, KindName, LeafPath, OnStale, Op, RecordId,
    Schema, UserId, Value, Version, limits,
};

fn set(leaf: &str, value: Value) -> Change {
    Change {
        record: RecordId::new("r").expect("an id"),
        seen: Version(0),
        op: Op::Set {
            leaf: LeafPath::new(leaf).expect("a path"),
            value,
        },
    }
}

fn validated(label: usize, changes: Vec<Change>) -> Result<(), Invalid> {
    let edit = Edit {
        id: EditId(1),
        label: "l".repeat(label),
        on_stale: OnStale::Policy,
        changes,
    };
    let chart = KindName::new("chart").expect("a kind");
    let made = edit
        .changes
        .iter()
        .any(|change| matches!(change.op, Op::Create { .. }));
    Schema::builtin().validate(&edit, |_| (!made).then_some(&chart))
}

fn is_too_large(result: &Result<(), Invalid>) -> bool {
    matches!(result, Err(Invalid::TooLarge { .. }))
}

#[test]
fn a_name_ends_at_its_limit() {
    assert!(BoardId::new("b".repeat(limits::ID_BYTES_MAX)).is_ok());
    assert!(BoardId::new("b".repeat(limits::ID_BYTES_MAX + 1)).is_err());
}

#[test]
fn a_user_name_is_measured_with_its_blanks() {
    assert!(UserId::new("u".repeat(limits::USER_BYTES_MAX)).is_ok());
    let blanks = " ".repeat(limits::USER_BYTES_MAX - 1);
    assert!(UserId::new(format!("u{blanks}")).is_ok());
    for long in [
        "u".repeat(limits::USER_BYTES_MAX + 1),
        format!("u{blanks} "),
    ] {
        assert!(matches!(UserId::new(long), Err(IdError::TooLong { .. })));
    }
}

#[test]
fn a_path_ends_at_its_limit() {
    let path = |bytes: usize| {
        let half = "p".repeat(limits::ID_BYTES_MAX - 1);
        format!("{half}/{}", "p".repeat(bytes - half.len() - 1))
    };
    assert!(LeafPath::new(path(limits::PATH_BYTES_MAX)).is_ok());
    assert!(LeafPath::new(path(limits::PATH_BYTES_MAX + 1)).is_err());
}

#[test]
fn a_value_ends_at_its_depth_and_its_weight() {
    let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let of = |value: Value| validated(1, vec![set("options/x", value)]);
    assert_eq!(of(nested(limits::VALUE_DEPTH_MAX)), Ok(()));
    assert!(is_too_large(&of(nested(limits::VALUE_DEPTH_MAX + 1))));
    let text = |weight: usize| {
        let text = Value::Text("t".repeat(weight - Value::from("").weight_bytes()));
        assert_eq!(text.weight_bytes(), weight);
        text
    };
    assert_eq!(of(text(limits::VALUE_BYTES_MAX)), Ok(()));
    assert!(is_too_large(&of(text(limits::VALUE_BYTES_MAX + 1))));
}

#[test]
fn an_edit_ends_at_its_changes_and_its_label() {
    let changes = |count: usize| vec![set("title", "T".into()); count];
    assert_eq!(validated(1, changes(limits::CHANGES_PER_EDIT_MAX)), Ok(()));
    assert!(is_too_large(&validated(
        1,
        changes(limits::CHANGES_PER_EDIT_MAX + 1)
    )));
    assert_eq!(validated(limits::LABEL_BYTES_MAX, changes(1)), Ok(()));
    assert!(is_too_large(&validated(
        limits::LABEL_BYTES_MAX + 1,
        changes(1)
    )));
}

#[test]
fn a_new_record_ends_at_its_leaves() {
    let create = |count: usize| {
        let leaf = |n| {
            (
                LeafPath::new(format!("options/{n}")).expect("a path"),
                Value::Null,
            )
        };
        vec![Change {
            record: RecordId::new("r").expect("an id"),
            seen: Version(0),
            op: Op::Create {
                kind: KindName::new("chart").expect("a kind"),
                leaves: (0..count).map(leaf).collect(),
            },
        }]
    };
    assert_eq!(validated(1, create(limits::LEAVES_PER_RECORD_MAX)), Ok(()));
    assert!(is_too_large(&validated(
        1,
        create(limits::LEAVES_PER_RECORD_MAX + 1)
    )));
}
