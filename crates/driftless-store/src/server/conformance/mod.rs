//! What every [`BoardStore`] has to do. Each function takes an empty store; the macro
//! [`crate::board_store_conformance`] makes a test of each.

mod script;
pub mod samples;

pub use script::Script;

use driftless_model::{
    BoardId, Check, Cursor, EditId, Effect, KindName, LeafPath, Op, RecordId, Slot, Value, Version,
};
use driftless_sync::room::{BoardImage, Stored};

use crate::server::board_store::{BoardStore, BoardSummary};

/// Makes a test of each function of [`crate::server::conformance`], from an async closure that
/// makes an empty store. Needs `tokio` with `macros` among the dev-dependencies.
#[macro_export]
macro_rules! board_store_conformance {
    ($make:expr) => {
        $crate::board_store_conformance! { $make;
            an_unknown_board_is_empty,
            an_append_is_read_back,
            an_append_to_another_head_writes_nothing,
            a_conflict_leaves_the_other_boards_alone,
            a_board_twice_in_a_batch_is_taken_in_order,
            a_removal_takes_the_leaves_and_leaves_a_mark,
            a_record_made_again_has_only_its_new_leaves,
            a_leaf_taken_away_is_not_a_leaf_of_null,
            the_ledger_moves_without_a_version,
            a_check_is_found_at_every_version,
            an_edit_is_found_by_its_id_above_a_version,
            the_log_is_read_in_pages,
            boards_are_listed_with_their_titles,
            a_long_history_reads_back_as_its_fold,
            pruned_marks_are_gone_and_the_floor_stays,
            a_mark_made_and_pruned_at_once_leaves_nothing_of_the_record,
            a_pruned_log_begins_above_where_it_was_pruned
        }
    };
    ($make:expr; $($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::server::conformance::$name(($make)().await).await;
            }
        )*
    };
}

