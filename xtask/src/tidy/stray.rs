//! Files that lie where nothing belongs, names that say nothing, and code that was left half
//! done.

use super::masked::Masked;
use super::tree::{Finding, SourceFile, Tree};

/// The folders at the top.
const FOLDERS: [&str; 13] = [
    ".cargo", ".ci", "api", "apps", "benches", "crates", "deploy", "docs", "e2e", "examples",
    "fuzz", "testing", "xtask",
];

/// The files at the top.
const TOP_FILES: [&str; 13] = [
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// What may follow the last dot of a name.
const EXTENSIONS: [&str; 24] = [
    "bin", "conf", "css", "hex", "html", "ico", "js", "json", "lock", "md", "mjs", "pem", "png",
    "py", "rs", "service", "snap", "svg", "toml", "txt", "webp", "woff2", "yaml", "yml",
];

/// Files whose whole name is known instead.
const WHOLE_NAMES: [&str; 8] = [
    ".gitignore",
    ".gitattributes",
    ".npmrc",
    ".ci/run",
    "deploy/Caddyfile",
    "deploy/Containerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "helper", "common", "misc"];

/// Macros that mark code as unfinished.
const UNFINISHED: [&str; 3] = ["dbg", "todo", "unimplemented"];

/// Reports stray files, empty names and unfinished code.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        findings.extend(stray_place(&file.path).map(|text| Finding::file(&file.path, text)));
        findings.extend(empty_name(&file.path).map(|text| Finding::file(&file.path, text)));
        if file.has_extension("rs") {
            findings.extend(unfinished(file));
        }
    }
    findings
}

fn stray_place(path: &str) -> Option<String> {
    let known_place = match path.split_once('/') {
        Some((folder, _)) => FOLDERS.contains(&folder),
        None => TOP_FILES.contains(&path),
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let known_kind = TOP_FILES.contains(&path)
        || WHOLE_NAMES
            .iter()
            .any(|whole| *whole == name || *whole == path)
        || extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
    (!known_place || !known_kind).then(|| {
        "does not belong here: remove it, or add its place or kind to \
         xtask/src/tidy/stray.rs"
            .to_owned()
    })
}

fn empty_name(path: &str) -> Option<String> {
    path.split('/')
        .map(|part| part.split('.').next().unwrap_or(part))
        .find_map(|stem| {
            let numbered = stem.strip_prefix("part").is_some_and(|rest| {
                let digits = rest.trim_start_matches(['_', '-']);
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
            (numbered || EMPTY_NAMES.contains(&stem))
                .then(|| format!("`{stem}` says nothing: name it by what it holds"))
        })
}

fn unfinished(file: &SourceFile) -> Vec<Finding> {
    let code = Masked::new(&file.text);
    let mut findings = Vec::new();
    for name in UNFINISHED {
        for start in code.words(name) {
            if code.bytes()[start + name.len()..].starts_with(b"!") {
                let message = format!("`{name}!` marks unfinished code");
                findings.push(Finding::line(&file.path, code.line(start), message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_places_and_kinds_pass() {
        for path in [
            "README.md",
            ".ci/run",
            "crates/a/src/lib.rs",
            "e2e/.npmrc",
            "LICENSE-MIT",
        ] {
            assert_eq!(stray_place(path), None, "{path}");
        }
    }

    #[test]
    fn unknown_places_and_kinds_are_stray() {
        for path in [
            "notes.md",
            "scratch/a.rs",
            "crates/a/core.dump",
            "docs/a",
            "a.rs",
        ] {
            assert!(stray_place(path).is_some(), "{path}");
        }
    }

    #[test]
    fn names_that_say_nothing_are_reported() {
        for path in [
            "crates/a/src/utils.rs",
            "crates/a/src/helpers/x.rs",
            "docs/part2.md",
        ] {
            assert!(empty_name(path).is_some(), "{path}");
        }
        for path in [
            "crates/a/src/parts.rs",
            "crates/a/src/commons.rs",
            "docs/part.md",
        ] {
            assert_eq!(empty_name(path), None, "{path}");
        }
    }

    #[test]
    fn unfinished_code_is_found_in_code_only() {
        let text = "// todo!()\nfn a() { \"dbg!(x)\"; }\nfn b() { dbg!(x); todo!(); }";
        let findings = check(&Tree::of(&[("crates/a/src/lib.rs", text)]));
        let places: Vec<_> = findings
            .iter()
            .map(|finding| finding.place.as_str())
            .collect();
        assert_eq!(places, ["crates/a/src/lib.rs:3"; 2]);
    }
}
