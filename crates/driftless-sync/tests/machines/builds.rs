//! Two builds: one knows kinds and leaves that the other does not, or knows them by another name.

use driftless_model::{Kind, KindName, Leaf, Op, PathRule, Schema};
use driftless_sync::replica::background_sync::Entry;
use driftless_sync::replica::view::{EntryProgress, Resolution};

use crate::pair::{Pair, path, record, set};

const ANN: usize = 0;
const BOB: usize = 1;

/// A gauge as the older build has it.
struct OldGauge;

impl Kind for OldGauge {
    const NAME: &'static str = "gauge";

    fn rules() -> Vec<PathRule> {
        vec![Leaf::<String>::ask("label").rule()]
    }
}

/// A gauge as the newer build has it: its label is a caption now, and it has a limit.
struct NewGauge;

impl Kind for NewGauge {
    const NAME: &'static str = "gauge";

    fn rules() -> Vec<PathRule> {
        let caption = Leaf::<String>::ask("caption").formerly(&["label"]);
        vec![caption.rule(), Leaf::<f64>::ask("limit").rule()]
    }
}

fn older() -> Schema {
    Schema::builtin().register::<OldGauge>().expect("it fits")
}

fn newer() -> Schema {
    Schema::builtin().register::<NewGauge>().expect("it fits")
}

fn create(leaf: &str, value: &str) -> Op {
    Op::Create {
        kind: KindName::new("gauge").expect("a kind"),
        leaves: [(path(leaf), value.into())].into(),
    }
}

/// Ann with the older build, Bob with the newer one, which the server has too; and a gauge.
fn old_ann_and_new_bob() -> Pair {
    let mut pair = Pair::of_builds(&[("Ann", older()), ("Bob", newer())], newer());
    pair.edit(BOB, vec![("g", create("caption", "CPU"))]);
    pair.settle();
    pair
}

fn assert_same_confirmed(pair: &Pair) {
    for person in &pair.people {
        let board = person
            .replica
            .board(&crate::pair::board())
            .expect("followed");
        assert_eq!(board.state.confirmed(), pair.state());
    }
}

#[test]
fn what_an_older_build_writes_lands_in_the_leaf_of_today() {
    let mut pair = old_ann_and_new_bob();
    pair.edit(ANN, vec![("g", set("label", "Load"))]);
    assert_eq!(pair.sees(ANN, "g", "label"), Some("Load".into()));
    pair.settle();
    assert_eq!(pair.stored("g", "caption"), Some("Load".into()));
    assert_eq!(pair.sees(ANN, "g", "label"), Some("Load".into()));
    assert_eq!(pair.sees(BOB, "g", "caption"), Some("Load".into()));
    assert!(pair.entries(ANN).is_empty());
    assert_same_confirmed(&pair);
}

#[test]
fn what_a_newer_build_writes_is_shown_by_an_older_one_and_not_replaced_unseen() {
    let mut pair = old_ann_and_new_bob();
    assert_eq!(pair.sees(ANN, "g", "label"), Some("CPU".into()));
    pair.edit(BOB, vec![("g", set("caption", "Load"))]);
    pair.settle();
    assert_eq!(pair.sees(ANN, "g", "label"), Some("Load".into()));
    let mark = pair.mark(ANN);
    pair.edit(BOB, vec![("g", set("caption", "Bob's"))]);
    pair.settle();
    pair.edit_on(ANN, &mark, None, vec![("g", set("label", "Ann's"))]);
    pair.settle();
    assert_eq!(pair.conflicts(ANN), 1, "she began while it said Load");
    assert_eq!(pair.stored("g", "caption"), Some("Bob's".into()));
    assert_same_confirmed(&pair);
}

#[test]
fn an_edit_rests_on_what_an_older_build_left_waiting_under_the_former_name() {
    let mut pair = old_ann_and_new_bob();
    pair.unplug(ANN);
    let first = pair.edit(ANN, vec![("g", set("label", "First"))]);
    pair.update(ANN, newer());
    pair.edit(ANN, vec![("g", set("caption", "Second"))]);
    let board = pair.people[ANN].replica.board(&crate::pair::board());
    let last = board.and_then(|board| board.outbox.entries().last());
    assert_eq!(last.map(Entry::after), Some([first].into_iter().collect()));
    pair.settle();
    assert_eq!(pair.stored("g", "caption"), Some("Second".into()));
    assert_eq!(pair.stored("g", "label"), Some("Second".into()));
    assert_same_confirmed(&pair);
}

