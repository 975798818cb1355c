//! docs/messages.md, from the golden files: every message in both encodings.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Who sends what, in the order of the page.
const SENDERS: [(&str, &str); 2] = [("client", "From the client"), ("server", "From the server")];

/// The page.
pub fn text() -> String {
    let mut page = String::from(
        "# Every message, in both encodings\n\n\
         Made by `cargo xtask pages` from the golden files in \
         `crates/driftless-protocol/tests/golden`, which the codec is tested\nagainst in both \
         directions. What the fields mean is in [protocol.md](protocol.md). Two samples of one \
         message differ in what is\npresent; MessagePack is shown as bytes beside the text in \
         them.\n",
    );
    for (folder, title) in SENDERS {
        write!(page, "\n## {title}\n").expect("a string takes everything");
        for name in samples(folder) {
            let json = golden(&format!("{folder}/{name}.json"));
            let bytes = golden(&format!("{folder}/{name}.hex"));
            write!(
                page,
                "\n### `{name}`\n\n```json\n{json}\n```\n\n```text\n{bytes}\n```\n"
            )
            .expect("a string takes everything");
        }
    }
    page
}

/// The names of a folder's samples, sorted.
fn samples(folder: &str) -> Vec<String> {
    let files = fs::read_dir(path(folder)).expect("the golden files are in the repository");
    let name = |file: std::io::Result<fs::DirEntry>| {
        let file = file.expect("is readable").file_name();
        let name = file.to_str().expect("their names are text").to_owned();
        name.strip_suffix(".json").map(str::to_owned)
    };
    let mut names: Vec<_> = files.filter_map(name).collect();
    names.sort();
    names
}

fn golden(file: &str) -> String {
    let text = fs::read_to_string(path(file)).expect("every sample has both encodings");
    text.trim_end().to_owned()
}

fn path(file: &str) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    crates.join("driftless-protocol/tests/golden").join(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_their_messages_with_both_encodings() {
        let page = text();
        for name in ["hello", "push", "welcome", "resume", "outcome.conflict"] {
            assert!(page.contains(&format!("\n### `{name}`\n")), "{name}");
        }
        assert!(page.contains("```json\n{\"ping\":{\"nonce\":"));
        assert!(page.contains("|..ping"));
    }
}
