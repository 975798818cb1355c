//! What replicas lack of a board, encoded once for all who lack the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use driftless_model::{RecordId, Version, limits};
#[cfg(any(test, feature = "host-metrics"))]
use driftless_protocol::ServerMessage;
use driftless_protocol::message::{Resume, WholeRecord};
use driftless_protocol::{Codec, shared_resume};
use driftless_sync::room::{Delta, SharedResume};

use crate::hub::outbound::Outbound;
use crate::metrics::Metrics;

/// The records of a board as they were encoded last. Two versions of a board share those that are
/// the same in both.
#[derive(Debug, Default)]
pub struct Records {
    encoded: Mutex<HashMap<(RecordId, Codec), (Version, Bytes)>>,
}

impl Records {
    fn encode(&self, codec: Codec, record: &WholeRecord) -> Bytes {
        let newest = shared_resume::newest(record);
        let key = (record.record.clone(), codec);
        // Nothing panics while it is held but the encoder, which keeps nothing half done.
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        match encoded.get(&key) {
            Some((version, bytes)) if *version == newest => bytes.clone(),
            _ => {
                // Records that are no more stay until all are let go.
                if encoded.len() >= 2 * Codec::ALL.len() * limits::RECORDS_PER_BOARD_MAX {
                    encoded.clear();
                }
                let bytes = Bytes::from(shared_resume::record(codec, record));
                encoded.insert(key, (newest, bytes.clone()));
                bytes
            }
        }
    }
}

/// What replicas lack that stand at the same version.
#[derive(Debug)]
pub struct News {
    delta: Arc<Delta>,
    records: Arc<Records>,
    metrics: Arc<Metrics>,
    /// By [`Codec::ALL`].
    encoded: [OnceLock<Pieces>; Codec::ALL.len()],
}

#[derive(Debug)]
struct Pieces {
    pieces: Arc<[Bytes]>,
    bytes: usize,
}

impl News {
    /// The frame of a resume with these news.
    pub fn frame(&self, codec: Codec, head: &Resume) -> Outbound {
        let own = shared_resume::head(codec, head);
        let encoded = self.encoded[codec as usize].get_or_init(|| self.encode(codec));
        if encoded.bytes <= limits::COPIED_BYTES_MAX {
            return Outbound::joined(codec, own, &encoded.pieces);
        }
        Outbound::shared(codec, &own, encoded.pieces.clone(), encoded.bytes)
    }

    /// The message of a resume with these news.
    #[cfg(any(test, feature = "host-metrics"))]
    pub fn message(&self, head: &Resume) -> ServerMessage {
        let resume = SharedResume {
            head: Box::new(head.clone()),
            news: self.delta.clone(),
        };
        resume.message()
    }

    fn encode(&self, codec: Codec) -> Pieces {
        self.metrics.resume_encodings.inc();
        let Delta {
            removed,
            records,
            leaves,
        } = &*self.delta;
        let separator = shared_resume::separator(codec);
        let mut pieces = Vec::with_capacity(2 * records.len() + 2);
        pieces.push(shared_resume::opening(codec, removed, records.len()).into());
        for (place, record) in records.iter().enumerate() {
            if place > 0 && !separator.is_empty() {
                pieces.push(Bytes::from_static(separator));
            }
            pieces.push(self.records.encode(codec, record));
        }
        pieces.push(shared_resume::closing(codec, leaves).into());
        let bytes = pieces.iter().map(Bytes::len).sum();
        let pieces = pieces.into();
        Pieces { pieces, bytes }
    }
}

/// The news of a board that are in use. Kept while its room is asked for them again and again, so
/// that a thousand replicas one after another cost one encoding.
#[derive(Debug)]
pub struct Newsroom {
    metrics: Arc<Metrics>,
    records: Arc<Records>,
    kept: Vec<Arc<News>>,
    /// Whether records may be encoded, though no news are kept.
    is_used: bool,
}

