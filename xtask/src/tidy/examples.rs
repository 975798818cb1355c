//! Examples: each public item that an application is given shows how it is used, in code that runs.

use super::tree::{Finding, SourceFile, Tree};

/// The sources that are looked at: the client, and what it gives on from the crates below it.
const SHOWN: [&str; 3] = [
    "crates/driftless-client/src/",
    "crates/driftless-model/src/",
    "crates/driftless-sync/src/replica/realtime_config/",
];

/// What of them is left out, each with the reason. Tests in files of their own are, anyway.
const LEFT_OUT: [(&str, &str); 3] = [
    (
        "crates/driftless-client/src/platform/web/",
        "there in a browser only, where no example of a doc comment runs",
    ),
    (
        "crates/driftless-client/src/surroundings.rs",
        "a private module, of which nothing is exported",
    ),
    (
        "crates/driftless-model/src/limits.rs",
        "numbers that say what they bound; the module has one example for all",
    ),
];

/// How a line begins that begins a public item.
const ITEMS: [&str; 8] = [
    "pub fn ",
    "pub const fn ",
    "pub async fn ",
    "pub struct ",
    "pub enum ",
    "pub trait ",
    "pub const ",
    "pub type ",
];

/// Attributes of items that no example of this machine can use.
const ELSEWHERE: [&str; 2] = ["#[cfg(test)]", "#[cfg(target_arch = \"wasm32\")]"];

/// Reports public items without an example of their own.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|file| is_looked_at(&file.path))
        .flat_map(of_file)
        .collect()
}

fn is_looked_at(path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    let is_left_out = LEFT_OUT.iter().any(|(out, _)| path.starts_with(out));
    !is_test && !is_left_out && SHOWN.iter().any(|shown| path.starts_with(shown))
}

fn of_file(file: &SourceFile) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut walk = Walk::default();
    let bare = (0..lines.len()).filter_map(|index| walk.bare(&lines, index));
    let finding = |(index, item)| {
        let message = format!("{item} has no example that runs in its doc comment");
        Finding::line(&file.path, index + 1, message)
    };
    bare.map(finding).collect()
}

/// The way through a file, from top to bottom.
#[derive(Default)]
struct Walk<'a> {
    /// The indentation of the private module that it is within.
    private_module: Option<usize>,
    /// The macro that was declared last.
    last_macro: Option<&'a str>,
    /// Macros whose items have the doc comments that the calls give them.
    makers: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    /// The item without an example that a line begins, or has a macro make: where it is named, and
    /// how.
    fn bare(&mut self, lines: &[&'a str], index: usize) -> Option<(usize, &'a str)> {
        let line = lines[index];
        if let Some(indent) = self.private_module {
            let is_end = line.trim_start() == "}" && indentation(line) == indent;
            self.private_module = self.private_module.filter(|_| !is_end);
            return None;
        }
        if is_private_module(line) {
            self.private_module = Some(indentation(line));
        }
        if let Some(name) = line.strip_prefix("macro_rules! ") {
            self.last_macro = name.strip_suffix(" {");
        }
        let called = line.strip_suffix("!(");
        if called.is_some_and(|name| self.makers.contains(&name)) {
            let (below, name) = made(&lines[index + 1..])?;
            return Some((index + 1 + below, name));
        }
        let item = item(line)?;
        let above = above(&lines[..index]);
        if is_elsewhere(above) || has_example(above) {
            return None;
        }
        if is_told_by_caller(above) {
            self.makers.extend(self.last_macro);
            return None;
        }
        Some((index, item))
    }
}

/// What a call of a macro makes that takes the doc comment with it, unless that has an example:
/// how many lines below the call it is named, and its name.
fn made<'a>(below: &[&'a str]) -> Option<(usize, &'a str)> {
    let at = below
        .iter()
        .position(|line| !line.trim().starts_with("//"))?;
    let name = below[at].trim().split(',').next()?;
    (!has_example(&below[..at])).then_some((at, name))
}

/// A module with its text in this file, which nobody outside can name: the tests, for instance.
fn is_private_module(line: &str) -> bool {
    line.trim_start().starts_with("mod ") && line.ends_with('{')
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// What the line begins, by its kind and name.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let start = ITEMS.iter().find(|start| line.starts_with(**start))?;
    let name = &line[start.len()..];
    let ends = |letter: char| !letter.is_alphanumeric() && !"_$".contains(letter);
    let end = start.len() + name.find(ends).unwrap_or(name.len());
    Some(&line[..end])
}

/// The doc comment and the attributes that end right above an item.
fn above<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let is_other = |line: &&str| {
        let line = line.trim_start();
        let is_about_item = line.starts_with("//") || line.starts_with('#');
        line.is_empty() || (!is_about_item && line.ends_with(['{', '}', ';']))
    };
    let start = lines.iter().rposition(is_other).map_or(0, |last| last + 1);
    &lines[start..]
}

fn is_elsewhere(above: &[&str]) -> bool {
    above.iter().any(|line| ELSEWHERE.contains(&line.trim()))
}

/// Whether an item that a macro makes has its doc comment from where the macro is called.
fn is_told_by_caller(above: &[&str]) -> bool {
    above.iter().any(|line| line.trim().starts_with("$(#[$"))
}

