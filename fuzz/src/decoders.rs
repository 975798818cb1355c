//! The decoders: any bytes are read or refused; what is read survives being written and read again,
//! in either encoding.

use driftless_feeds::selector::series_name;
use driftless_feeds::{Matching, Selector, Window};
use driftless_model::layout::{Item, Place, arrange};
use driftless_model::{
    BoardId, BoardState, Change, Check, EditId, Effect, KindName, LeafPath, RecordId, Schema,
    UserId, Value, Version, effects, limits, staleness,
};
use driftless_protocol::durable::{LedgerRow, Row, from_text, to_text};
use driftless_protocol::feed::{pack, unpack};
use driftless_protocol::message::Settled;
use driftless_protocol::push::{Precision, PushFormat};
use driftless_protocol::samples::{
    Sample, pack_rollups, pack_samples, unpack_rollups, unpack_samples,
};
use driftless_protocol::tab::TabMessage;
use driftless_protocol::{ClientMessage, Codec, Packed, Payload, Query, ServerMessage};

use crate::content;
use crate::messages;
use crate::source::Source;

fn keeps_client(message: &ClientMessage) {
    for codec in Codec::ALL {
        let bytes = codec.encode_client(message);
        assert_eq!(
            codec.decode_client(&bytes).as_ref(),
            Ok(message),
            "{codec:?}"
        );
    }
}

fn keeps_server(message: &ServerMessage) {
    for codec in Codec::ALL {
        let bytes = codec.encode_server(message);
        assert_eq!(
            codec.decode_server(&bytes).as_ref(),
            Ok(message),
            "{codec:?}"
        );
    }
}

fn client(codec: Codec, bytes: &[u8]) {
    if let Ok(message) = codec.decode_client(bytes) {
        keeps_client(&message);
    }
}

fn server(codec: Codec, bytes: &[u8]) {
    if let Ok(message) = codec.decode_server(bytes) {
        keeps_server(&message);
    }
}

/// A client's frame in JSON.
pub fn client_json(bytes: &[u8]) {
    client(Codec::Json, bytes);
}

/// A client's frame in `MessagePack`.
pub fn client_msgpack(bytes: &[u8]) {
    client(Codec::MessagePack, bytes);
}

/// A server's frame in JSON.
pub fn server_json(bytes: &[u8]) {
    server(Codec::Json, bytes);
}

/// A server's frame in `MessagePack`.
pub fn server_msgpack(bytes: &[u8]) {
    server(Codec::MessagePack, bytes);
}

/// Any well formed message of a client means the same in both encodings.
pub fn client_message(bytes: &[u8]) {
    keeps_client(&messages::client(&mut Source::new(bytes)));
}

/// Any well formed message of a server means the same in both encodings.
pub fn server_message(bytes: &[u8]) {
    keeps_server(&messages::server(&mut Source::new(bytes)));
}

/// What one tab tells another.
pub fn tab_message(bytes: &[u8]) {
    if let Ok(message) = TabMessage::decode(bytes) {
        let again = TabMessage::decode(&message.encode());
        assert_eq!(again.as_ref(), Ok(&message));
    }
}

/// The payload of an edit: opened, validated, judged and applied.
pub fn payload(bytes: &[u8]) {
    let Ok(edit) = Payload::from_text(String::from_utf8_lossy(bytes)).open() else {
        return;
    };
    if let Ok(sealed) = Payload::seal(&edit) {
        assert_eq!(sealed.open().as_ref(), Ok(&edit));
    }
    let schema = Schema::builtin();
    let mut board = BoardState::default();
    let kind_of = |_: &RecordId| None;
    let is_valid = schema.validate(&edit, kind_of).is_ok();
    assert!(!is_valid || edit.changes.len() <= limits::CHANGES_PER_EDIT_MAX);
    let author = UserId::new("Ann").expect("a user");
    let before = effects(&edit.changes, &[]);
    board.apply(&before, Version(1), &author);
    let _ = staleness::judge(&board, &schema, &edit);
    assert!(board.records.len() <= edit.changes.len());
}

/// A stored row of a replica.
pub fn row(bytes: &[u8]) {
    if let Ok(row) = Row::decode(bytes) {
        let again = Row::decode(&row.encode()).expect("what was written is read");
        assert_eq!(again, row);
        assert_eq!(again.key().to_string(), row.key().to_string());
    }
}

/// The text columns of a server's store.
pub fn columns(bytes: &[u8]) {
    fn keeps<T>(text: &str)
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        if let Ok(value) = from_text::<T>(text) {
            assert_eq!(from_text::<T>(&to_text(&value)).as_ref(), Ok(&value));
        }
    }
    let text = String::from_utf8_lossy(bytes);
    keeps::<Value>(&text);
    keeps::<Vec<Effect>>(&text);
    keeps::<Vec<Settled>>(&text);
    keeps::<LedgerRow>(&text);
}

/// Packed samples.
pub fn packed(bytes: &[u8]) {
    let packed = Packed(bytes.to_vec());
    if let Ok(runs) = unpack(&packed) {
        assert_eq!(pack(&runs), packed);
    }
}

