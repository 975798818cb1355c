//! What replicas lack of a board, encoded once for all who lack the same, and in runs that those
//! share who lack more or less.

use std::sync::Arc;

use bytes::Bytes;
use driftless_model::limits;
use driftless_protocol::Codec;
#[cfg(any(test, feature = "host-metrics"))]
use driftless_protocol::ServerMessage;
use driftless_protocol::message::Resume;
use driftless_protocol::shared_resume::{self, Item, List};
use driftless_sync::room::{Delta, SharedResume};

use crate::hub::outbound::Outbound;
use crate::hub::runs::Runs;
use crate::metrics::Metrics;

/// What replicas lack that stand at the same version, encoded. So a connection that does not read
/// holds on to bytes that it shares with others, and never to values of its own.
#[derive(Debug)]
pub struct News {
    codec: Codec,
    pieces: Arc<[Bytes]>,
    bytes: usize,
}

impl News {
    /// The frame of a resume with these news.
    pub fn frame(&self, head: &Resume) -> Outbound {
        let own = shared_resume::head(self.codec, head);
        if self.bytes <= limits::COPIED_BYTES_MAX {
            return Outbound::joined(self.codec, own, &self.pieces);
        }
        Outbound::shared(self.codec, &own, self.pieces.clone(), self.bytes)
    }

    /// The message of a resume with these news.
    #[cfg(any(test, feature = "host-metrics"))]
    pub fn message(&self, head: &Resume) -> ServerMessage {
        let own = shared_resume::head(self.codec, head);
        let message = [own, self.pieces.concat()].concat();
        let decoded = self.codec.decode_server(&message);
        decoded.expect("what was encoded can be read")
    }
}

/// The news of a board that are in use. Kept while its room is asked for them again and again, so
/// that a thousand replicas one after another cost one encoding.
#[derive(Debug)]
pub struct Newsroom {
    metrics: Arc<Metrics>,
    runs: Runs,
    kept: Vec<Kept>,
    /// Whether something may be encoded, though no news are kept.
    is_used: bool,
}

/// What was asked for since the board changed last.
#[derive(Debug)]
struct Kept {
    delta: Arc<Delta>,
    /// By [`Codec::ALL`].
    encoded: [Option<Arc<News>>; Codec::ALL.len()],
}

impl Newsroom {
    /// Nothing encoded yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            runs: Runs::default(),
            kept: Vec::new(),
            is_used: false,
        }
    }

    /// The news of a resume, for a connection that speaks like this.
    pub fn news(&mut self, codec: Codec, resume: &SharedResume) -> Arc<News> {
        self.is_used = true;
        let place = self.keep(&resume.news);
        if let Some(news) = &self.kept[place].encoded[codec as usize] {
            return news.clone();
        }
        let news = Arc::new(self.encode(codec, &resume.news));
        self.kept[place].encoded[codec as usize] = Some(news.clone());
        news
    }

    /// Where this is kept.
    fn keep(&mut self, delta: &Arc<Delta>) -> usize {
        let is_it = |kept: &Kept| Arc::ptr_eq(&kept.delta, delta);
        if let Some(place) = self.kept.iter().position(is_it) {
            return place;
        }
        if self.kept.len() >= limits::NEWS_KEPT_MAX {
            self.kept.remove(0);
        }
        self.kept.push(Kept {
            delta: delta.clone(),
            encoded: Default::default(),
        });
        self.kept.len() - 1
    }

    fn encode(&mut self, codec: Codec, delta: &Delta) -> News {
        let mut pieces = Vec::new();
        let mut encoded_bytes = 0;
        for list in List::ALL {
            let items: Vec<_> = match list {
                List::Removed => delta.removed.iter().map(Item::Removed).collect(),
                List::Records => delta.records.iter().map(Item::Record).collect(),
                List::Leaves => delta.leaves.iter().map(Item::Leaf).collect(),
            };
            let start = shared_resume::start(codec, list, items.len());
            pieces.push(start.into());
            encoded_bytes += self.runs.write(codec, list, items, &mut pieces);
        }
        pieces.push(Bytes::from_static(shared_resume::end(codec)));
        self.metrics.encoded_for_resumes(encoded_bytes);
        let bytes = pieces.iter().map(Bytes::len).sum();
        self.runs.sweep(bytes);
        News {
            codec,
            pieces: pieces.into(),
            bytes,
        }
    }

    /// Whether nothing is kept, no encoded run either.
    pub fn is_empty(&self) -> bool {
        !self.is_used
    }

    /// The board changed: nobody lacks the same any more. Runs of what did not change stay.
    pub fn outdate(&mut self) {
        self.kept.clear();
    }

    /// Keeps nothing. Who has hold of something goes on with it.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.runs = Runs::default();
        self.is_used = false;
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{
        BoardId, Cell, Cursor, KindName, LeafPath, RecordId, UserId, Value, Version,
    };
    use driftless_protocol::message::WholeRecord;
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
            since: None,
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
                let frame = newsroom().news(codec, resume).frame(&resume.head);
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
        let mut records: Vec<_> = (0..10).map(|number| record(number, 50_000, 2)).collect();
        let before = resume(records.clone());
        records[4] = record(4, 50_000, 3);
        let after = resume(records);
        for codec in Codec::ALL {
            let mut pieces = [&before, &after].map(|resume| {
                newsroom.outdate();
                shared(newsroom.news(codec, resume).frame(&resume.head)).to_vec()
            });
            for own in &mut pieces {
                own.retain(|piece| piece.len() > 50_000);
            }
            let [before, after] = pieces;
            assert_eq!((before.len(), after.len()), (10, 10));
            // The first of a list goes without its separator.
            let end = |piece: &Bytes| piece.as_ptr_range().end;
            let is_shared = |piece: &&Bytes| before.iter().any(|own| end(own) == end(piece));
            assert_eq!(after.iter().filter(is_shared).count(), 9, "in {codec:?}");
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
            .map(|resume| newsroom.news(Codec::Json, resume))
            .collect();
        assert!(Arc::ptr_eq(
            &news[0],
            &newsroom.news(Codec::Json, &resumes[0])
        ));
        newsroom.news(Codec::Json, &resumes[limits::NEWS_KEPT_MAX]);
        assert!(!Arc::ptr_eq(
            &news[0],
            &newsroom.news(Codec::Json, &resumes[0])
        ));
        newsroom.clear();
        assert!(newsroom.is_empty());
    }

    #[test]
    fn records_of_a_board_that_changed_are_kept_until_they_are_let_go() {
        let mut newsroom = newsroom();
        assert!(newsroom.is_empty());
        newsroom.news(Codec::Json, &resume(vec![record(1, 10, 1)]));
        newsroom.outdate();
        assert!(!newsroom.is_empty());
        newsroom.clear();
        assert!(newsroom.is_empty());
    }
}
