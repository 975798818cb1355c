//! What docs/protocol.md asks of every receiver: unknown fields are ignored, the order of fields
//! does not matter, and optional fields may be absent. In both encodings, on every sample.

use crate::codec::Codec;
use crate::golden::tree::{self, Fields, Tree};
use crate::golden::{client, server};

/// Fields whose value is a choice, written as a map with one entry: the entry's value has fields.
const CHOICES: [&str; 2] = ["op", "outcome"];

/// The fields that may be absent, each with the field or message that they are in.
const OPTIONAL: [(&str, &str); 20] = [
    ("hello", "token"),
    ("boards", "cursor"),
    ("subscribe", "cursor"),
    ("query", "aggregate"),
    ("resume", "last_id"),
    ("resume", "diverged"),
    ("applied", "skipped"),
    ("applied", "replaced"),
    ("applied", "effects"),
    ("leaves", "value"),
    ("replaced", "value"),
    ("stale", "theirs"),
    ("stale", "author"),
    ("at", "leaf"),
    ("skipped", "leaf"),
    ("error", "board"),
    ("error", "feed"),
    ("feed", "series"),
    ("series", "labels"),
    ("ping", "ahead"),
];

/// Changes the fields of a message and of all that is in it, but leaves data (values, the leaves of
/// a record) alone. The function gets the name of what has the fields.
fn change_fields(tree: &mut Tree<'_>, change: &impl Fn(&str, &mut Fields<'_>)) {
    choice(tree, change);
}

fn choice(tree: &mut Tree<'_>, change: &impl Fn(&str, &mut Fields<'_>)) {
    if let Tree::Map(entries) = tree {
        for (name, fields) in entries {
            structure(name, fields, change);
        }
    }
}

fn structure(name: &str, tree: &mut Tree<'_>, change: &impl Fn(&str, &mut Fields<'_>)) {
    match tree {
        Tree::Map(fields) => {
            for (field, value) in fields.iter_mut() {
                let is_data = matches!(field.as_ref(), "value" | "theirs" | "labels")
                    || (field == "leaves" && matches!(value, Tree::Map(_)));
                if CHOICES.contains(&field.as_ref()) {
                    choice(value, change);
                } else if !is_data {
                    structure(field, value, change);
                }
            }
            change(name, fields);
        }
        Tree::Seq(items) => items
            .iter_mut()
            .for_each(|item| structure(name, item, change)),
        _ => {}
    }
}

/// Every sample in both encodings, changed, has to read as `expected` of what is left of it says.
fn check(change: impl Fn(&str, &mut Fields<'_>), is_same_message: bool) {
    for codec in Codec::ALL {
        let mut changed_any = false;
        let mut altered = |bytes: &[u8]| {
            let mut tree = tree::read(codec, bytes);
            let before = tree.clone();
            change_fields(&mut tree, &change);
            changed_any |= tree != before;
            tree::write(codec, &tree)
        };
        for (file, message) in client::samples() {
            let bytes = altered(&codec.encode_client(&message));
            let read = codec.decode_client(&bytes);
            let read = read.unwrap_or_else(|error| panic!("client {file}, {codec:?}: {error}"));
            if is_same_message {
                assert_eq!(read, message, "client {file}, {codec:?}");
            }
        }
        for (file, message) in server::samples() {
            let bytes = altered(&codec.encode_server(&message));
            let read = codec.decode_server(&bytes);
            let read = read.unwrap_or_else(|error| panic!("server {file}, {codec:?}: {error}"));
            // NaN is not equal to itself: packed samples are compared as bytes, which they are.
            if is_same_message {
                assert_eq!(read, message, "server {file}, {codec:?}");
            }
        }
        assert!(changed_any, "the samples have no such fields");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let unknown = Tree::Map(vec![("deep".into(), Tree::Seq(vec![Tree::Nothing]))]);
    check(
        |_, fields| fields.insert(0, ("from_a_newer_build".into(), unknown.clone())),
        true,
    );
}

#[test]
fn the_order_of_fields_does_not_matter() {
    check(|_, fields| fields.reverse(), true);
}

#[test]
fn optional_fields_may_be_absent() {
    for (within, optional) in OPTIONAL {
        check(
            |name, fields| {
                if name == within {
                    fields.retain(|(field, _)| field != optional);
                }
            },
            false,
        );
    }
}

#[test]
fn an_absent_value_and_a_null_are_different() {
    let read = |value: &str| {
        let json = format!(
            r#"{{"resume":{{"board":"b","cursor":{{"version":1,"check":"0000000000000001"}},
            "full":false,"floor":0,"last_seq":0,"leaves":[{{"record":"r","leaf":"l",{value}
            "version":1,"author":"Ann"}}]}}}}"#
        );
        Codec::Json
            .decode_server(json.as_bytes())
            .expect("is a resume")
    };
    assert_ne!(read(r#""value":null,"#), read(""));
}

#[test]
fn a_field_that_is_not_optional_is_asked_for() {
    let without = br#"{"push":{"board":"b","seq":1,"settled":0,"payload":""}}"#;
    let error = Codec::Json
        .decode_client(without)
        .expect_err("it has no id");
    assert!(error.to_string().contains("id"), "{error}");
}
