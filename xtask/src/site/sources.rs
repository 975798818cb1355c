//! The pages of the site, from the documents of the repository: what the site has keeps its links,
//! links to anything else lead to the repository.

use std::collections::BTreeMap;

use crate::markdown;

/// Where the repository is to be read.
const REPOSITORY: &str = "https://github.com/driftless/driftless/blob/main/";

/// Documents outside of `docs/` that the site has too, and what they are called there.
const FROM_OUTSIDE: [(&str, &str); 2] = [
    ("ARCHITECTURE.md", "architecture.md"),
    ("CONTRIBUTING.md", "contributing.md"),
];

/// The pages of a site, by their paths in it.
pub type Pages = BTreeMap<String, String>;

/// Where a document of the repository is in the site, if it is in it. What a repository shows of a
/// folder is the folder's index in a site.
pub fn place_of(path: &str) -> Option<String> {
    let outside = FROM_OUTSIDE.iter().find(|(from, _)| *from == path);
    let inside = || {
        let path = path.strip_prefix("docs/")?;
        let folder = path.strip_suffix("README.md");
        Some(folder.map_or(path.to_owned(), |folder| format!("{folder}index.md")))
    };
    outside.map(|(_, to)| (*to).to_owned()).or_else(inside)
}

/// The site's pages from documents by their paths in the repository.
pub fn pages<'a>(documents: impl IntoIterator<Item = (&'a str, &'a str)>) -> Pages {
    let placed = documents
        .into_iter()
        .filter_map(|(path, text)| Some((place_of(path)?, page(path, text))));
    placed.collect()
}

/// A document with its links as the site has them.
fn page(path: &str, text: &str) -> String {
    let place = place_of(path).unwrap_or_default();
    let depth = place.matches('/').count();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (number, line) in markdown::prose(text) {
        for target in markdown::link_targets(line) {
            if let Some(there) = in_site(path, depth, target) {
                let line = &mut lines[number - 1];
                *line = line.replace(&format!("]({target})"), &format!("]({there})"));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// A link's target in the site; `None` where it stays as it is.
fn in_site(document: &str, depth: usize, target: &str) -> Option<String> {
    let (path, heading) = markdown::resolve(document, target)?;
    if path.is_empty() {
        return None;
    }
    let heading = match heading {
        "" => String::new(),
        heading => format!("#{heading}"),
    };
    Some(match place_of(&path) {
        Some(place) => format!("{}{place}{heading}", "../".repeat(depth)),
        None => format!("{REPOSITORY}{path}{heading}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_sites_pages_and_everything_else_to_the_repository() {
        let text = "[a](../clients.md#boards) [b](../../ARCHITECTURE.md) [c](../../examples/x/a.rs)\n\
                    [d](https://x/y) [e](#here) [g](README.md)\n```\n[f](../g.md)\n```";
        let pages = pages([("docs/components/parts.md", text), ("crates/x.md", "")]);
        let page = "[a](../clients.md#boards) [b](../architecture.md) \
                    [c](https://github.com/driftless/driftless/blob/main/examples/x/a.rs)\n\
                    [d](https://x/y) [e](#here) [g](../components/index.md)\n```\n[f](../g.md)\n```\n";
        assert_eq!(pages.len(), 1);
        assert_eq!(pages["components/parts.md"], page);
    }
}
