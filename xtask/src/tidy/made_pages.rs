//! Pages that are made from tables, and are not what the tables say.

use super::tree::{Finding, Tree};
use crate::pages::Page;

/// Reports pages that differ from what would be made, and links to places in them that are not
/// there.
pub fn check(tree: &Tree, pages: &[Page]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in pages {
        let file = tree.files().iter().find(|file| file.path == page.path);
        if file.is_none_or(|file| file.text != page.text) {
            let message = "is not what its table says: run `cargo xtask pages`";
            findings.push(Finding::file(page.path, message));
        }
        findings.extend(dead_links(tree, page));
    }
    findings
}

fn dead_links(tree: &Tree, page: &Page) -> Vec<Finding> {
    let name = page.path.rsplit('/').next().unwrap_or(page.path);
    let link = format!("{name}#");
    let mut findings = Vec::new();
    for document in tree.files().iter().filter(|file| file.has_extension("md")) {
        for (index, line) in document.text.lines().enumerate() {
            for rest in line.split(&link).skip(1) {
                let anchor = rest.split([')', '`', ' ']).next().unwrap_or(rest);
                if !page.text.contains(&format!("id=\"{anchor}\"")) {
                    let message = format!("there is no {anchor} in {name}");
                    findings.push(Finding::line(&document.path, index + 1, message));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(errors: &str, other: &str) -> Vec<String> {
        let tree = Tree::of(&[("docs/errors.md", errors), ("docs/protocol.md", other)]);
        let page = Page {
            path: "docs/errors.md",
            text: "<a id=\"malformed\"></a>".to_owned(),
        };
        let findings = check(&tree, &[page]);
        let text = |finding: Finding| format!("{} {}", finding.place, finding.message);
        findings.into_iter().map(text).collect()
    }

    #[test]
    fn a_page_that_is_as_it_would_be_made_passes_with_links_into_it() {
        let found = messages("<a id=\"malformed\"></a>", "[x](errors.md#malformed)");
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_page_that_was_edited_by_hand_is_reported() {
        assert_eq!(
            messages("<a id=\"malformed\"></a>!", ""),
            ["docs/errors.md is not what its table says: run `cargo xtask pages`"]
        );
    }

    #[test]
    fn a_link_to_a_code_that_is_not_there_is_reported() {
        assert_eq!(
            messages("<a id=\"malformed\"></a>", "\n[x](errors.md#gone)"),
            ["docs/protocol.md:2 there is no gone in errors.md"]
        );
    }
}
