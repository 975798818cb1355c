//! A file of `api/`: what is public in one crate.

use std::collections::HashSet;

const ONLY_NATIVE: &str = "# Not in a browser";
const ONLY_BROWSER: &str = "# In a browser only";

/// What is public, by where it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    everywhere: Vec<String>,
    only_native: Vec<String>,
    only_browser: Vec<String>,
}

impl Recorded {
    /// Sorts by where it is; what is not listed for the browser is everywhere.
    pub fn of(native: &[String], browser: Option<&[String]>) -> Self {
        let Some(browser) = browser else {
            return Self {
                everywhere: native.to_vec(),
                ..Self::default()
            };
        };
        let (in_native, in_browser) = (set(native), set(browser));
        let both = |line: &&String| in_browser.contains(line.as_str());
        let native_too = |line: &&String| in_native.contains(line.as_str());
        Self {
            everywhere: native.iter().filter(both).cloned().collect(),
            only_native: native.iter().filter(|line| !both(line)).cloned().collect(),
            only_browser: browser
                .iter()
                .filter(|line| !native_too(line))
                .cloned()
                .collect(),
        }
    }

    /// Reads a file.
    pub fn read(text: &str) -> Self {
        let mut recorded = Self::default();
        let mut into = &mut recorded.everywhere;
        for line in text.lines() {
            match line {
                ONLY_NATIVE => into = &mut recorded.only_native,
                ONLY_BROWSER => into = &mut recorded.only_browser,
                _ if line.is_empty() || line.starts_with("# ") => {}
                _ => into.push(line.to_owned()),
            }
        }
        recorded
    }

    /// The file's text.
    pub fn text(&self, package: &str) -> String {
        let mut text = format!(
            "# What is public in {package}. `cargo xtask api` writes this file, and the tests \
             compare it.\n# Every type is Send, Sync and Unpin, unless it says that it is not. \
             `<Component property?=Type>`: with a\n# question mark a property can be left out.\n\n"
        );
        let mut add = |lines: &[String]| {
            for line in lines {
                text.push_str(line);
                text.push('\n');
            }
        };
        add(&self.everywhere);
        for (heading, lines) in [
            (ONLY_NATIVE, &self.only_native),
            (ONLY_BROWSER, &self.only_browser),
        ] {
            if !lines.is_empty() {
                add(&[String::new(), heading.to_owned(), String::new()]);
                add(lines);
            }
        }
        text
    }

    /// The lines that are here and no longer public (`-`), and those that are public and not here
    /// (`+`). Without a list for the browser, what is only there is believed.
    pub fn differences(&self, native: &[String], browser: Option<&[String]>) -> Vec<String> {
        let mut differences = changes(&[&self.everywhere, &self.only_native], native, "");
        if let Some(browser) = browser {
            let here = [&self.everywhere, &self.only_browser];
            for change in changes(&here, browser, " (in a browser)") {
                let bare = change.trim_end_matches(" (in a browser)");
                if !differences.iter().any(|one| one == bare) {
                    differences.push(change);
                }
            }
        }
        differences
    }
}

fn changes(recorded: &[&Vec<String>], public: &[String], place: &str) -> Vec<String> {
    let recorded: Vec<_> = recorded.iter().copied().flatten().collect();
    let known: HashSet<_> = recorded.iter().map(|line| line.as_str()).collect();
    let now = set(public);
    let gone = recorded.iter().filter(|line| !now.contains(line.as_str()));
    let new = public.iter().filter(|line| !known.contains(line.as_str()));
    let gone = gone.map(|line| format!("- {line}{place}"));
    gone.chain(new.map(|line| format!("+ {line}{place}")))
        .collect()
}

fn set(lines: &[String]) -> HashSet<&str> {
    lines.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_written_is_read_and_says_where_an_item_is() {
        let (native, browser) = (owned(&["a", "file"]), owned(&["a", "tab"]));
        let recorded = Recorded::of(&native, Some(&browser));
        let text = recorded.text("crate");
        assert!(text.ends_with("a\n\n# Not in a browser\n\nfile\n\n# In a browser only\n\ntab\n"));
        assert_eq!(Recorded::read(&text), recorded);
        assert!(recorded.differences(&native, Some(&browser)).is_empty());
        assert!(recorded.differences(&native, None).is_empty());
    }

    #[test]
    fn what_went_and_what_came_is_told_once_with_where_it_is() {
        let recorded = Recorded::of(&owned(&["a", "b"]), Some(&owned(&["a", "b"])));
        let (native, browser) = (owned(&["a", "c"]), owned(&["b", "c"]));
        assert_eq!(
            recorded.differences(&native, Some(&browser)),
            ["- b", "+ c", "- a (in a browser)"]
        );
        assert!(!Recorded::read("").differences(&native, None).is_empty());
    }
}
