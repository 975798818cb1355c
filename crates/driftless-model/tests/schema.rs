//! Schemas grow: kinds of an application, leaves with former names, and what nobody knows yet.

use driftless_model::{
    BoardState, Change, Edit, EditId, Invalid, Kind, KindName, Leaf, LeafPath, LeafRef, OnStale,
    Op, PathRule, Policy, RecordId, RegisterError, Schema, Shape, UserId, Value, Verdict, Version,
    effects, staleness,
};

/// A kind that an application brings along.
struct Gauge;

impl Gauge {
    const CAPTION: Leaf<String> = Leaf::ask("caption").formerly(&["label", "name"]);
    const LIMIT: Leaf<f64> = Leaf::ask("limit");
    const ANGLE: Leaf<f64> = Leaf::last_writer("angle").formerly(&["rotation"]);
}

impl Kind for Gauge {
    const NAME: &'static str = "acme.gauge";

    fn rules() -> Vec<PathRule> {
        let marks = PathRule {
            path: "marks/*".to_owned(),
            policy: Policy::Ask,
            shape: Shape::Bool,
            formerly: vec!["ticks/*".to_owned()],
        };
        let limit = Shape::Number {
            min: 0.0,
            max: 100.0,
        };
        vec![
            Self::CAPTION.rule(),
            Self::LIMIT.shaped(limit),
            Self::ANGLE.rule(),
            marks,
        ]
    }

    fn check(leaf: &LeafPath, value: &Value) -> Result<(), String> {
        if *leaf == Self::CAPTION.path() && value.as_text() == Some("") {
            return Err("a gauge has a caption; take it away in place of emptying it".to_owned());
        }
        assert_ne!(value.as_text(), Some("panic"));
        Ok(())
    }
}

fn schema() -> Schema {
    Schema::builtin().register::<Gauge>().expect("it fits")
}

fn gauge() -> KindName {
    KindName::new(Gauge::NAME).expect("a kind")
}

fn record() -> RecordId {
    RecordId::new("g").expect("an id")
}

