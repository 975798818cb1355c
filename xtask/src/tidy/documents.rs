//! Documents that name files which don't exist.

use super::tree::{Finding, SourceFile, Tree};

/// The folders whose paths are recognised in backticks.
const FOLDERS: [&str; 12] = [
    ".cargo/",
    ".ci/",
    "apps/",
    "benches/",
    "crates/",
    "deploy/",
    "docs/",
    "e2e/",
    "examples/",
    "fuzz/",
    "testing/",
    "xtask/",
];

/// Reports paths in backticks, and relative links, that lead nowhere.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in tree.files().iter().filter(|file| is_document(file)) {
        for (line, text) in prose(document) {
            for path in code_spans(text).filter_map(repository_path) {
                if !tree.has(path) {
                    findings.push(absent(document, line, path));
                }
            }
            for target in link_targets(text).filter_map(|target| resolve(&document.path, target)) {
                if !target.is_empty() && !tree.has(&target) {
                    findings.push(absent(document, line, &target));
                }
            }
        }
    }
    findings
}

fn absent(document: &SourceFile, line: usize, path: &str) -> Finding {
    Finding::line(
        &document.path,
        line,
        format!("names {path}, which does not exist"),
    )
}

fn is_document(file: &SourceFile) -> bool {
    let top = matches!(
        file.path.as_str(),
        "README.md" | "ARCHITECTURE.md" | "CONTRIBUTING.md"
    );
    top || (file.path.starts_with("docs/") && file.has_extension("md"))
}

/// The lines outside of code blocks, counted from 1.
fn prose(document: &SourceFile) -> Vec<(usize, &str)> {
    let mut inside_block = false;
    let mut lines = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside_block = !inside_block;
        } else if !inside_block {
            lines.push((index + 1, line));
        }
    }
    lines
}

fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The path in a code span, if it names one of this repository: a line number or an item after
/// it is cut off, and patterns are not paths.
fn repository_path(span: &str) -> Option<&str> {
    let is_pattern = span.contains(['*', '<', '{', ' ', '…']) || span.contains("NAME");
    let path = span.split(':').next().unwrap_or(span).trim_end_matches('/');
    let known = FOLDERS.iter().any(|folder| span.starts_with(folder))
        || (!path.contains('/') && is_top_document(path));
    (known && !is_pattern).then_some(path)
}

fn is_top_document(name: &str) -> bool {
    let stem = name.strip_suffix(".md").unwrap_or_default();
    !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The targets of `[text](target)` and `![text](target)`.
fn link_targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// A relative link as a path from the root; `None` for addresses and for places in the page.
fn resolve(document: &str, target: &str) -> Option<String> {
    let target = target.split(['#', ' ']).next().unwrap_or(target);
    if target.is_empty() || target.contains(':') {
        return None;
    }
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", ""),
            ("crates/a/src/lib.rs", ""),
            ("docs/guide/start.md", text),
            ("docs/shot.png", ""),
        ]);
        check(&tree)
            .into_iter()
            .map(|finding| format!("{} {}", finding.place, finding.message))
            .collect()
    }

    #[test]
    fn what_exists_passes() {
        let text = "`crates/a/src/lib.rs:12`, `crates/a/`, `ARCHITECTURE.md`,\n\
                    ![shot](../shot.png) [page](../../ARCHITECTURE.md#map) [out](https://x/y)";
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_exist_is_reported_with_its_line() {
        let text = "\n`crates/b/src/lib.rs`\n[gone](./gone.md)\n`PRODUCT.md`";
        assert_eq!(
            findings(text),
            [
                "docs/guide/start.md:2 names crates/b/src/lib.rs, which does not exist",
                "docs/guide/start.md:3 names docs/guide/gone.md, which does not exist",
                "docs/guide/start.md:4 names PRODUCT.md, which does not exist",
            ]
        );
    }

    #[test]
    fn patterns_commands_and_code_blocks_name_no_file() {
        let text = "`crates/*/src` `docs/<name>.md` `cargo xtask demo` `target/web/web`\n\
                    ```\n`crates/gone`\n```\n";
        assert_eq!(findings(text), Vec::<String>::new());
    }
}