/// Whether a block of code begins in the doc comment that is compiled and run.
fn has_example<'a>(above: &[&'a str]) -> bool {
    let fence = |line: &&'a str| line.trim().strip_prefix("///")?.trim().strip_prefix("```");
    let mut is_within = false;
    for fence in above.iter().filter_map(fence) {
        if !is_within && matches!(fence, "" | "rust" | "should_panic") {
            return true;
        }
        is_within = !is_within;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        let findings = check(&Tree::of(&[(path, text)]));
        findings.into_iter().map(|finding| finding.place).collect()
    }

    const BOARD: &str = "crates/driftless-client/src/board.rs";

    #[test]
    fn an_item_with_an_example_passes_whatever_stands_between() {
        let shown = "/// A board.\n///\n/// ```\n/// let board = client.board(\"home\");\n/// ```\n\
                     #[derive(Debug)]\n\
                     #[allow(\n    dead_code,\n    reason = \"shown\"\n)]\n\
                     pub struct Board {\n    /// Its id.\n    pub id: u32,\n}\n\n\
                     impl Board {\n    /// Opens it.\n    pub(crate) fn open() {}\n\n\
                     /// Its name.\n    ///\n    /// ```should_panic\n    /// ```\n    \
                     pub async fn name() {}\n}\n";
        assert_eq!(places(BOARD, shown), [] as [&str; 0]);
    }

    #[test]
    fn an_item_without_one_is_told_by_file_line_and_name() {
        let bare = "/// ```\n/// ```\npub struct Board {\n    id: u32,\n}\n\
                    impl Board {\n    /// Its name.\n    #[must_use]\n    pub fn name() {}\n}\n";
        let findings = check(&Tree::of(&[(BOARD, bare)]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, format!("{BOARD}:9"));
        let message = &findings[0].message;
        assert!(message.starts_with("pub fn name has no example"));
        for start in ITEMS {
            let text = format!("/// Bare.\n{start}Thing\n");
            assert_eq!(places(BOARD, &text), [format!("{BOARD}:2")], "{start}");
        }
    }

    #[test]
    fn a_block_that_does_not_run_is_none() {
        for fence in ["text", "ignore", "no_run", "compile_fail,E0277"] {
            let text = format!("/// ```{fence}\n/// let\n/// ```\npub type Board = u32;\n");
            assert_eq!(places(BOARD, &text), [format!("{BOARD}:4")], "{fence}");
            let both = format!("/// ```{fence}\n/// ```\n/// ```\n/// ```\npub fn a() {{}}\n");
            assert_eq!(places(BOARD, &both), [] as [&str; 0], "{fence}");
        }
    }

    #[test]
    fn what_nobody_outside_or_only_a_browser_has_needs_none() {
        let out = "mod sealed {\n    pub trait Sealed {}\n}\n\n\
                   #[cfg(target_arch = \"wasm32\")]\npub fn start() {}\n\n\
                   #[cfg(test)]\nmod tests {\n    pub fn kit() {}\n}\n\n\
                   #[cfg(test)]\npub fn kit() {}\n";
        assert_eq!(places(BOARD, out), [] as [&str; 0]);
        let bare = "pub fn start() {}\n";
        for path in [
            "crates/driftless-client/src/platform/web/socket.rs",
            "crates/driftless-client/src/surroundings.rs",
            "crates/driftless-client/tests/driver.rs",
            "crates/driftless-model/src/limits.rs",
            "crates/driftless-model/src/layout/tests.rs",
            "crates/driftless-model/src/layout/tests/gesture.rs",
            "crates/driftless-sync/src/replica/board.rs",
            "crates/driftless-server/src/lib.rs",
        ] {
            assert_eq!(places(path, bare), [] as [&str; 0], "{path}");
        }
        let after = format!("{out}{bare}");
        assert_eq!(places(BOARD, &after).len(), 1);
    }

    #[test]
    fn what_the_client_gives_on_is_looked_at_too() {
        for path in [
            BOARD,
            "crates/driftless-model/src/ids.rs",
            "crates/driftless-model/src/layout/place.rs",
            "crates/driftless-sync/src/replica/realtime_config/source.rs",
        ] {
            let bare = "pub fn start() {}\n";
            assert_eq!(places(path, bare), [format!("{path}:1")], "{path}");
        }
    }

    #[test]
    fn what_a_macro_makes_is_shown_there_or_where_it_is_called() {
        let made = "macro_rules! id {\n    ($(#[$doc:meta])* $name:ident) => {\n        \
                    $(#[$doc])*\n        #[derive(Debug)]\n        pub struct $name;\n    };\n}\n";
        let shown = "id!(\n    /// One.\n    ///\n    /// ```\n    /// ```\n    Shown\n);\n";
        let bare = "id!(\n    /// Another.\n    Bare\n);\n";
        let findings = check(&Tree::of(&[(BOARD, &format!("{made}{shown}{bare}"))]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, format!("{BOARD}:17"));
        assert!(findings[0].message.starts_with("Bare has no example"));
        let here = made.replace("$(#[$doc])*", "/// Told.");
        assert_eq!(
            places(BOARD, &format!("{here}{bare}")),
            [format!("{BOARD}:5")]
        );
    }
}
