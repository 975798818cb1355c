//! The paths that a Rust source names: in `use` trees, spelled out, and inline in code.

use super::masked::{Masked, is_word};

/// One path, with `use` trees spelled out: `use a::{b, c}` names `a::b` and `a::c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// Its words; a glob ends in `*`.
    pub segments: Vec<String>,
    /// What it is called here: the alias after `as`, else the last word.
    pub name: String,
    /// Where it starts, counted from 1.
    pub line: usize,
}

impl NamedPath {
    /// Whether the path is, or lies under, `prefix` (words joined by `::`).
    pub fn starts_with(&self, prefix: &str) -> bool {
        let mut segments = self.segments.iter();
        prefix
            .split("::")
            .all(|word| segments.next().is_some_and(|segment| segment == word))
    }
}

/// Every path of a source, imports first. Paths of one word are listed only where imported.
pub fn named_paths(code: &Masked) -> Vec<NamedPath> {
    let declarations = use_declarations(code);
    let mut paths: Vec<_> = declarations
        .iter()
        .flat_map(|span| imported(code, span))
        .collect();
    paths.extend(inline(code, &declarations));
    paths
}

/// The paths of `use` declarations only.
pub fn imported_paths(code: &Masked) -> Vec<NamedPath> {
    use_declarations(code)
        .iter()
        .flat_map(|span| imported(code, span))
        .collect()
}

/// The spans between `use` and `;`.
fn use_declarations(code: &Masked) -> Vec<std::ops::Range<usize>> {
    code.words("use")
        .map(|start| code.skip_space(start + "use".len()))
        // `impl Trait + use<'a>` names no path.
        .filter(|start| code.bytes().get(*start) != Some(&b'<'))
        .filter_map(|start| {
            let length = code.bytes()[start..]
                .iter()
                .position(|byte| *byte == b';')?;
            Some(start..start + length)
        })
        .collect()
}

fn imported(code: &Masked, span: &std::ops::Range<usize>) -> Vec<NamedPath> {
    let tree = String::from_utf8_lossy(&code.bytes()[span.clone()]);
    let line = code.line(span.start);
    let mut paths = Vec::new();
    expand(&[], &tree, line, &mut paths);
    paths
}

fn expand(prefix: &[String], tree: &str, line: usize, paths: &mut Vec<NamedPath>) {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let inner = rest.trim_end().strip_suffix('}').unwrap_or(rest);
        let prefix = [prefix, &words(head)].concat();
        for branch in top_level_branches(inner) {
            expand(&prefix, branch, line, paths);
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut segments = [prefix, &words(path)].concat();
        if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
            segments.pop();
        }
        let last = segments.last().cloned().unwrap_or_default();
        let name = if alias.trim().is_empty() {
            last
        } else {
            alias.trim().to_owned()
        };
        paths.push(NamedPath {
            segments,
            name,
            line,
        });
    }
}

fn words(path: &str) -> Vec<String> {
    path.split("::")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Splits at the commas that are in no inner braces.
fn top_level_branches(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut branches) = (0_usize, 0, Vec::new());
    for (index, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                branches.push(&tree[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    branches.push(&tree[start..]);
    branches
}

fn inline(code: &Masked, declarations: &[std::ops::Range<usize>]) -> Vec<NamedPath> {
    let bytes = code.bytes();
    let (mut at, mut paths) = (0, Vec::new());
    let mut declarations = declarations.iter().peekable();
    while at < bytes.len() {
        if let Some(span) = declarations.next_if(|span| span.start <= at) {
            at = at.max(span.end);
        } else if is_word(bytes[at]) {
            let (segments, end) = path_at(code, at);
            if segments.len() > 1 {
                let name = segments.last().cloned().unwrap_or_default();
                paths.push(NamedPath {
                    segments,
                    name,
                    line: code.line(at),
                });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    paths
}

/// The path that starts with the word at `start`, and where it ends.
fn path_at(code: &Masked, start: usize) -> (Vec<String>, usize) {
    let (mut segments, mut at) = (Vec::new(), start);
    loop {
        let word = code.identifier(at);
        segments.push(word.to_owned());
        at += word.len();
        let next = at + 2;
        let goes_on = code.bytes().get(at..next) == Some(b"::")
            && code.bytes().get(next).copied().is_some_and(is_word);
        if !goes_on {
            return (segments, at);
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        let code = Masked::new(source);
        named_paths(&code)
            .iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn a_use_tree_is_spelled_out() {
        let source = "use crate::{a::{self, B}, c as d};\nuse std::fs::*;";
        assert_eq!(
            paths(source),
            ["crate::a", "crate::a::B", "crate::c", "std::fs::*"]
        );
    }

    #[test]
    fn inline_paths_are_found_and_capture_lists_are_not() {
        let source = "fn f() -> impl Sized + use<'_> { std::fs::read(crate::a::NAME).x::<T>() }";
        assert_eq!(paths(source), ["std::fs::read", "crate::a::NAME"]);
    }

    #[test]
    fn an_alias_is_the_name() {
        let code = Masked::new("pub use a::B as C;");
        assert_eq!(imported_paths(&code)[0].name, "C");
    }

    #[test]
    fn a_prefix_is_whole_words() {
        let path = |source| named_paths(&Masked::new(source)).remove(0);
        assert!(path("use std::time::Instant;").starts_with("std::time::Instant"));
        assert!(!path("use std::time::Instants;").starts_with("std::time::Instant"));
        assert!(!path("use std::time;").starts_with("std::time::Instant"));
    }

    #[test]
    fn each_path_knows_its_line() {
        let code = Masked::new("\nuse a::b;\n\nfn f() { c::d() }");
        let lines: Vec<_> = named_paths(&code).iter().map(|path| path.line).collect();
        assert_eq!(lines, [2, 4]);
    }
}
