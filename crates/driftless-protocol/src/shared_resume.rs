//! A resume in pieces. What it says of the board is the same for everybody who lacks the same, and
//! is encoded once for all of them; what it says of one client's edits is a small head before that.
//!
//! The pieces in this order are the frame of the whole message, byte by byte: head, opening, the
//! records with a separator between each two, closing.

use driftless_model::Version;

use crate::codec::Codec;
use crate::message::{ChangedLeaf, RemovedRecord, Resume, ServerMessage, WholeRecord};

/// The head: everything but `removed`, `records` and `leaves`, which are taken as empty.
pub fn head(codec: Codec, resume: &Resume) -> Vec<u8> {
    let bare = Resume {
        board: resume.board.clone(),
        cursor: resume.cursor,
        full: resume.full,
        diverged: resume.diverged,
        floor: resume.floor,
        last_seq: resume.last_seq,
        last_id: resume.last_id,
        outcomes: resume.outcomes.clone(),
        removed: Vec::new(),
        records: Vec::new(),
        leaves: Vec::new(),
    };
    let mut bytes = codec.encode_server(&ServerMessage::Resume(Box::new(bare)));
    let news = [opening(codec, &[], 0), closing(codec, &[])].concat();
    assert!(bytes.ends_with(&news), "the news is the end of a resume");
    bytes.truncate(bytes.len() - news.len());
    bytes
}

/// What comes before so many records: `removed`, and the beginning of `records`.
pub fn opening(codec: Codec, removed: &[RemovedRecord], records: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    match codec {
        Codec::Json => {
            bytes.extend(b"\"removed\":");
            bytes.extend(codec.encode(&removed));
            bytes.extend(b",\"records\":[");
        }
        Codec::MessagePack => {
            bytes.extend(codec.encode(&"removed"));
            bytes.extend(codec.encode(&removed));
            bytes.extend(codec.encode(&"records"));
            bytes.extend(list_start(records));
        }
    }
    bytes
}

/// One record.
pub fn record(codec: Codec, record: &WholeRecord) -> Vec<u8> {
    codec.encode(record)
}

/// The newest version in a record. Within one history of a board, a record with the same one is the
/// same.
pub fn newest(record: &WholeRecord) -> Version {
    let cells = record.leaves.values().map(|cell| cell.version);
    cells.fold(record.created, Version::max)
}

/// What lies between two records.
pub fn separator(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Json => b",",
        Codec::MessagePack => b"",
    }
}

/// What comes after the records: `leaves`, and the end of the message.
pub fn closing(codec: Codec, leaves: &[ChangedLeaf]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match codec {
        Codec::Json => {
            bytes.extend(b"],\"leaves\":");
            bytes.extend(codec.encode(&leaves));
            bytes.extend(b"}}");
        }
        Codec::MessagePack => {
            bytes.extend(codec.encode(&"leaves"));
            bytes.extend(codec.encode(&leaves));
        }
    }
    bytes
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
        let records: Vec<_> = resume
            .records
            .iter()
            .map(|own| record(codec, own))
            .collect();
        let pieces = [
            head(codec, resume),
            opening(codec, &resume.removed, resume.records.len()),
            records.join(separator(codec)),
            closing(codec, &resume.leaves),
        ];
        pieces.concat()
    }

    #[test]
    fn the_pieces_of_a_resume_are_the_whole_message() {
        // One more than a short list of each size in MessagePack has.
        for count in [0, 1, 2, 15, 16, 65_536] {
            for last_id in [None, resume_with_everything().last_id] {
                let mut resume = resume_with_everything();
                resume.last_id = last_id;
                resume.records = (0..count).map(whole_record).collect();
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
        assert_eq!(newest(&record), Version(9));
        record.created = Version(10);
        assert_eq!(newest(&record), Version(10));
    }
}
