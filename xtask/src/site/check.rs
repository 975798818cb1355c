//! The finished site: every link in it leads somewhere, and nothing is fetched from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{markdown, sizes};

/// What of a page is fetched as it is opened, and may not come from elsewhere.
const FETCHED: [&str; 6] = ["link ", "script ", "img ", "iframe ", "source ", "video "];

/// Looks over a built site; the error names each link that leads nowhere.
pub fn check(folder: &Path) -> Result<usize> {
    let mut pages = BTreeMap::new();
    let mut files = BTreeSet::new();
    for file in sizes::files_below(folder)? {
        let path = file.to_string_lossy().replace('\\', "/");
        if file
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let text = std::fs::read_to_string(folder.join(&file))
                .with_context(|| format!("cannot read {path}"))?;
            pages.insert(path.clone(), text);
        }
        files.insert(path);
    }
    ensure!(
        files.iter().any(|path| path.starts_with("searchindex")),
        "the site cannot be searched: there is no index"
    );
    let findings = findings(&pages, &files);
    ensure!(findings.is_empty(), "the site: {}", findings.join("\n  "));
    Ok(pages.len())
}

fn findings(pages: &BTreeMap<String, String>, files: &BTreeSet<String>) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in pages {
        // Its links are the front page's, seen from any folder.
        if path == "404.html" {
            continue;
        }
        for tag in tags(text) {
            let is_fetched = FETCHED.iter().any(|name| tag.starts_with(name));
            for target in attribute(tag, "href")
                .into_iter()
                .chain(attribute(tag, "src"))
            {
                findings.extend(broken(path, target, pages, files));
                if is_fetched && target.contains("//") {
                    findings.push(format!("{path} fetches {target}"));
                }
            }
        }
    }
    findings
}

/// The tags of a page, without their brackets. In text and in code `<` is written otherwise.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let tags = text.split('<').skip(1);
    tags.filter_map(|rest| Some(rest.split_once('>')?.0))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    Some(value.split_once('"')?.0)
}

fn broken(
    page: &str,
    target: &str,
    pages: &BTreeMap<String, String>,
    files: &BTreeSet<String>,
) -> Option<String> {
    let (path, place) = markdown::resolve(page, target)?;
    let path = if path.is_empty() { page } else { &path };
    let index = format!("{path}/index.html");
    let path = if files.contains(path) { path } else { &index };
    let is_there = match pages.get(path) {
        Some(text) => place.is_empty() || text.contains(&format!("id=\"{place}\"")),
        None => files.contains(path),
    };
    (!is_there).then(|| format!("{page} links to {target}, which is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let pages = [("a/b.html", text), ("c.html", "<h1 id=\"top\">")];
        let pages: BTreeMap<_, _> = pages
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into();
        let files = pages.keys().cloned().chain(["x.css".to_owned()]).collect();
        findings(&pages, &files)
    }

    #[test]
    fn what_is_there_passes() {
        let text = "<link href=\"../x.css\"><a href=\"../c.html#top\"> <a href=\"https://x/y\">\
                    <code>&lt;a href=\"z\"></code>";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn what_leads_nowhere_or_comes_from_elsewhere_is_named() {
        let text = "<a href=\"../c.html#gone\"><a href=\"d.html\"><script src=\"https://x/y.js\">";
        assert_eq!(
            found(text),
            [
                "a/b.html links to ../c.html#gone, which is not there",
                "a/b.html links to d.html, which is not there",
                "a/b.html fetches https://x/y.js",
            ]
        );
    }
}
