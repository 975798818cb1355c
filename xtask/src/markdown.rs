//! What tidy and the site need to know of Markdown: what is prose, links and where they lead,
//! headings and what they are called in an address, blocks of code.

/// A block of code between fences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<'a> {
    /// Where its first fence stands, counted from 1.
    pub line: usize,
    /// What stands behind the fence: `rust,no_run`, `sh`.
    pub language: &'a str,
    /// The last line before it that is not empty.
    pub before: &'a str,
}

/// The lines outside of code blocks, counted from 1.
pub fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut inside_block = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if is_fence(line) {
            inside_block = !inside_block;
        } else if !inside_block {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// The blocks of code.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let (mut inside_block, mut before, mut found) = (false, "", Vec::new());
    for (index, line) in text.lines().enumerate() {
        let (trimmed, line_number) = (line.trim(), index + 1);
        if is_fence(line) {
            inside_block = !inside_block;
            if inside_block {
                found.push(Block {
                    line: line_number,
                    language: trimmed.trim_start_matches('`'),
                    before,
                });
            }
        }
        if !trimmed.is_empty() {
            before = trimmed;
        }
    }
    found
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// What stands in backticks.
pub fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The targets of `[text](target)` and `![text](target)`.
pub fn link_targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// A relative link as a path from the root and a place in it, each empty where it names none;
/// `None` for addresses.
pub fn resolve<'a>(document: &str, target: &'a str) -> Option<(String, &'a str)> {
    let target = target.split(' ').next().unwrap_or(target);
    if target.contains(':') {
        return None;
    }
    let (target, place) = target.split_once('#').unwrap_or((target, ""));
    if target.is_empty() {
        return Some((String::new(), place));
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
    Some((parts.join("/"), place))
}

/// What the headings of a text are called in an address, one that comes again with a number, and
/// the places that have an id of their own.
pub fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let ids = line.split("id=\"").skip(1);
        found.extend(ids.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let anchor = anchor(heading.trim());
        let before = found.iter().filter(|one| **one == anchor).count();
        found.push(match before {
            0 => anchor,
            count => format!("{anchor}-{count}"),
        });
    }
    found
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ if character.is_alphanumeric() => Some(character.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_path_from_the_root_and_a_place() {
        let at = |target| resolve("docs/guide/start.md", target);
        assert_eq!(at("../a.md#b"), Some(("docs/a.md".to_owned(), "b")));
        assert_eq!(at("#here"), Some((String::new(), "here")));
        assert_eq!(at("https://x/y#z"), None);
    }

    #[test]
    fn headings_are_called_as_sites_call_them() {
        let text = "<a id=\"own\"></a>\n# `driftless serve`, and more\n## TLS\n```sh\n# no heading\n```\n## TLS\n#no";
        let expected = ["own", "driftless-serve-and-more", "tls", "tls-1"];
        assert_eq!(anchors(text), expected);
    }

    #[test]
    fn a_block_knows_its_language_and_what_stands_before_it() {
        let text = "text\n\n<!-- run -->\n```sh\nls\n```\n\n```rust,no_run\n```\n";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].line, found[0].language), (4, "sh"));
        assert_eq!(found[0].before, "<!-- run -->");
        assert_eq!((found[1].line, found[1].language), (8, "rust,no_run"));
    }
}
