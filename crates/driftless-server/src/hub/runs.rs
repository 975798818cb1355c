//! What resumes say of a board, encoded in runs that they share.
//!
//! Items are written newest first. So two resumes of a board, from whatever versions, begin alike
//! and differ at the end: what one of them has for itself is a run, and where its runs are. A run
//! also ends at fixed versions, so that resumes before and after a change fall into step again.

use std::cmp::Reverse;
use std::collections::HashMap;

use bytes::Bytes;
use driftless_model::{LeafPath, RecordId, Version, limits};
use driftless_protocol::Codec;
use driftless_protocol::shared_resume::{self, Item, List};

/// No run goes on from one multiple of so many versions to the next.
const RUN_VERSIONS: u64 = 64;
/// As many times the largest resume may be kept, before what was not used lately is let go: of two
/// encodings, what is lacked by newcomers and by those who come back.
const KEPT_RESUMES: usize = 4;
/// As much may be kept in any case, in bytes.
const KEPT_BYTES_MIN: usize = 1024 * 1024;

/// The runs of a board that were used lately.
#[derive(Debug, Default)]
pub struct Runs {
    encoded: HashMap<Key, Run>,
    /// What they take together.
    bytes: usize,
    /// The largest resume since something was let go last, in bytes.
    largest_bytes: usize,
    /// How often something was let go.
    sweeps: u64,
}

/// What is in a run. It names versions, and so needs no values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    codec: Codec,
    list: List,
    items: Vec<(Version, RecordId, Option<LeafPath>)>,
}

#[derive(Debug)]
struct Run {
    /// With a separator before each item.
    bytes: Bytes,
    /// After how many sweeps it was used last.
    used_after: u64,
}

impl Runs {
    /// Adds a list as it is written: the runs of its items, newest first. Answers how many bytes of
    /// them were not there yet.
    pub fn write(
        &mut self,
        codec: Codec,
        list: List,
        mut items: Vec<Item<'_>>,
        pieces: &mut Vec<Bytes>,
    ) -> usize {
        // A record looks through its leaves for it.
        items.sort_by_cached_key(|item| Reverse(item.newest()));
        let mut encoded_bytes = 0;
        let mut rest = &items[..];
        let mut is_first = true;
        while !rest.is_empty() {
            let (run, after) = rest.split_at(length_of_run(rest));
            let (bytes, is_new) = self.run(codec, list, run);
            encoded_bytes += if is_new { bytes.len() } else { 0 };
            let separator = shared_resume::separator(codec).len();
            pieces.push(bytes.slice(if is_first { separator } else { 0 }..));
            (rest, is_first) = (after, false);
        }
        encoded_bytes
    }

    /// A run, and whether it was not there yet.
    fn run(&mut self, codec: Codec, list: List, items: &[Item<'_>]) -> (Bytes, bool) {
        let named = |item: &Item<'_>| (item.newest(), item.record().clone(), item.leaf().cloned());
        let key = Key {
            codec,
            list,
            items: items.iter().map(named).collect(),
        };
        if let Some(run) = self.encoded.get_mut(&key) {
            run.used_after = self.sweeps;
            return (run.bytes.clone(), false);
        }
        let run = Run {
            bytes: shared_resume::items(codec, items).into(),
            used_after: self.sweeps,
        };
        let bytes = run.bytes.clone();
        self.bytes += bytes.len();
        self.encoded.insert(key, run);
        (bytes, true)
    }

    /// A resume of so many bytes was written. Where too much is kept by now, what was not used
    /// since the last time is let go.
    pub fn sweep(&mut self, resume_bytes: usize) {
        self.largest_bytes = self.largest_bytes.max(resume_bytes);
        if self.bytes <= KEPT_BYTES_MIN.max(KEPT_RESUMES * self.largest_bytes) {
            return;
        }
        let now = self.sweeps;
        self.encoded.retain(|_, run| run.used_after == now);
        self.bytes = self.encoded.values().map(|run| run.bytes.len()).sum();
        self.largest_bytes = resume_bytes;
        self.sweeps += 1;
    }
}

/// How many of these are a run: those of one stretch of versions, as far as they are not more than
/// each connection may copy. What is larger is a run by itself.
fn length_of_run(items: &[Item<'_>]) -> usize {
    let stretch = |item: &Item<'_>| item.newest().0 / RUN_VERSIONS;
    let mut weight_bytes = 0;
    let is_over = |item: &Item<'_>| {
        weight_bytes += item.weight_bytes();
        weight_bytes > limits::COPIED_BYTES_MAX || stretch(item) != stretch(&items[0])
    };
    let end = items.iter().position(is_over).unwrap_or(items.len());
    end.max(1)
}

#[cfg(test)]
mod tests {
    use driftless_model::{UserId, Value};
    use driftless_protocol::message::ChangedLeaf;

    use super::*;

    /// Leaves of so many bytes, one for each of these versions.
    fn leaves(versions: impl IntoIterator<Item = u64>, bytes: usize) -> Vec<ChangedLeaf> {
        let leaf = |version| ChangedLeaf {
            record: RecordId::new(format!("r{version}")).expect("an id"),
            leaf: LeafPath::new("options/text").expect("a path"),
            value: Some(Value::from("x".repeat(bytes).as_str())),
            version: Version(version),
            author: UserId::new("Ann").expect("a user"),
        };
        versions.into_iter().map(leaf).collect()
    }