/// Packed history, of samples and of what they come to.
pub fn chunks(bytes: &[u8]) {
    if let Ok(samples) = unpack_samples(bytes) {
        let again = unpack_samples(&pack_samples(&samples)).expect("can be read");
        let bits = |samples: &[Sample]| {
            let samples = samples.iter();
            let bits = samples.map(|sample| (sample.time_ms, sample.value.to_bits()));
            bits.collect::<Vec<_>>()
        };
        assert_eq!(bits(&again), bits(&samples));
    }
    if let Ok(rollups) = unpack_rollups(bytes) {
        let packed = pack_rollups(&rollups);
        let again = unpack_rollups(&packed).expect("can be read");
        assert_eq!(pack_rollups(&again), packed);
    }
}

fn pushed(bytes: &[u8], format: PushFormat) {
    const SAMPLES_MAX: usize = 20;
    match format.read(bytes, SAMPLES_MAX) {
        Ok(samples) => {
            assert!(samples.len() <= SAMPLES_MAX);
            assert!(samples.iter().all(|sample| sample.line > 0));
        }
        Err(error) => assert_ne!(error.line(), Some(0), "{error}"),
    }
}

/// Samples pushed in JSON.
pub fn push_json(bytes: &[u8]) {
    pushed(bytes, PushFormat::Json);
}

/// Samples pushed in the line protocol of `InfluxDB`.
pub fn push_influx(bytes: &[u8]) {
    pushed(bytes, PushFormat::Influx(Precision::Milliseconds));
}

/// Samples pushed in the text format of Prometheus.
pub fn push_prometheus(bytes: &[u8]) {
    pushed(bytes, PushFormat::Prometheus);
}

/// A selector, and a query with it.
pub fn selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Selector::parse(&text) {
        Ok(selector) => drop(Matching::new(&selector)),
        Err(error) => assert!(error.at() <= text.len(), "{error}"),
    }
    if let Ok(name) = series_name(&text) {
        let selector = Selector::parse(&text).expect("a name is a selector");
        let matching = Matching::new(&selector).expect("a name has no patterns");
        assert!(matching.matches(&name), "{text:?} does not select itself");
        assert_eq!(matching.group_of(&name), name);
    }
    let mut source = Source::new(bytes);
    let query = Query {
        selector: text.into_owned(),
        ..messages::query(&mut source)
    };
    if let Ok(window) = Window::new(&query) {
        let now_ms = source.wide();
        let buckets = window.at(now_ms);
        let count = buckets.end() - buckets.start() + 1;
        assert!(
            count <= limits::BUCKETS_PER_QUERY_MAX as u64 + 1,
            "{count} buckets"
        );
    }
}

/// A value in both encodings, and what is made of values.
pub fn value(bytes: &[u8]) {
    let read = [
        serde_json::from_slice::<Value>(bytes).ok(),
        rmp_serde::from_slice::<Value>(bytes).ok(),
    ];
    for value in read.into_iter().flatten() {
        let json = serde_json::to_vec(&value).expect("can be written");
        assert!(value.weight_bytes() > value.depth());
        // JSON is read to a depth of 128, which is more than any valid value has.
        if value.depth() <= limits::VALUE_DEPTH_MAX {
            let again: Value = serde_json::from_slice(&json).expect("can be read");
            assert_eq!(again, value);
        }
        let packed = rmp_serde::to_vec(&value).expect("can be written");
        assert_eq!(
            rmp_serde::from_slice::<Value>(&packed).ok(),
            Some(value.clone())
        );
        if let Some(place) = Place::from_value(&value) {
            assert_eq!(Place::from_value(&place.to_value()), Some(place));
            let item = Item {
                id: 0,
                place,
                is_pinned: false,
            };
            assert_eq!(arrange(&[item], 12).len(), 1);
        }
    }
}

/// Names and ids: whatever is taken is written as it was read.
pub fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.as_ref();
    let is_id = BoardId::new(text).is_ok();
    assert_eq!(is_id, RecordId::new(text).is_ok());
    assert_eq!(is_id, KindName::new(text).is_ok());
    assert!(!is_id || text.len() <= limits::ID_BYTES_MAX);
    if let Ok(path) = LeafPath::new(text) {
        assert_eq!(path.as_str(), text);
        assert!(text.len() <= limits::PATH_BYTES_MAX);
        assert!(text.split('/').all(|segment| BoardId::new(segment).is_ok()));
        let _ = Schema::builtin().rule(&content::kind(&mut Source::new(&[])), &path);
    }
    if let Ok(user) = UserId::new(text) {
        assert!(
            user.as_str().len() <= limits::USER_BYTES_MAX,
            "{} bytes",
            user.as_str().len()
        );
    }
    if let Ok(id) = text.parse::<EditId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(check) = serde_json::from_slice::<Check>(bytes) {
        let again = serde_json::to_vec(&check).expect("can be written");
        assert_eq!(serde_json::from_slice::<Check>(&again).ok(), Some(check));
    }
    if let Ok(change) = serde_json::from_slice::<Change>(bytes) {
        let _ = change.op.writes();
    }
}
