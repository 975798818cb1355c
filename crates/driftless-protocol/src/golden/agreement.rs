//! A type of documents is declared twice: for serde, by which servers read and write, and for the
//! trees of browsers (`crate::tree`). Here both read every sample with every part of it changed in
//! every way, and have to say the same.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::codec::Codec;
use crate::golden::tree::{self, Tree};
use crate::golden::{client, rows, server, tab};
use crate::tree::{Document, Give, Take, TreeError, json, message_pack};

/// Each way to change a part of a document, by its number: nothing where there are no more.
fn changed(part: &Tree<'_>, way: usize, codec: Codec) -> Option<Tree<'static>> {
    let mut others = vec![
        Tree::Nothing,
        Tree::Bool(true),
        Tree::Negative(-7),
        Tree::Float(0.5),
        Tree::Text("x".into()),
        Tree::Map(Vec::new()),
    ];
    if codec == Codec::Json {
        // In MessagePack, serde takes numbers for names of variants, and text for an id's bytes.
        others.push(Tree::Unsigned(1000));
        others.push(Tree::Text("00000000000000000000000000000007".into()));
        others.push(Tree::Text("0000000000000007".into()));
    }
    if way < others.len() {
        return Some(others.swap_remove(way));
    }
    let way = way - others.len();
    match own(part) {
        Tree::Map(mut entries) => {
            let (at, kind) = (way / 3, way % 3);
            match kind {
                0 => drop((at < entries.len()).then(|| entries.remove(at))?),
                1 => entries.push(entries.get(at)?.clone()),
                _ => entries.get_mut(at)?.0 = "from_a_newer_build".into(),
            }
            Some(Tree::Map(entries))
        }
        Tree::Seq(mut items) => {
            let (at, kind) = (way / 2, way % 2);
            match kind {
                0 => drop((at < items.len()).then(|| items.remove(at))?),
                _ => items.push(items.get(at)?.clone()),
            }
            Some(Tree::Seq(items))
        }
        _ => None,
    }
}

fn own(tree: &Tree<'_>) -> Tree<'static> {
    match tree {
        Tree::Nothing => Tree::Nothing,
        Tree::Bool(value) => Tree::Bool(*value),
        Tree::Unsigned(value) => Tree::Unsigned(*value),
        Tree::Negative(value) => Tree::Negative(*value),
        Tree::Float(value) => Tree::Float(*value),
        Tree::Text(text) => Tree::Text(text.clone().into_owned().into()),
        Tree::Bytes(bytes) => Tree::Bytes(bytes.clone().into_owned().into()),
        Tree::Seq(items) => Tree::Seq(items.iter().map(own).collect()),
        Tree::Map(entries) => {
            let entries = entries.iter();
            let own = entries.map(|(name, value)| (name.to_string().into(), own(value)));
            Tree::Map(own.collect())
        }
    }
}

/// The part of a tree at a number, in the order in which they come: nothing where there are no
/// more.
fn part<'t>(tree: &'t mut Tree<'static>, left: &mut usize) -> Option<&'t mut Tree<'static>> {
    if *left == 0 {
        return Some(tree);
    }
    *left -= 1;
    match tree {
        Tree::Seq(items) => items.iter_mut().find_map(|item| part(item, left)),
        Tree::Map(entries) => entries.iter_mut().find_map(|(_, value)| part(value, left)),
        _ => None,
    }
}

/// Checks one sample; answers how many changes both took, and how many both refused.
fn agree<T: Take + Give + DeserializeOwned + PartialEq + Debug>(
    file: &str,
    sample: &T,
    codec: Codec,
) -> [usize; 2] {
    let by_serde = |bytes: &[u8]| match codec {
        Codec::MessagePack => message_pack::<T>(bytes),
        Codec::Json => json::<T>(bytes),
    };
    let by_tree = |bytes: &[u8]| -> Result<T, TreeError> {
        match codec {
            Codec::MessagePack => Document::from_message_pack(bytes)?.decode(),
            Codec::Json => Document::from_json(bytes)?.decode(),
        }
    };
    let written = match codec {
        Codec::MessagePack => Document::for_message_pack(sample).to_message_pack(),
        Codec::Json => Document::for_json(sample).to_json().into_bytes(),
    };
    let whole = own(&tree::read(codec, &written));
    let mut counts = [0, 0];
    for at in 0.. {
        let mut tree = whole.clone();
        let Some(unchanged) = part(&mut tree, &mut at.clone()).map(|part| part.clone()) else {
            break;
        };
        for way in 0.. {
            let Some(other) = changed(&unchanged, way, codec) else {
                break;
            };
            let mut tree = whole.clone();
            if let Some(part) = part(&mut tree, &mut at.clone()) {
                *part = other;
            }
            let bytes = tree::write(codec, &tree);
            let (serde, tree_says) = (by_serde(&bytes), by_tree(&bytes));
            assert_eq!(
                tree_says.as_ref().ok(),
                serde.as_ref().ok(),
                "{file}, {codec:?}, part {at} changed in way {way}: {serde:?} and {tree_says:?} of \
                 {tree:?}"
            );
            counts[usize::from(serde.is_err())] += 1;
        }
    }
    counts
}

#[test]
fn serde_and_trees_read_the_same_whatever_is_changed() {
    let mut counts = [0, 0];
    let mut count = |[read, refused]: [usize; 2]| {
        counts[0] += read;
        counts[1] += refused;
    };
    for codec in Codec::ALL {
        for (file, message) in client::samples() {
            count(agree(file, &message, codec));
        }
        for (file, message) in server::samples() {
            count(agree(file, &message, codec));
        }
        for (file, row) in rows::samples() {
            count(agree(file, &row, codec));
        }
        for (file, message) in tab::samples() {
            count(agree(file, &message, codec));
        }
    }
    // Both ends are met: what nobody looks at is changed too, and so is what counts.
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}
