//! Limits: a bound that no test names is a bound that nobody has tried.

use super::masked::Masked;
use super::tree::{Finding, SourceFile, Tree};

/// Where the limits are.
const LIMITS: &str = "crates/driftless-model/src/limits.rs";

/// Limits without a test, each with the reason.
const WITHOUT_TEST: [(&str, &str); 1] = [(
    "RESUME_BYTES_MAX",
    "a frame of 64 MiB is too slow to send in a test; the socket library holds the limit",
)];

/// Reports limits that no test names, and exceptions that are none.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(limits) = tree.files().iter().find(|file| file.path == LIMITS) else {
        return Vec::new();
    };
    let tests = tree.rust().filter_map(test_code);
    let tests: Vec<Masked> = tests.map(Masked::new).collect();
    let is_tested = |name: &str| tests.iter().any(|code| code.words(name).next().is_some());
    let mut findings = Vec::new();
    for (line, name) in names(&limits.text) {
        let is_excepted = WITHOUT_TEST.iter().any(|(excepted, _)| *excepted == name);
        if !is_excepted && !is_tested(name) {
            let message = format!("no test names {name}: try it at the bound and one past it");
            findings.push(Finding::line(LIMITS, line, message));
        }
    }
    findings
}

/// The constants of a file, with their lines from 1.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter_map(|(line, text)| {
        let (name, _) = text.strip_prefix("pub const ")?.split_once(':')?;
        Some((line, name))
    })
}

/// The part of a source that is compiled for tests only.
fn test_code(file: &SourceFile) -> Option<&str> {
    let is_test = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    let start = if is_test {
        Some(0)
    } else {
        file.text.find("#[cfg(test)]")
    };
    start.map(|start| &file.text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(source: &str, path: &str) -> Vec<Finding> {
        let limits = "/// Most.\npub const EDITS_MAX: usize = 3;\n";
        check(&Tree::of(&[(LIMITS, limits), (path, source)]))
    }

    #[test]
    fn a_limit_is_named_by_a_test() {
        assert_eq!(findings("use EDITS_MAX;", "crates/a/tests/b.rs"), []);
        let beside = "fn a() {}\n#[cfg(test)]\nmod tests { const A: usize = EDITS_MAX + 1; }";
        assert_eq!(findings(beside, "crates/a/src/b.rs"), []);
    }

    #[test]
    fn a_use_outside_of_tests_or_a_comment_is_no_test() {
        let used = "const A: usize = EDITS_MAX;\n#[cfg(test)]\nmod tests { /* EDITS_MAX */ }";
        let found = findings(used, "crates/a/src/b.rs");
        assert_eq!(found[0].place, format!("{LIMITS}:2"));
    }
}