fn path(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

fn effect(record: &str, op: Op) -> Effect {
    let record = RecordId::new(record).expect("a record id");
    Effect { record, op }
}

fn create(record: &str, leaves: &[(&str, Value)]) -> Effect {
    let leaves = leaves.iter();
    let leaves = leaves.map(|(leaf, value)| (path(leaf), value.clone()));
    let op = Op::Create {
        kind: KindName::new("chart").expect("a kind"),
        leaves: leaves.collect(),
    };
    effect(record, op)
}

fn set(record: &str, leaf: &str, value: impl Into<Value>) -> Effect {
    let (leaf, value) = (path(leaf), value.into());
    effect(record, Op::Set { leaf, value })
}

async fn assert_holds(store: &impl BoardStore, script: &Script) {
    let image = store.load(script.board()).await.expect("loads");
    assert_eq!(&image, script.image());
    let log = store.log(script.board(), Version(0), usize::MAX).await;
    assert_eq!(log.expect("reads the log"), script.log());
}

/// A board that was never written reads as one without anything.
pub async fn an_unknown_board_is_empty(store: impl BoardStore) {
    let board = BoardId::new("nowhere").expect("a board id");
    assert_eq!(store.load(&board).await, Ok(BoardImage::default()));
    assert_eq!(store.check_at(&board, Version(1)).await, Ok(None));
    assert_eq!(store.log(&board, Version(0), 10).await, Ok(vec![]));
    assert_eq!(store.boards().await, Ok(vec![]));
}

/// Head, records, ledger and log come back as they were written, all kinds of values included.
pub async fn an_append_is_read_back(store: impl BoardStore) {
    let mut script = Script::new("home");
    let list = Value::List(vec![1.into(), Value::Null, "ß\u{1F98A}\"\\\n".into()]);
    let number = Value::number(0.1 + 0.2).expect("finite");
    let map = Value::Map([("a".to_owned(), list.clone()), (String::new(), number)].into());
    let leaves = [("title", "CPU".into()), ("options/a", map), ("unit", list)];
    let append = script.edit(7, &[create("cpu", &leaves), create("net", &[])]);
    assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
    let append = script.edit(u128::MAX, &[set("cpu", "title", "Load")]);
    assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
}

/// Version and check both decide; an append that is sent twice is refused the second time.
pub async fn an_append_to_another_head_writes_nothing(store: impl BoardStore) {
    let mut script = Script::new("home");
    let first = script.edit(1, &[create("cpu", &[])]);
    assert_eq!(store.append(vec![first.clone()]).await, [Stored::Committed]);
    assert_eq!(store.append(vec![first]).await, [Stored::Conflict]);
    let mut forked = script.clone().edit(2, &[set("cpu", "title", "Mine")]);
    forked.expect.check = Check(forked.expect.check.0 ^ 1);
    assert_eq!(store.append(vec![forked]).await, [Stored::Conflict]);
    let mut skipping = script.clone();
    skipping.edit(2, &[set("cpu", "title", "Lost")]);
    let skipping = skipping.edit(2, &[set("cpu", "title", "Mine")]);
    assert_eq!(store.append(vec![skipping]).await, [Stored::Conflict]);
    assert_holds(&store, &script).await;
}

/// The answers stand in the order of the appends.
pub async fn a_conflict_leaves_the_other_boards_alone(store: impl BoardStore) {
    let mut scripts = ["a", "b", "c"].map(Script::new);
    let stale = scripts[1].clone().edit(9, &[create("other", &[])]);
    let winner = scripts[1].edit(1, &[create("cpu", &[])]);
    assert_eq!(store.append(vec![winner]).await, [Stored::Committed]);
    let first = scripts[0].edit(2, &[create("cpu", &[])]);
    let last = scripts[2].edit(3, &[create("cpu", &[])]);
    let answers = store.append(vec![first, stale, last]).await;
    let expected = [Stored::Committed, Stored::Conflict, Stored::Committed];
    assert_eq!(answers, expected);
    for script in &scripts {
        assert_holds(&store, script).await;
    }
}

/// A batch may hold two appends of one board, the second on top of the first.
pub async fn a_board_twice_in_a_batch_is_taken_in_order(store: impl BoardStore) {
    let mut script = Script::new("home");
    let first = script.edit(1, &[create("cpu", &[("title", "A".into())])]);
    let second = script.edit(1, &[effect("cpu", Op::Remove)]);
    let answers = store.append(vec![first, second]).await;
    assert_eq!(answers, [Stored::Committed, Stored::Committed]);
    assert_holds(&store, &script).await;
}

/// The mark says in which version and by whom.
pub async fn a_removal_takes_the_leaves_and_leaves_a_mark(store: impl BoardStore) {
    let mut script = Script::new("home");
    let made = script.edit(1, &[create("cpu", &[("title", "A".into())])]);
    let removed = script.edit(2, &[effect("cpu", Op::Remove)]);
    store.append(vec![made]).await;
    assert_eq!(store.append(vec![removed]).await, [Stored::Committed]);
    let image = store.load(script.board()).await.expect("loads");
    let slot = image.state.records.values().next();
    assert!(matches!(slot, Some(Slot::Removed { version, .. }) if *version == Version(2)));
    assert_holds(&store, &script).await;
}

/// Neither the mark nor the old leaves stay, whether it was made again in the same append or later.
pub async fn a_record_made_again_has_only_its_new_leaves(store: impl BoardStore) {
    let mut script = Script::new("home");
    let leaves = [("title", "A".into()), ("unit", "%".into())];
    let made = script.edit(1, &[create("cpu", &leaves), create("net", &leaves)]);
    let removed = script.edit(1, &[effect("cpu", Op::Remove)]);
    store.append(vec![made]).await;
    store.append(vec![removed]).await;
    let again = [("title", "B".into())];
    let remade = script.edits(
        1,
        &[
            &[create("cpu", &again), effect("net", Op::Remove)],
            &[create("net", &again)],
        ],
    );
    assert_eq!(store.append(vec![remade]).await, [Stored::Committed]);
    let image = store.load(script.board()).await.expect("loads");
    assert_eq!(image.state.live().count(), 2);
    assert!(
        image
            .state
            .live()
            .all(|(_, record)| record.leaves.len() == 1)
    );
    assert_holds(&store, &script).await;
}

/// A leaf that was taken away keeps its version and author and has no value; null is a value.
pub async fn a_leaf_taken_away_is_not_a_leaf_of_null(store: impl BoardStore) {
    let mut script = Script::new("home");
    let leaves = [("title", "A".into()), ("unit", "%".into())];
    let made = script.edit(1, &[create("cpu", &leaves)]);
    let leaf = path("unit");
    let unset = effect("cpu", Op::Unset { leaf });
    let changed = script.edit(2, &[set("cpu", "title", Value::Null), unset]);
    store.append(vec![made]).await;
    assert_eq!(store.append(vec![changed]).await, [Stored::Committed]);
    let image = store.load(script.board()).await.expect("loads");
    let record = RecordId::new("cpu").expect("a record id");
    let record = image.state.record(&record).expect("is live");
    assert_eq!(record.value(&path("title")), Some(&Value::Null));
    assert_eq!(record.value(&path("unit")), None);
    assert_holds(&store, &script).await;
}

/// A refused edit uses up its seq and makes no version.
pub async fn the_ledger_moves_without_a_version(store: impl BoardStore) {
    let mut script = Script::new("home");
    for _ in 0..3 {
        let append = script.rejection(5);
        assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    }
    let image = store.load(script.board()).await.expect("loads");
    assert_eq!(image.head, Cursor::default());
    assert_eq!(image.ledger[0].last_seq, 3);
    assert_holds(&store, &script).await;
}

/// Every version has the check that it was written with; version 0 has check 0.
pub async fn a_check_is_found_at_every_version(store: impl BoardStore) {
    let mut script = Script::new("home");
    for _ in 0..5 {
        let append = script.edit(1, &[create("cpu", &[])]);
        store.append(vec![append]).await;
    }
    let board = script.board();
    assert_eq!(
        store.check_at(board, Version(0)).await,
        Ok(Some(Check::default()))
    );
    for row in script.log() {
        let check = store.check_at(board, row.version).await;
        assert_eq!(check, Ok(Some(row.check)));
    }
    assert_eq!(store.check_at(board, Version(6)).await, Ok(None));
    assert_eq!(store.check_at(board, Version(u64::MAX)).await, Ok(None));
}

/// By board, and no lower than asked for.
pub async fn an_edit_is_found_by_its_id_above_a_version(store: impl BoardStore) {
    let mut script = Script::new("home");
    let mut other = Script::new("other");
    for _ in 0..3 {
        let appends = [&mut script, &mut other].map(|script| script.edit(1, &[create("a", &[])]));
        store.append(appends.to_vec()).await;
    }
    let second = &script.log()[1];
    let found = store.find(script.board(), second.id, Version(1)).await;
    assert_eq!(found.as_ref(), Ok(&Some(second.clone())));
    let above = store.find(script.board(), second.id, Version(2)).await;
    assert_eq!(above, Ok(None));
    let elsewhere = BoardId::new("nowhere").expect("a board id");
    assert_eq!(
        store.find(&elsewhere, second.id, Version(0)).await,
        Ok(None)
    );
    let unknown = store.find(script.board(), EditId(1), Version(0)).await;
    assert_eq!(unknown, Ok(None));
}

/// Whoever lost a race reads on from where it stands.
pub async fn the_log_is_read_in_pages(store: impl BoardStore) {
    let mut script = Script::new("home");
    let mut other = Script::new("other");
    for _ in 0..5 {
        let appends = [&mut script, &mut other].map(|script| script.edit(1, &[create("a", &[])]));
        store.append(appends.to_vec()).await;
    }
    let page = store.log(script.board(), Version(1), 2).await;
    assert_eq!(page.as_deref(), Ok(&script.log()[1..3]));
    let page = store.log(script.board(), Version(4), 2).await;
    assert_eq!(page.as_deref(), Ok(&script.log()[4..]));
}

/// By id, each with its head; a title that is no text is none.
pub async fn boards_are_listed_with_their_titles(store: impl BoardStore) {
    let titles = [("b", "Plant".into()), ("a", Value::Null)];
    let mut expected = Vec::new();
    for (board, title) in titles {
        let mut script = Script::new(board);
        let append = script.edit(1, &[create("board", &[("title", title.clone())])]);
        assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
        expected.insert(
            0,
            BoardSummary {
                board: script.board().clone(),
                head: script.image().head,
                title: title.as_text().map(str::to_owned),
            },
        );
    }
    assert_eq!(store.boards().await, Ok(expected));
}

/// Many edits in batches of many sizes, larger than one statement holds: what is stored is what a
/// fold over the log gives.
pub async fn a_long_history_reads_back_as_its_fold(store: impl BoardStore) {
    let mut script = Script::new("home");
    let mut number = 0_u32;
    for size in [1, 2, 3, 700, 5, 64, 511, 513] {
        let edits: Vec<_> = (0..size)
            .map(|offset| nth_effects(number + offset))
            .collect();
        number += size;
        let edits: Vec<_> = edits.iter().map(Vec::as_slice).collect();
        let append = script.edits(u128::from(size % 3), &edits);
        assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    }
    assert_holds(&store, &script).await;
    let log = store.log(script.board(), Version(0), usize::MAX).await;
    let mut folded = driftless_model::BoardState::default();
    for row in log.expect("reads the log") {
        folded.apply(&row.effects, row.version, &row.user);
    }
    let image = store.load(script.board()).await.expect("loads");
    assert_eq!(image.state, folded);
}

/// What was removed up to the floor has no mark any more; the floor is read back, later appends
/// leave it, and a record can be made anew.
pub async fn pruned_marks_are_gone_and_the_floor_stays(store: impl BoardStore) {
    let mut script = Script::new("home");
    let mut other = Script::new("other");
    let made = [create("a", &[]), create("b", &[]), create("c", &[])];
    for script in [&mut script, &mut other] {
        store.append(vec![script.edit(1, &made)]).await;
        let remove = |id| vec![effect(id, Op::Remove)];
        store.append(vec![script.edit(1, &remove("a"))]).await;
        store.append(vec![script.edit(1, &remove("b"))]).await;
    }
    let remove: &[Effect] = &[effect("c", Op::Remove)];
    let pruning = script.pruning(1, &[remove], (Version(3), Version(0)));
    assert_eq!(pruning.prune.marks.len(), 2);
    assert_eq!(store.append(vec![pruning]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
    assert_holds(&store, &other).await;
    let again = script.edit(2, &[create("a", &[("title", "A".into())])]);
    assert_eq!(store.append(vec![again]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
}

/// Where few marks are kept, an append may prune a mark that it makes.
pub async fn a_mark_made_and_pruned_at_once_leaves_nothing_of_the_record(store: impl BoardStore) {
    let mut script = Script::new("home");
    let leaves = [("title", "A".into())];
    let made = script.edit(1, &[create("a", &leaves), create("b", &leaves)]);
    store.append(vec![made]).await;
    let remove: &[Effect] = &[effect("a", Op::Remove)];
    let pruning = script.pruning(1, &[remove], (Version(2), Version(0)));
    assert_eq!(store.append(vec![pruning]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
    // Made anew, it has nothing of what it was.
    let again = script.edit(1, &[create("a", &[("unit", "%".into())])]);
    assert_eq!(store.append(vec![again]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
}

/// Neither rows, nor checks, nor edits are found any more; what was pruned is read back.
pub async fn a_pruned_log_begins_above_where_it_was_pruned(store: impl BoardStore) {
    let mut script = Script::new("home");
    let mut other = Script::new("other");
    for _ in 0..4 {
        let appends = [&mut script, &mut other].map(|script| script.edit(1, &[create("a", &[])]));
        store.append(appends.to_vec()).await;
    }
    let (second, third) = (script.log()[1].clone(), script.log()[2].clone());
    let create: &[Effect] = &[create("b", &[])];
    let pruning = script.pruning(1, &[create, create], (Version(0), Version(2)));
    assert_eq!(store.append(vec![pruning]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
    assert_holds(&store, &other).await;
    let board = script.board();
    assert_eq!(store.check_at(board, second.version).await, Ok(None));
    let kept = store.check_at(board, third.version).await;
    assert_eq!(kept, Ok(Some(third.check)));
    assert_eq!(store.find(board, second.id, Version(0)).await, Ok(None));
    let found = store.find(board, third.id, Version(0)).await;
    assert_eq!(found, Ok(Some(third)));
    let append = script.edit(1, &[set("a", "title", "A")]);
    assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    assert_holds(&store, &script).await;
}

/// Some edit or other: makings, writes, removals, spread over records.
fn nth_effects(number: u32) -> Vec<Effect> {
    let record = format!("r{}", number.wrapping_mul(2_654_435_761) % 97);
    match number % 7 {
        0 => vec![create(
            &record,
            &[("title", number.into()), ("unit", "%".into())],
        )],
        5 => vec![effect(&record, Op::Remove)],
        6 => vec![effect(&record, Op::Unset { leaf: path("unit") })],
        _ => vec![
            set(&record, "title", number),
            set(&record, "layout/lg", number),
        ],
    }
}