#[test]
fn a_conflict_over_a_renamed_leaf_is_told_in_the_words_of_either_build() {
    let mut pair = old_ann_and_new_bob();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("g", set("label", "Ann's"))]);
    pair.edit(BOB, vec![("g", set("caption", "Bob's"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    let entries = pair.entries(ANN);
    let EntryProgress::Conflicted(conflict) = &entries[0].state else {
        panic!("Bob's caption was overwritten unseen");
    };
    let leaf = &conflict.leaves[0];
    assert_eq!(leaf.at.leaf, Some(path("label")));
    assert_eq!(
        (&leaf.mine, &leaf.theirs),
        (&Some("Ann's".into()), &Some("Bob's".into()))
    );
    assert!(leaf.is_stale);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.stored("g", "caption"), Some("Ann's".into()));
    assert_eq!(pair.conflicts(ANN), 0);
    assert_same_confirmed(&pair);
}

#[test]
fn edits_that_wait_while_the_build_is_updated_are_shown_and_sent_as_the_leaf_of_today() {
    let mut pair = old_ann_and_new_bob();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("g", set("label", "Load"))]);
    pair.update(ANN, newer());
    assert_eq!(pair.sees(ANN, "g", "caption"), Some("Load".into()));
    assert_eq!(pair.sees(ANN, "g", "label"), None);
    pair.settle();
    assert_eq!(pair.stored("g", "caption"), Some("Load".into()));
    assert_eq!(pair.sees(ANN, "g", "caption"), Some("Load".into()));
    assert_same_confirmed(&pair);
}

#[test]
fn what_was_stored_before_the_rename_is_read_under_todays_name() {
    let mut pair = Pair::of_builds(&[("Ann", older()), ("Bob", newer())], older());
    pair.edit(ANN, vec![("g", create("label", "CPU"))]);
    pair.settle();
    assert_eq!(pair.sees(BOB, "g", "caption"), Some("CPU".into()));
    assert_eq!(pair.sees(BOB, "g", "label"), None);
    pair.update_server(newer());
    pair.edit(BOB, vec![("g", set("caption", "Load"))]);
    pair.settle();
    assert_eq!(
        pair.conflicts(BOB),
        0,
        "he saw the value under its former name"
    );
    assert_eq!(pair.sees(BOB, "g", "caption"), Some("Load".into()));
    assert_same_confirmed(&pair);
}

#[test]
fn a_kind_that_the_server_does_not_know_waits_for_its_update() {
    let mut pair = Pair::of_builds(&[("Ann", newer()), ("Bob", newer())], Schema::builtin());
    pair.edit(ANN, vec![("g", create("caption", "CPU"))]);
    for _ in 0..3 {
        pair.settle();
    }
    assert_eq!(pair.applied(), 0);
    assert_eq!(
        pair.sees(ANN, "g", "caption"),
        Some("CPU".into()),
        "it stays in the view"
    );
    assert!(matches!(
        pair.entries(ANN)[0].state,
        EntryProgress::Sealed { .. }
    ));
    pair.update_server(newer());
    pair.settle();
    assert_eq!(pair.applied(), 1);
    assert_eq!(pair.sees(BOB, "g", "caption"), Some("CPU".into()));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn a_build_carries_kinds_and_leaves_along_that_it_does_not_know() {
    let mut pair = Pair::of_builds(&[("Ann", Schema::builtin()), ("Bob", newer())], newer());
    pair.edit(BOB, vec![("g", create("caption", "CPU"))]);
    pair.edit(BOB, vec![("c", crate::pair::create("Chart"))]);
    pair.settle();
    assert_eq!(pair.sees(ANN, "g", "caption"), Some("CPU".into()));
    pair.restart(ANN);
    pair.settle();
    assert_eq!(
        pair.sees(ANN, "g", "caption"),
        Some("CPU".into()),
        "it is stored as well"
    );
    // Whatever her own build knows, the server decides what can be written.
    pair.edit(ANN, vec![("g", set("title", "Hers"))]);
    pair.settle();
    assert_eq!(pair.stored("g", "caption"), Some("CPU".into()));
    pair.edit(ANN, vec![("g", Op::Remove)]);
    pair.settle();
    assert!(pair.state().record(&record("g")).is_none());
    assert_same_confirmed(&pair);
}

/// Seed 30,988 of the simulator: what a newer build had left waiting was sent by an older one, to
/// which its leaf was a new one that nobody had written.
#[test]
fn what_a_newer_build_left_waiting_has_seen_no_more_where_an_older_one_sends_it() {
    let people = [("Ann", newer()), ("Bob", older())];
    let mut pair = Pair::of_builds(&people, older());
    pair.edit(BOB, vec![("g", create("label", "CPU"))]);
    pair.settle();
    let (begun, gesture) = (pair.mark(ANN), Some(7));
    let limit = Op::Set {
        leaf: path("limit"),
        value: 5.into(),
    };
    pair.edit_on(ANN, &begun, gesture, vec![("g", limit)]);
    // The server knows no limit yet: it waits, and what follows waits for it.
    pair.some_rounds(5);
    pair.edit_on(ANN, &begun, gesture, vec![("g", set("caption", "Ann's"))]);
    assert_eq!(pair.entries(ANN).len(), 2);
    pair.edit(BOB, vec![("g", set("label", "Bob's"))]);
    pair.some_rounds(5);
    pair.update(ANN, older());
    pair.update_server(newer());
    pair.settle();
    assert_eq!(pair.conflicts(ANN), 1, "she never saw what Bob wrote");
    assert_eq!(pair.stored("g", "label"), Some("Bob's".into()));
}
