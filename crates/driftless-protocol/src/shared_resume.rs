//! A resume in pieces. What it says of one client's edits is a small head; what it says of the
//! board comes after that, item by item, so that resumes share the bytes of what they have in
//! common.
//!
//! The pieces in this order are the frame of the whole message, byte by byte: head; for each of the
//! [`List`]s its start and its items; end.

use driftless_model::{Cell, LeafPath, RecordId, Value, Version};

use crate::codec::Codec;
use crate::message::{ChangedLeaf, RemovedRecord, Resume, ServerMessage, WholeRecord};

/// One of the lists in which a resume says what its reader lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// Records that are no more.
    Removed,
    /// Records created, whole.
    Records,
    /// Leaves of other records.
    Leaves,
}

/// One thing in a list.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// Of [`List::Removed`].
    Removed(&'a RemovedRecord),
    /// Of [`List::Records`].
    Record(&'a WholeRecord),
    /// Of [`List::Leaves`].
    Leaf(&'a ChangedLeaf),
}

/// What an item weighs beside its values, in bytes: ids, names, versions.
const ENVELOPE_BYTES: usize = 64;

impl List {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Removed, Self::Records, Self::Leaves];

    fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Records => "records",
            Self::Leaves => "leaves",
        }
    }
}

impl<'a> Item<'a> {
    /// The record that it is about.
    pub fn record(self) -> &'a RecordId {
        match self {
            Self::Removed(removed) => &removed.record,
            Self::Record(whole) => &whole.record,
            Self::Leaf(changed) => &changed.record,
        }
    }

    /// The leaf that it is about, where it is about one.
    pub fn leaf(self) -> Option<&'a LeafPath> {
        match self {
            Self::Leaf(changed) => Some(&changed.leaf),
            Self::Removed(_) | Self::Record(_) => None,
        }
    }

    /// The newest version in it. Within one history of a board, an item of the same list about the
    /// same with the same one is the same.
    pub fn newest(self) -> Version {
        match self {
            Self::Removed(removed) => removed.version,
            Self::Leaf(changed) => changed.version,
            Self::Record(whole) => {
                let cells = whole.leaves.values().map(|cell| cell.version);
                cells.fold(whole.created, Version::max)
            }
        }
    }

    /// About how many bytes it takes encoded.
    pub fn weight_bytes(self) -> usize {
        let cell = |leaf: &LeafPath, value: Option<&Value>| {
            ENVELOPE_BYTES + leaf.as_str().len() + value.map_or(0, Value::weight_bytes)
        };
        match self {
            Self::Removed(_) => ENVELOPE_BYTES,
            Self::Leaf(changed) => cell(&changed.leaf, changed.value.as_ref()),
            Self::Record(whole) => {
                let own = |(leaf, has): (&LeafPath, &Cell)| cell(leaf, has.value.as_ref());
                ENVELOPE_BYTES + whole.leaves.iter().map(own).sum::<usize>()
            }
        }
    }
}

/// The head: everything but `removed`, `records` and `leaves`, which are taken as empty.
pub fn head(codec: Codec, resume: &Resume) -> Vec<u8> {
    let bare = Resume {
        board: resume.board.clone(),
        cursor: resume.cursor,
        full: resume.full,
        diverged: resume.diverged,
        since: resume.since,
        floor: resume.floor,
        last_seq: resume.last_seq,
        last_id: resume.last_id,
        outcomes: resume.outcomes.clone(),
        removed: Vec::new(),
        records: Vec::new(),
        leaves: Vec::new(),
    };
    let mut bytes = codec.encode_server(&ServerMessage::Resume(Box::new(bare)));
    let starts = List::ALL.map(|list| start(codec, list, 0));
    let news = [&starts.concat(), end(codec)].concat();
    assert!(bytes.ends_with(&news), "the news is the end of a resume");
    bytes.truncate(bytes.len() - news.len());
    bytes
}

/// What comes before so many items of a list: the end of the list before it, and its name.
pub fn start(codec: Codec, list: List, count: usize) -> Vec<u8> {
    match codec {
        Codec::Json => {
            let before = if list == List::Removed { "" } else { "]," };
            format!("{before}\"{}\":[", list.name()).into_bytes()
        }
        Codec::MessagePack => [codec.encode(&list.name()), list_start(count)].concat(),
    }
}