impl Newsroom {
    /// Nothing encoded yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            records: Arc::default(),
            kept: Vec::new(),
            is_used: false,
        }
    }

    /// The news of a resume.
    pub fn news(&mut self, resume: &SharedResume) -> Arc<News> {
        self.is_used = true;
        let is_it = |news: &&Arc<News>| Arc::ptr_eq(&news.delta, &resume.news);
        if let Some(news) = self.kept.iter().find(is_it) {
            return news.clone();
        }
        let news = Arc::new(News {
            delta: resume.news.clone(),
            records: self.records.clone(),
            metrics: self.metrics.clone(),
            encoded: Default::default(),
        });
        if self.kept.len() >= limits::NEWS_KEPT_MAX {
            self.kept.remove(0);
        }
        self.kept.push(news.clone());
        news
    }

    /// Whether nothing is kept, no encoded record either.
    pub fn is_empty(&self) -> bool {
        !self.is_used
    }

    /// The board changed: nobody lacks the same any more. Records that did not change stay.
    pub fn outdate(&mut self) {
        self.kept.clear();
    }

    /// Keeps nothing. Who has hold of something goes on with it.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.records = Arc::default();
        self.is_used = false;
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{BoardId, Cell, Cursor, KindName, LeafPath, UserId, Value};
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

    fn cell(bytes: usize, version: u64) -> Cell {
        Cell {
            value: Some(Value::from("x".repeat(bytes).as_str())),
            version: Version(version),
            author: UserId::new("Ann").expect("a user"),
        }
    }

    fn leaf() -> LeafPath {
        LeafPath::new("options/text").expect("a path")
    }

    fn record(number: usize, bytes: usize, version: u64) -> WholeRecord {
        WholeRecord {
            record: RecordId::new(format!("r{number}")).expect("an id"),
            kind: KindName::new("chart").expect("a kind"),
            created: Version(1),
            leaves: [(leaf(), cell(bytes, version))].into(),
        }
    }

    fn resume(records: Vec<WholeRecord>) -> SharedResume {
        let head = Resume {
            board: BoardId::new("home").expect("an id"),
            cursor: Cursor::default(),
            full: true,
            diverged: false,
            floor: Version(0),
            last_seq: 0,
            last_id: None,
            outcomes: vec![],
            removed: vec![],
            records: vec![],
            leaves: vec![],
        };
        let news = Delta {
            records,
            ..Delta::default()
        };
        SharedResume {
            head: Box::new(head),
            news: Arc::new(news),
        }
    }

    fn newsroom() -> Newsroom {
        Newsroom::new(Arc::new(Metrics::new()))
    }

    fn shared(outbound: Outbound) -> Arc<[Bytes]> {
        match outbound {
            Outbound::Shared(frame) => frame.shared,
            Outbound::Frame(frame) => panic!("copied: {} bytes", frame.len()),
        }
    }

    #[test]
    fn as_much_as_may_be_copied_is_one_frame_and_one_byte_more_is_shared() {
        for codec in Codec::ALL {
            let bytes_of = |resume: &SharedResume| {
                let frame = newsroom().news(resume).frame(codec, &resume.head);
                let head = shared_resume::head(codec, &resume.head).len();
                (frame.payload_bytes() - head, frame)
            };
            let (small, _) = bytes_of(&resume(vec![record(1, 1_000, 1)]));
            let text = 1_000 + limits::COPIED_BYTES_MAX - small;
            let at_bound = resume(vec![record(1, text, 1)]);
            let (bytes, frame) = bytes_of(&at_bound);
            assert_eq!(bytes, limits::COPIED_BYTES_MAX);
            let Outbound::Frame(Message::Text(_) | Message::Binary(_)) = &frame else {
                panic!("shared: {} bytes", frame.payload_bytes());
            };
            let past_it = resume(vec![record(1, text + 1, 1)]);
            let (bytes, frame) = bytes_of(&past_it);
            assert_eq!(bytes, limits::COPIED_BYTES_MAX + 1);
            let pieces = shared(frame);
            assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), bytes);
        }
    }

    #[test]
    fn two_versions_of_a_board_share_the_records_that_did_not_change() {
        let mut newsroom = newsroom();
        let mut records: Vec<_> = (0..10).map(|number| record(number, 5_000, 2)).collect();
        let before = resume(records.clone());
        records[4] = record(4, 5_000, 3);
        let after = resume(records);
        for codec in Codec::ALL {
            let mut pieces = [&before, &after].map(|resume| {
                newsroom.outdate();
                shared(newsroom.news(resume).frame(codec, &resume.head)).to_vec()
            });
            for own in &mut pieces {
                own.retain(|piece| piece.len() > 5_000);
            }
            let [before, after] = pieces;
            assert_eq!((before.len(), after.len()), (10, 10));
            for (place, (before, after)) in before.iter().zip(&after).enumerate() {
                let is_same = before.as_ptr() == after.as_ptr();
                assert_eq!(is_same, place != 4, "record {place} in {codec:?}");
            }
        }
    }

    #[test]
    fn a_room_keeps_as_many_news_as_it_may_and_not_one_more() {
        let mut newsroom = newsroom();
        let resumes: Vec<_> = (0..=limits::NEWS_KEPT_MAX)
            .map(|number| resume(vec![record(number, 10, 1)]))
            .collect();
        let news: Vec<_> = resumes
            .iter()
            .take(limits::NEWS_KEPT_MAX)
            .map(|resume| newsroom.news(resume))
            .collect();
        assert!(Arc::ptr_eq(&news[0], &newsroom.news(&resumes[0])));
        newsroom.news(&resumes[limits::NEWS_KEPT_MAX]);
        assert!(!Arc::ptr_eq(&news[0], &newsroom.news(&resumes[0])));
        newsroom.clear();
        assert!(newsroom.is_empty());
    }

    #[test]
    fn records_of_a_board_that_changed_are_kept_until_they_are_let_go() {
        let mut newsroom = newsroom();
        assert!(newsroom.is_empty());
        newsroom.news(&resume(vec![record(1, 10, 1)]));
        newsroom.outdate();
        assert!(!newsroom.is_empty());
        newsroom.clear();
        assert!(newsroom.is_empty());
    }

    #[test]
    fn records_that_are_no_more_do_not_pile_up() {
        let records = Records::default();
        let limit = 2 * Codec::ALL.len() * limits::RECORDS_PER_BOARD_MAX;
        for number in 0..=limit {
            records.encode(Codec::Json, &record(number, 1, 1));
        }
        assert_eq!(records.encoded.lock().expect("not poisoned").len(), 1);
    }
}