    /// The pieces of these, and how many bytes were encoded for them.
    fn write(runs: &mut Runs, codec: Codec, leaves: &[ChangedLeaf]) -> (Vec<Bytes>, usize) {
        let mut pieces = Vec::new();
        let items = leaves.iter().map(Item::Leaf).collect();
        let encoded = runs.write(codec, List::Leaves, items, &mut pieces);
        runs.sweep(pieces.iter().map(Bytes::len).sum());
        (pieces, encoded)
    }

    #[test]
    fn a_list_is_all_of_its_items_newest_first() {
        let leaves = leaves(1..=1_000, 100);
        let mut newest_first: Vec<_> = leaves.iter().map(Item::Leaf).collect();
        newest_first.reverse();
        for codec in Codec::ALL {
            let (pieces, encoded) = write(&mut Runs::default(), codec, &leaves);
            let whole = shared_resume::items(codec, &newest_first);
            assert_eq!(encoded, whole.len());
            assert_eq!(
                pieces.concat(),
                whole[shared_resume::separator(codec).len()..]
            );
            assert!(pieces.len() < 20, "{} pieces", pieces.len());
        }
    }

    #[test]
    fn a_run_is_as_much_as_may_be_copied_and_what_is_larger_is_alone() {
        let one = leaves([1], 100);
        let half = limits::COPIED_BYTES_MAX / 2 - (Item::Leaf(&one[0]).weight_bytes() - 100);
        let pieces = |each: &[usize]| {
            let each = (1..).zip(each);
            let all: Vec<_> = each
                .flat_map(|(version, bytes)| leaves([version], *bytes))
                .collect();
            write(&mut Runs::default(), Codec::MessagePack, &all)
                .0
                .len()
        };
        assert_eq!(pieces(&[half, half]), 1);
        assert_eq!(pieces(&[half, half + 1]), 2);
        assert_eq!(pieces(&[10, 60_000, 10]), 3);
    }

    #[test]
    fn whoever_lacks_more_shares_what_others_lack_too() {
        let mut runs = Runs::default();
        let all = leaves(1..=1_000, 1_000);
        let (_, whole_bytes) = write(&mut runs, Codec::Json, &all);
        let own: Vec<_> = (1..1_000)
            .map(|since| write(&mut runs, Codec::Json, &all[since..]).1)
            .collect();
        let most = own.iter().max().expect("there are some");
        assert!(*most <= 2 * limits::COPIED_BYTES_MAX, "{most} bytes");
        let all_bytes: usize = own.iter().sum();
        assert!(all_bytes < 10 * whole_bytes, "{all_bytes} bytes in all");
    }

    #[test]
    fn a_change_is_all_that_is_encoded_anew() {
        let mut runs = Runs::default();
        let mut all = leaves(1..=2_000, 1_000);
        let (before, _) = write(&mut runs, Codec::MessagePack, &all);
        let changed = all.iter_mut().find(|leaf| leaf.version == Version(700));
        changed.expect("is there").version = Version(2_001);
        let (after, encoded) = write(&mut runs, Codec::MessagePack, &all);
        // Two stretches: the one that it left, and the newest.
        let stretch_bytes = 64 * 1_100;
        assert!(encoded < 2 * stretch_bytes, "{encoded} bytes");
        let places =
            |pieces: &[Bytes]| -> Vec<_> { pieces.iter().map(|piece| piece.as_ptr()).collect() };
        let (before, after) = (places(&before), places(&after));
        let shared = after.iter().filter(|place| before.contains(place)).count();
        assert!(shared + 12 > after.len(), "{shared} of {}", after.len());
    }

    #[test]
    fn runs_that_are_not_used_any_more_do_not_pile_up() {
        for bytes in [1_000, 10_000, 60_000] {
            let mut runs = Runs::default();
            let own = leaves([1], bytes);
            let (kept, _) = write(&mut runs, Codec::MessagePack, &own);
            for version in 2..2_000 {
                write(&mut runs, Codec::MessagePack, &leaves([version], bytes));
                let (again, encoded) = write(&mut runs, Codec::MessagePack, &own);
                assert_eq!((encoded, again[0].as_ptr()), (0, kept[0].as_ptr()));
                assert!(runs.bytes <= KEPT_BYTES_MIN, "{} bytes", runs.bytes);
            }
            let left: usize = runs.encoded.values().map(|run| run.bytes.len()).sum();
            assert_eq!(left, runs.bytes);
        }
    }

    #[test]
    fn as_many_resumes_are_kept_as_may_be_and_the_next_lets_the_others_go() {
        let mut runs = Runs::default();
        let all: Vec<_> = (1..=5)
            .map(|version| leaves([version], 1_000_000))
            .collect();
        for leaves in &all[..KEPT_RESUMES] {
            write(&mut runs, Codec::MessagePack, leaves);
        }
        assert_eq!((runs.encoded.len(), runs.sweeps), (4, 0));
        // Past it nothing goes yet that was used since the last time.
        write(&mut runs, Codec::MessagePack, &all[4]);
        assert_eq!((runs.encoded.len(), runs.sweeps), (5, 1));
        write(&mut runs, Codec::MessagePack, &all[4]);
        assert_eq!((runs.encoded.len(), runs.sweeps), (1, 2));
    }
}
