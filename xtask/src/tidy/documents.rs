//! Documents that name files or places which don't exist, and commands of which nobody says whether
//! they are tested.

use super::tree::{Finding, SourceFile, Tree};
use crate::markdown;

/// The folders whose paths are recognised in backticks.
const FOLDERS: [&str; 13] = [
    ".cargo/",
    ".ci/",
    "api/",
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

/// The contents of the site.
const CONTENTS: &str = "docs/SUMMARY.md";

/// Before a block of commands that a test runs as it stands (`crates/driftless/tests/binary`).
const RUN: &str = "<!-- run -->";
/// Before a block of commands that no test runs as it stands, with the reason.
const NOT_RUN: &str = "<!-- not run: ";

/// Reports paths in backticks, and relative links, that lead nowhere, and commands without a word
/// on whether they are run.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in tree.files().iter().filter(|file| is_document(file)) {
        for (line, text) in markdown::prose(&document.text) {
            for path in markdown::code_spans(text).filter_map(repository_path) {
                if !tree.has(path) {
                    findings.push(absent(document, line, path));
                }
            }
            for target in markdown::link_targets(text) {
                findings.extend(broken(tree, document, line, target));
            }
        }
        findings.extend(unmarked(document));
        findings.extend(unlisted(tree, document));
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
    let folder = ["docs/", "examples/"]
        .iter()
        .any(|folder| file.path.starts_with(folder));
    top || (folder && file.has_extension("md"))
}

/// A relative link to what is not there: a file, or a heading in one.
fn broken(tree: &Tree, document: &SourceFile, line: usize, target: &str) -> Option<Finding> {
    let (path, place) = markdown::resolve(&document.path, target)?;
    let page = if path.is_empty() {
        document
    } else if tree.has(&path) {
        tree.files().iter().find(|file| file.path == path)?
    } else {
        return Some(absent(document, line, &path));
    };
    let is_there = place.is_empty()
        || !page.has_extension("md")
        || markdown::anchors(&page.text)
            .iter()
            .any(|anchor| anchor == place);
    (!is_there).then(|| absent(document, line, &format!("{}#{place}", page.path)))
}

/// Blocks of commands without a word on whether a test runs them.
fn unmarked(document: &SourceFile) -> Vec<Finding> {
    let blocks = markdown::blocks(&document.text).into_iter();
    let unmarked = blocks.filter(|block| {
        let reason = block.before.strip_prefix(NOT_RUN);
        let has_reason = reason.is_some_and(|reason| reason.trim_end_matches("-->").len() > 8);
        block.language == "sh" && block.before != RUN && !has_reason
    });
    let finding = |block: markdown::Block| {
        let message = format!(
            "has commands that are neither run by a test (`{RUN}`) nor say why not \
             (`{NOT_RUN}REASON -->`), on the line before the block"
        );
        Finding::line(&document.path, block.line, message)
    };
    unmarked.map(finding).collect()
}

/// A page that the site's contents do not have.
fn unlisted(tree: &Tree, document: &SourceFile) -> Option<Finding> {
    let path = document.path.strip_prefix("docs/")?;
    let contents = tree.files().iter().find(|file| file.path == CONTENTS)?;
    let is_listed = contents.text.contains(&format!("({path})")) || document.path == CONTENTS;
    (!is_listed).then(|| Finding::file(&document.path, format!("is not listed in {CONTENTS}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", "# Code map\n"),
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
        let text = "## Here\n`crates/a/src/lib.rs:12`, `crates/a/`, `ARCHITECTURE.md`, [x](#here)\n\
                    ![shot](../shot.png) [page](../../ARCHITECTURE.md#code-map) [out](https://x/y)";
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_exist_is_reported_with_its_line() {
        let text = "\n`crates/b/src/lib.rs`\n[gone](./gone.md)\n`PRODUCT.md`\n\
                    [no such place](../../ARCHITECTURE.md#gone)";
        assert_eq!(
            findings(text),
            [
                "docs/guide/start.md:2 names crates/b/src/lib.rs, which does not exist",
                "docs/guide/start.md:3 names docs/guide/gone.md, which does not exist",
                "docs/guide/start.md:4 names PRODUCT.md, which does not exist",
                "docs/guide/start.md:5 names ARCHITECTURE.md#gone, which does not exist",
            ]
        );
    }

    #[test]
    fn patterns_commands_and_code_blocks_name_no_file() {
        let text = "`crates/*/src` `docs/<name>.md` `cargo xtask demo` `target/web/web`\n\
                    ```\n`crates/gone`\n```\n";
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn every_page_is_in_the_contents() {
        let tree = Tree::of(&[
            ("docs/SUMMARY.md", "[a](a.md)"),
            ("docs/a.md", ""),
            ("docs/b/c.md", ""),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "docs/b/c.md");
    }

    #[test]
    fn commands_are_run_or_say_why_not() {
        let good = "<!-- run -->\n```sh\nls\n```\n\n<!-- not run: installs a compiler -->\n\
                    ```sh\nls\n```\n";
        assert_eq!(findings(good), Vec::<String>::new());
        for bad in ["```sh\nls\n```\n", "<!-- not run:  -->\n```sh\nls\n```\n"] {
            let found = findings(bad);
            assert_eq!(found.len(), 1, "{bad}");
            assert!(found[0].contains("neither run by a test"), "{found:?}");
        }
    }
}
