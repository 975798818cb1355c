//! How long files, functions and lines are.

use std::collections::HashMap;
use std::fmt;

use super::masked::Masked;
use super::tree::{Finding, Tree};

/// The ceiling for a file, in lines.
pub const FILE_LINES_MAX: usize = 600;
/// The ceiling for a function from its `fn` to its closing brace, in lines, `view!` bodies apart.
pub const FUNCTION_LINES_MAX: usize = 70;
/// The ceiling for a line, in characters.
pub const COLUMNS_MAX: usize = 100;

/// What is too long: a file, or a function of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Long {
    /// A whole file, by its path.
    File(String),
    /// A function, by its file's path and its name.
    Function(String, String),
}

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {path}"),
            Self::Function(path, name) => write!(f, "function {path} {name}"),
        }
    }
}

/// Everything over its ceiling, in lines.
pub fn over_ceiling(tree: &Tree) -> HashMap<Long, usize> {
    let mut long = HashMap::new();
    for file in tree.rust() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            long.insert(Long::File(file.path.clone()), lines);
        }
        for (name, lines) in functions(&Masked::new(&file.text)) {
            if lines > FUNCTION_LINES_MAX {
                let of_name = long
                    .entry(Long::Function(file.path.clone(), name))
                    .or_default();
                *of_name = lines.max(*of_name);
            }
        }
    }
    long
}

/// Reports lines that are too wide. One that holds a string or an address may have no place to
/// break.
pub fn wide_lines(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (index, line) in file.text.lines().enumerate() {
            let breakable = !line.contains('"') && !line.contains("://");
            let columns = line.chars().count();
            if breakable && columns > COLUMNS_MAX {
                let message = format!("{columns} columns; at most {COLUMNS_MAX}");
                findings.push(Finding::line(&file.path, index + 1, message));
            }
        }
    }
    findings
}

/// Each function's name and length in lines.
fn functions(code: &Masked) -> Vec<(String, usize)> {
    let views = view_bodies(code);
    let mut functions = Vec::new();
    for start in code.words("fn") {
        let name_at = code.skip_space(start + "fn".len());
        let name = code.identifier(name_at);
        let Some(open) = code.body_or_end(name_at) else {
            continue;
        };
        if name.is_empty() || code.bytes()[open] != b'{' {
            continue;
        }
        let Some(close) = code.closing(open) else {
            continue;
        };
        let (first, last) = (code.line(start), code.line(close));
        let exempt = (first..=last).filter(|line| views.iter().any(|view| view.contains(line)));
        functions.push((name.to_owned(), last + 1 - first - exempt.count()));
    }
    functions
}

/// The lines between the brackets of each `view!`.
fn view_bodies(code: &Masked) -> Vec<std::ops::Range<usize>> {
    code.words("view")
        .filter_map(|start| {
            let bang = start + "view".len();
            let open = code.skip_space(bang + 1);
            let is_macro = code.bytes().get(bang) == Some(&b'!')
                && matches!(code.bytes().get(open), Some(b'{' | b'(' | b'['));
            let close = is_macro.then(|| code.closing(open)).flatten()?;
            Some(code.line(open) + 1..code.line(close))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(source: &str) -> Vec<(String, usize)> {
        functions(&Masked::new(source))
    }

    #[test]
    fn a_function_counts_from_its_fn_to_its_brace() {
        let source = "/// Doc.\nfn a() {\n    b();\n}\nfn c(x: [u8; 2]) -> u8 { x[0] }";
        assert_eq!(lengths(source), [("a".to_owned(), 3), ("c".to_owned(), 1)]);
    }

    #[test]
    fn declarations_and_function_types_are_no_functions() {
        assert!(lengths("trait T { fn a(&self); }\ntype F = fn(u8) -> u8;").is_empty());
    }

    #[test]
    fn view_bodies_do_not_count() {
        let source = "fn a() {\n  view! {\n    <p>\n      \"}\"\n    </p>\n  }\n}";
        assert_eq!(lengths(source), [("a".to_owned(), 4)]);
    }

    #[test]
    fn only_what_is_over_its_ceiling_is_long() {
        let body = |lines| format!("fn f() {{\n{}}}\n", "x();\n".repeat(lines - 2));
        let (at, over) = (body(FUNCTION_LINES_MAX), body(FUNCTION_LINES_MAX + 1));
        let whole = "\n".repeat(FILE_LINES_MAX + 1);
        let tree = Tree::of(&[("at.rs", &at), ("over.rs", &over), ("whole.rs", &whole)]);
        let mut long: Vec<_> = over_ceiling(&tree).into_iter().collect();
        long.sort();
        let function = Long::Function("over.rs".to_owned(), "f".to_owned());
        assert_eq!(
            long,
            [(Long::File("whole.rs".to_owned()), 601), (function, 71)]
        );
    }

    #[test]
    fn a_wide_line_is_found_unless_it_holds_a_string() {
        let wide = "x".repeat(COLUMNS_MAX + 1);
        let text = format!("{wide}\n\"{wide}\"\n// https://{wide}\n{}", &wide[1..]);
        let findings = wide_lines(&Tree::of(&[("a.rs", &text)]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "a.rs:1");
    }
}
