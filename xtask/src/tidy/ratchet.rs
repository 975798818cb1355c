//! The ratchet: what is too long today is listed with its length, and may only get shorter.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::lengths::Long;
use super::tree::Finding;

/// The ratchet's file, from the repository's root.
pub const PATH: &str = "xtask/tidy-ratchet.txt";

/// The lengths that are let pass, in lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ratchet {
    allowed: BTreeMap<Long, usize>,
}

impl Ratchet {
    /// Reads the committed list: one exception a line, its length last; `#` starts a comment.
    pub fn parse(text: &str) -> Result<Self> {
        let mut allowed = BTreeMap::new();
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let words: Vec<_> = line.split_whitespace().collect();
            let (long, lines) = match words[..] {
                ["file", path, lines] => (Long::File(path.to_owned()), lines),
                ["function", path, name, lines] => {
                    (Long::Function(path.to_owned(), name.to_owned()), lines)
                }
                _ => bail!("{PATH} has a line that is no exception: {line}"),
            };
            let lines = lines
                .parse()
                .with_context(|| format!("{PATH}: no length in {line}"))?;
            allowed.insert(long, lines);
        }
        Ok(Self { allowed })
    }

    /// The list as it is committed.
    pub fn to_text(&self) -> String {
        let mut text = String::from(
            "# Longer than the ceilings; each may only get shorter. `cargo xtask tidy --bless` lowers\n\
             # them; `--bless-new` also lists new ones, for a reviewer to see.\n",
        );
        for (long, lines) in &self.allowed {
            writeln!(text, "{long} {lines}").expect("a string takes any text");
        }
        text
    }

    /// Reports what grew, what is new, and what got shorter without the list being lowered.
    pub fn compare(&self, measured: &HashMap<Long, usize>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (long, lines) in measured {
            let message = match self.allowed.get(long) {
                None => format!("{lines} lines: split it by a noun with its own invariant"),
                Some(allowed) if lines > allowed => {
                    format!("grew from {allowed} to {lines} lines: it may only get shorter")
                }
                Some(_) => continue,
            };
            findings.push(Finding::file(&long.to_string(), message));
        }
        for (long, allowed) in &self.allowed {
            if measured.get(long).is_none_or(|lines| lines < allowed) {
                let message = "is shorter now: lower it with `cargo xtask tidy --bless`";
                findings.push(Finding::file(&long.to_string(), message));
            }
        }
        findings.sort_by(|one, other| one.place.cmp(&other.place));
        findings
    }

    /// The list lowered to what is measured; entries that aren't needed any more are dropped.
    pub fn lowered(&self, measured: &HashMap<Long, usize>) -> Self {
        let lower = |(long, allowed): (&Long, &usize)| {
            let lines = measured.get(long)?;
            Some((long.clone(), *lines.min(allowed)))
        };
        Self {
            allowed: self.allowed.iter().filter_map(lower).collect(),
        }
    }

    /// The list that lets pass everything measured, new exceptions included.
    pub fn of(measured: &HashMap<Long, usize>) -> Self {
        Self {
            allowed: measured
                .iter()
                .map(|(long, lines)| (long.clone(), *lines))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Long {
        Long::File(path.to_owned())
    }

    fn listed() -> Ratchet {
        Ratchet::parse("# comment\n\nfile a.rs 700\nfunction b.rs run 80\n").unwrap()
    }

    #[test]
    fn the_text_reads_back() {
        assert_eq!(Ratchet::parse(&listed().to_text()).unwrap(), listed());
        assert!(Ratchet::parse("file a.rs").is_err());
    }

    #[test]
    fn growth_novelty_and_slack_are_reported() {
        let measured = HashMap::from([(file("a.rs"), 701), (file("c.rs"), 601)]);
        let places: Vec<_> = listed()
            .compare(&measured)
            .into_iter()
            .map(|f| f.place)
            .collect();
        assert_eq!(places, ["file a.rs", "file c.rs", "function b.rs run"]);
    }

    #[test]
    fn what_is_as_long_as_listed_passes() {
        let function = Long::Function("b.rs".to_owned(), "run".to_owned());
        let measured = HashMap::from([(file("a.rs"), 700), (function, 80)]);
        assert!(listed().compare(&measured).is_empty());
    }

    #[test]
    fn lowering_never_raises_or_adds() {
        let measured = HashMap::from([(file("a.rs"), 800), (file("c.rs"), 601)]);
        assert_eq!(
            listed().lowered(&measured).to_text().lines().last(),
            Some("file a.rs 700")
        );
        let measured = HashMap::from([(file("a.rs"), 650)]);
        assert_eq!(
            listed().lowered(&measured).to_text().lines().last(),
            Some("file a.rs 650")
        );
    }

    #[test]
    fn blessing_lists_everything_measured() {
        let measured = HashMap::from([(file("c.rs"), 601)]);
        assert!(Ratchet::of(&measured).compare(&measured).is_empty());
    }
}