/// Items of a list, each with the [`separator`] before it. The first of a list goes without.
pub fn items(codec: Codec, items: &[Item<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        bytes.extend(separator(codec));
        bytes.extend(match item {
            Item::Removed(removed) => codec.encode(removed),
            Item::Record(whole) => codec.encode(whole),
            Item::Leaf(changed) => codec.encode(changed),
        });
    }
    bytes
}

/// What lies between two items.
pub fn separator(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Json => b",",
        Codec::MessagePack => b"",
    }
}

/// What comes after the last list: the end of the message.
pub fn end(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Json => b"]}}",
        Codec::MessagePack => b"",
    }
}

/// The start of a list of so many in `MessagePack`.
fn list_start(count: usize) -> Vec<u8> {
    use rmp_serde::encode::Serializer;
    use serde::Serializer as _;
    let mut bytes = Vec::new();
    let mut serializer = Serializer::new(&mut bytes);
    // Nothing is written at the end of a list, so what is there is the start.
    let list = serializer.serialize_seq(Some(count));
    drop(list.expect("memory takes everything"));
    bytes
}

#[cfg(test)]
mod tests {
    use driftless_model::{Cell, KindName, LeafPath, RecordId, UserId, Value};

    use super::*;
    use crate::golden::resume_with_everything;

    fn whole_record(number: usize) -> WholeRecord {
        let cell = |version| Cell {
            value: Some(Value::from("a title")),
            version: Version(version),
            author: UserId::new("Ann").expect("a user"),
        };
        let leaf = |name: &str| LeafPath::new(name).expect("a path");
        WholeRecord {
            record: RecordId::new(format!("r{number}")).expect("an id"),
            kind: KindName::new("chart").expect("a kind"),
            created: Version(2),
            leaves: [(leaf("title"), cell(9)), (leaf("unit"), cell(3))].into(),
        }
    }

    fn in_pieces(codec: Codec, resume: &Resume) -> Vec<u8> {
        let mut bytes = head(codec, resume);
        for list in List::ALL {
            let all: Vec<_> = match list {
                List::Removed => resume.removed.iter().map(Item::Removed).collect(),
                List::Records => resume.records.iter().map(Item::Record).collect(),
                List::Leaves => resume.leaves.iter().map(Item::Leaf).collect(),
            };
            bytes.extend(start(codec, list, all.len()));
            let skipped = if all.is_empty() {
                0
            } else {
                separator(codec).len()
            };
            bytes.extend(&items(codec, &all)[skipped..]);
        }
        bytes.extend(end(codec));
        bytes
    }

    #[test]
    fn the_pieces_of_a_resume_are_the_whole_message() {
        // One more than a short list of each size in MessagePack has.
        for count in [0, 1, 2, 15, 16, 65_536] {
            for last_id in [None, resume_with_everything().last_id] {
                let mut resume = resume_with_everything();
                resume.last_id = last_id;
                resume.records = (0..count).map(whole_record).collect();
                resume.removed = vec![resume.removed[0].clone(); count];
                resume.leaves = vec![resume.leaves[0].clone(); count];
                for codec in Codec::ALL {
                    let whole = ServerMessage::Resume(Box::new(resume.clone()));
                    let is_same = in_pieces(codec, &resume) == codec.encode_server(&whole);
                    assert!(is_same, "{count} records in {codec:?}");
                }
            }
        }
    }

    #[test]
    fn a_records_newest_version_is_of_its_creation_or_of_a_leaf() {
        let mut record = whole_record(1);
        assert_eq!(Item::Record(&record).newest(), Version(9));
        record.created = Version(10);
        assert_eq!(Item::Record(&record).newest(), Version(10));
    }

    #[test]
    fn an_item_weighs_about_what_it_takes() {
        let mut record = whole_record(1);
        let title = LeafPath::new("title").expect("a path");
        let text = Value::from("x".repeat(9_000).as_str());
        let cell = record.leaves.get_mut(&title).expect("has one");
        cell.value = Some(text.clone());
        let mut changed = resume_with_everything().leaves[0].clone();
        changed.value = Some(text);
        for item in [Item::Record(&record), Item::Leaf(&changed)] {
            for codec in Codec::ALL {
                let bytes = items(codec, &[item]).len();
                assert!(item.weight_bytes().abs_diff(bytes) < 500, "{bytes} bytes");
            }
        }
    }
}
