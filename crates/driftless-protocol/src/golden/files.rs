//! The golden files: JSON as it is, other bytes as a dump that people can read.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Set by `cargo xtask golden`: files that are missing are written.
const BLESS: &str = "DRIFTLESS_GOLDEN_BLESS";

const BYTES_PER_LINE: usize = 16;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The bytes of a golden file. One that is missing is made of `now` where that was asked for; one
/// that is there is never written.
pub fn kept(file: &str, now: &[u8]) -> Vec<u8> {
    let path = folder().join(file);
    if !path.exists() && std::env::var_os(BLESS).is_some() {
        let parent = path.parent().expect("a golden file lies in a folder");
        fs::create_dir_all(parent).expect("the folder can be made");
        fs::write(&path, shown(file, now)).expect("the file can be written");
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{file}: {error}; `cargo xtask golden` makes the golden file of something new")
    });
    if is_hex(file) {
        bytes(&text)
    } else {
        text.trim_end_matches('\n').as_bytes().to_vec()
    }
}

/// Every golden file, by path, sorted.
pub fn all() -> Vec<String> {
    let mut found = Vec::new();
    for group in fs::read_dir(folder()).expect("the folder is there") {
        let group = group.expect("is readable");
        for file in fs::read_dir(group.path()).expect("it holds folders") {
            let (group, file) = (group.file_name(), file.expect("is readable").file_name());
            found.push(format!("{}/{}", group.display(), file.display()));
        }
    }
    found.sort();
    found
}

/// The bytes as the file shows them.
pub fn shown(file: &str, bytes: &[u8]) -> String {
    if is_hex(file) {
        return dump(bytes);
    }
    format!("{}\n", String::from_utf8_lossy(bytes))
}

fn is_hex(file: &str) -> bool {
    file.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "hex")
}

/// Sixteen bytes a line, and what they are as text.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(BYTES_PER_LINE) {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = line.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
        let (hex, shown) = (hex.join(" "), shown.collect::<String>());
        writeln!(text, "{hex:<48}|{shown}").expect("a text can be written to");
    }
    text
}

fn bytes(dump: &str) -> Vec<u8> {
    let hex = dump.lines().map(|line| line.get(..48).unwrap_or(line));
    let hex = hex.flat_map(str::split_whitespace);
    hex.map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
        .collect()
}

#[test]
fn a_dump_is_read_as_it_was_written() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(bytes(&dump(&all)), all);
    assert_eq!(bytes(&dump(&all[..7])), all[..7]);
}