fn leaf(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

fn create(leaves: &[(&str, Value)]) -> Op {
    let leaves = leaves
        .iter()
        .map(|(path, value)| (leaf(path), value.clone()));
    Op::Create {
        kind: gauge(),
        leaves: leaves.collect(),
    }
}

fn set(path: &str, value: impl Into<Value>) -> Op {
    Op::Set {
        leaf: leaf(path),
        value: value.into(),
    }
}

fn edit(seen: u64, ops: Vec<Op>) -> Edit {
    let change = |op| Change {
        record: record(),
        seen: Version(seen),
        op,
    };
    Edit {
        id: EditId(1),
        label: "Edit".to_owned(),
        on_stale: OnStale::Policy,
        changes: ops.into_iter().map(change).collect(),
    }
}

fn validated(ops: Vec<Op>) -> Result<(), Invalid> {
    let gauge = gauge();
    schema().validate(&edit(0, ops), |_| Some(&gauge))
}

/// A gauge as an older build left it: the caption under its former name, since v1.
fn board_of_an_older_build() -> BoardState {
    let mut board = BoardState::default();
    let ann = UserId::new("Ann").expect("a user");
    let made = edit(
        0,
        vec![create(&[("label", "Old".into()), ("rotation", 1.into())])],
    );
    board.apply(&effects(&made.changes, &[]), Version(1), &ann);
    board
}

#[test]
fn a_kinds_own_code_refuses_values_that_have_the_right_shape() {
    assert_eq!(validated(vec![set("caption", "C")]), Ok(()));
    let refused = validated(vec![set("limit", 1), set("caption", "")]);
    let error = refused.expect_err("is refused");
    assert_eq!(
        error.to_string(),
        "caption of g is refused: a gauge has a caption; take it away in place of emptying it"
    );
    assert!(!error.is_transient());
    // The shape comes first: a check need not ask again.
    assert!(matches!(
        validated(vec![set("caption", 7)]),
        Err(Invalid::Shape { .. })
    ));
    let caption = leaf("caption");
    assert_eq!(validated(vec![Op::Unset { leaf: caption }]), Ok(()));
}

#[test]
fn a_value_on_which_a_kinds_own_code_panics_is_refused_for_good() {
    let refused = validated(vec![set("caption", "panic")]);
    let error = refused.expect_err("is refused");
    assert!(matches!(error, Invalid::Refused { .. }), "{error}");
    assert!(!error.is_transient());
}

#[test]
fn a_kind_of_an_application_is_checked_like_a_built_in_one() {
    assert_eq!(
        validated(vec![set("limit", 100), set("title", "T")]),
        Ok(())
    );
    assert!(matches!(
        validated(vec![set("limit", 101)]),
        Err(Invalid::Shape { .. })
    ));
    assert!(matches!(
        validated(vec![set("marks/a", "yes")]),
        Err(Invalid::Shape { .. })
    ));
    assert_eq!(
        schema().policy(&gauge(), &Gauge::ANGLE.path()),
        Policy::LastWriter
    );
    let twice = schema().register::<Gauge>();
    assert_eq!(twice, Err(RegisterError::Taken(Gauge::NAME.to_owned())));
}

#[test]
fn what_a_server_does_not_know_yet_is_a_transient_refusal() {
    let builtin = Schema::builtin();
    let made = edit(0, vec![create(&[])]);
    let error = builtin.validate(&made, |_| None).expect_err("is not known");
    assert!(error.is_transient(), "{error}");
    let error = validated(vec![set("from_tomorrow", 1)]).expect_err("is not known");
    assert!(error.is_transient(), "{error}");
    // It can be removed all the same.
    assert_eq!(
        builtin.validate(&edit(0, vec![Op::Remove]), |_| None),
        Ok(())
    );
}

#[test]
fn what_nobody_knows_is_carried_along_and_never_overwritten_unseen() {
    let builtin = Schema::builtin();
    let board = board_of_an_older_build();
    let known = board.record(&record()).expect("it is there");
    assert_eq!(known.kind, gauge());
    assert_eq!(known.value(&leaf("label")), Some(&"Old".into()));
    assert_eq!(builtin.policy(&gauge(), &leaf("rotation")), Policy::Ask);
    let json = serde_json::to_string(&board).expect("can be written");
    assert_eq!(
        serde_json::from_str::<BoardState>(&json).expect("can be read"),
        board
    );
}

#[test]
fn a_former_name_is_known_as_the_leaf_that_it_became() {
    let schema = schema();
    for (former, today) in [
        ("label", "caption"),
        ("name", "caption"),
        ("ticks/a", "marks/a"),
        ("caption", "caption"),
        ("title", "title"),
        ("from/tomorrow", "from/tomorrow"),
    ] {
        assert_eq!(*schema.current(&gauge(), &leaf(former)), leaf(today));
    }
    assert_eq!(
        schema.policy(&gauge(), &leaf("rotation")),
        Policy::LastWriter
    );
    assert!(matches!(
        validated(vec![set("ticks/a", 1)]),
        Err(Invalid::Shape { .. })
    ));
}

#[test]
fn an_edit_of_an_older_build_lands_in_todays_leaves() {
    let schema = schema();
    let gauge = gauge();
    let old = edit(
        1,
        vec![
            set("name", "New"),
            set("limit", 3),
            Op::Unset {
                leaf: leaf("ticks/a"),
            },
        ],
    );
    let (modern, renames) = schema.modernised(&old, |_| Some(&gauge));
    let ops: Vec<Op> = modern.changes.into_iter().map(|change| change.op).collect();
    let unset = Op::Unset {
        leaf: leaf("marks/a"),
    };
    assert_eq!(ops, [set("caption", "New"), set("limit", 3), unset]);
    let mut at = LeafRef {
        record: record(),
        leaf: Some(leaf("caption")),
    };
    renames.to_author(&mut at);
    assert_eq!(
        at.leaf,
        Some(leaf("name")),
        "the author is told in their own words"
    );
}

#[test]
fn a_record_that_an_older_build_makes_has_todays_leaves() {
    let made = edit(
        0,
        vec![create(&[
            ("label", "Old".into()),
            ("caption", "New".into()),
        ])],
    );
    let (modern, renames) = schema().modernised(&made, |_| None);
    assert_eq!(modern.changes[0].op, create(&[("caption", "New".into())]));
    assert!(!renames.is_empty());
    let today = edit(0, vec![create(&[("caption", "New".into())])]);
    let (same, renames) = schema().modernised(&today, |_| None);
    assert_eq!((same, renames.is_empty()), (today, true));
}

#[test]
fn a_leaf_is_read_under_its_former_name_until_it_is_written() {
    let schema = schema();
    let mut board = board_of_an_older_build();
    let caption = |board: &BoardState| {
        let known = board.record(&record()).expect("it is there");
        let cell = schema.cell(known, &Gauge::CAPTION.path());
        cell.and_then(|cell| cell.value.clone())
    };
    assert_eq!(caption(&board), Some("Old".into()));
    let bob = UserId::new("Bob").expect("a user");
    let written = edit(1, vec![set("caption", "New")]);
    board.apply(&effects(&written.changes, &[]), Version(2), &bob);
    assert_eq!(caption(&board), Some("New".into()));
    let taken = edit(
        2,
        vec![Op::Unset {
            leaf: leaf("caption"),
        }],
    );
    board.apply(&effects(&taken.changes, &[]), Version(3), &bob);
    assert_eq!(
        caption(&board),
        None,
        "what was taken away does not come back"
    );
}

#[test]
fn a_value_under_a_former_name_is_not_overwritten_unseen() {
    let board = board_of_an_older_build();
    let judged = |seen, op| staleness::judge(&board, &schema(), &edit(seen, vec![op]));
    let Verdict::Conflict(stale) = judged(0, set("caption", "New")) else {
        panic!("a caption was overwritten unseen");
    };
    assert_eq!(stale[0].theirs, Some("Old".into()));
    assert!(matches!(
        judged(1, set("caption", "New")),
        Verdict::Apply { .. }
    ));
    let Verdict::Apply { replaced, .. } = judged(0, set("angle", 2)) else {
        panic!("an angle never conflicts");
    };
    assert_eq!(replaced[0].value, Some(1.into()));
}

#[test]
fn what_is_written_is_written_under_all_names() {
    let gauge = gauge();
    let written = |ops: Vec<Op>, kind: Option<&KindName>| {
        let effects = effects(&edit(0, ops).changes, &[]);
        let all = schema().under_all_names(&effects, |_| kind);
        let all = all.unwrap_or(effects).into_iter();
        all.map(|effect| effect.op).collect::<Vec<_>>()
    };
    let unset = |name: &str| Op::Unset { leaf: leaf(name) };
    let (set_it, unset_it) = (set("caption", "New"), unset("marks/a"));
    assert_eq!(
        written(vec![set_it.clone(), unset_it.clone()], Some(&gauge)),
        [
            set_it.clone(),
            set("label", "New"),
            set("name", "New"),
            unset_it,
            unset("ticks/a"),
        ]
    );
    let made = create(&[("caption", "New".into()), ("limit", 3.into())]);
    let all = create(&[
        ("caption", "New".into()),
        ("label", "New".into()),
        ("name", "New".into()),
        ("limit", 3.into()),
    ]);
    let again = written(vec![made, set_it.clone()], None);
    assert_eq!(again[0], all);
    assert_eq!(
        again[3],
        set("name", "New"),
        "its kind is the one it was made with"
    );
    assert_eq!(
        written(vec![set_it.clone(), Op::Remove], None),
        [set_it, Op::Remove]
    );
}

#[test]
fn names_of_one_leaf_are_known_as_such() {
    let is_one = |one: &str, other: &str| schema().is_one_leaf(&leaf(one), &leaf(other));
    for (one, other) in [
        ("label", "caption"),
        ("name", "label"),
        ("ticks/a", "marks/a"),
    ] {
        assert!(is_one(one, other) && is_one(other, one), "{one} {other}");
    }
    assert!(is_one("title", "title"));
    for (one, other) in [
        ("label", "title"),
        ("ticks/a", "marks/b"),
        ("angle", "caption"),
    ] {
        assert!(!is_one(one, other) && !is_one(other, one), "{one} {other}");
    }
}

#[test]
fn a_removal_is_told_once_of_a_leaf_with_two_names() {
    let mut board = board_of_an_older_build();
    let bob = UserId::new("Bob").expect("a user");
    let written = effects(&edit(1, vec![set("caption", "New")]).changes, &[]);
    let gauge = gauge();
    let all = schema().under_all_names(&written, |_| Some(&gauge));
    board.apply(&all.expect("it has another name"), Version(2), &bob);
    let judged = staleness::judge(&board, &schema(), &edit(1, vec![Op::Remove]));
    let Verdict::Conflict(stale) = judged else {
        panic!("a caption was removed unseen");
    };
    let told = stale.into_iter().map(|stale| stale.at.leaf);
    assert_eq!(told.collect::<Vec<_>>(), [Some(leaf("caption"))]);
}

/// Registers a kind with these rules; each is a path and a former one.
fn registered<const CASE: usize>() -> Result<Schema, RegisterError> {
    struct Odd<const CASE: usize>;
    impl<const CASE: usize> Kind for Odd<CASE> {
        const NAME: &'static str = "odd";

        fn rules() -> Vec<PathRule> {
            let [one, other] = CASES[CASE];
            let rule = |(path, former): (&str, &str)| PathRule {
                path: path.to_owned(),
                policy: Policy::Ask,
                shape: Shape::Any,
                formerly: vec![former.to_owned()],
            };
            vec![rule(one), rule(other)]
        }
    }
    Schema::empty().register::<Odd<CASE>>()
}

const CASES: [[(&str, &str); 2]; 9] = [
    [("a", "b"), ("c", "d")],
    [("a", "b"), ("c", "b")],
    [("a", "b"), ("b/*", "d/*")],
    [("a", "b/*"), ("c", "d")],
    [("a", "b"), ("a", "d")],
    [("title", "b"), ("title", "d")],
    [("no leaf", "b"), ("c", "d")],
    [("a", "b"), ("c/*", "/*")],
    [("title", "headline"), ("layout/*", "places/*")],
];

#[test]
fn former_names_may_not_overlap_with_any_other() {
    assert!(registered::<0>().is_ok());
    assert!(matches!(registered::<1>(), Err(RegisterError::Overlap(..))));
    assert!(matches!(registered::<2>(), Err(RegisterError::Overlap(..))));
    assert!(matches!(
        registered::<3>(),
        Err(RegisterError::Former { .. })
    ));
}

#[test]
fn each_leaf_has_one_rule_that_some_leaf_can_have() {
    assert!(matches!(registered::<4>(), Err(RegisterError::Overlap(..))));
    assert!(matches!(registered::<5>(), Err(RegisterError::Overlap(..))));
    assert!(matches!(registered::<6>(), Err(RegisterError::Name(_))));
    assert!(matches!(registered::<7>(), Err(RegisterError::Name(_))));
    // What every kind has, a kind may have another rule for.
    let schema = registered::<8>().expect("once each");
    let kind = schema.kinds().next().expect("it is there");
    let titles = kind.rules.iter().filter(|rule| rule.path == "title");
    assert_eq!(titles.count(), 1);
}
