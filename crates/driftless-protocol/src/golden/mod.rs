//! Golden bytes: for every message in both encodings, and for every durable record, a committed
//! file that old bytes are read from and new ones are compared with. A record whose bytes change is
//! a record that another build, or the same device yesterday, cannot read.
//!
//! The files are in `tests/golden`. `cargo xtask golden` writes those that are missing and never
//! changes one: whoever means to change a format removes its file first, for a reviewer to see.

mod files;
mod tree;
mod parts;
mod client;
mod server;
mod rows;
mod tab;
mod chunks;
mod tolerance;
mod agreement;

use std::fmt::Debug;

pub use server::resume_with_everything;

/// Declares how the variants of an enum are named in file names, all of them: a new variant does
/// not compile before it is named here, and fails its test before it has a sample.
macro_rules! variants {
    ($name_of:ident, $names:ident: $of:ident, $($pattern:pat => $name:literal,)*) => {
        fn $name_of(value: &$of) -> &'static str {
            match value { $($pattern => $name,)* }
        }

        const $names: &[&str] = &[$($name),*];
    };
}
use variants;

/// A value with the name of its file.
pub type Sample<T> = (&'static str, T);

/// Checks that the samples are named after their variants, and that no variant lacks one.
fn assert_covered<T>(
    samples: impl IntoIterator<Item = Sample<T>>,
    name_of: impl Fn(&T) -> &'static str,
    names: &[&str],
) {
    let mut missing: Vec<_> = names.to_vec();
    for (file, sample) in samples {
        let name = name_of(&sample);
        assert!(file.starts_with(name), "{file} is a sample of {name}");
        missing.retain(|missing| *missing != name);
    }
    assert_eq!(missing, Vec::<&str>::new(), "these have no golden file");
}

/// Compares a value with its golden file, in both directions.
fn assert_golden<T: PartialEq + Debug>(
    file: &str,
    value: &T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> Result<T, String>,
) {
    let now = encode(value);
    let kept = files::kept(file, &now);
    assert_eq!(
        decode(&kept).as_ref(),
        Ok(value),
        "{file}: old bytes read otherwise"
    );
    assert!(
        kept == now,
        "{file}: the bytes changed, to\n{}\nA format that is used stays as it is; a new one is \
         blessed with `cargo xtask golden` after its file was removed",
        files::shown(file, &now)
    );
}

#[test]
fn every_golden_file_belongs_to_a_sample() {
    let mut expected = Vec::new();
    let messages = client::samples()
        .into_iter()
        .map(|(file, _)| ("client", file));
    let messages = messages.chain(
        server::samples()
            .into_iter()
            .map(|(file, _)| ("server", file)),
    );
    for (folder, file) in messages {
        expected.extend(["json", "hex"].map(|form| format!("{folder}/{file}.{form}")));
    }
    let rows = rows::samples().into_iter();
    expected.extend(rows.map(|(file, _)| format!("rows/{file}.hex")));
    let tabs = tab::samples().into_iter();
    expected.extend(tabs.map(|(file, _)| format!("tabs/{file}.hex")));
    expected.extend(rows::TEXTS.iter().map(|file| format!("texts/{file}.json")));
    let chunks = chunks::CHUNKS.iter();
    expected.extend(chunks.map(|file| format!("chunks/{file}.hex")));
    expected.sort();
    assert_eq!(files::all(), expected);
}
