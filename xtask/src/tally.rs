//! Counting tests: single checks, cargo's test binaries, node's test runner.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed and how many failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that ran and passed.
    pub passed: u64,
    /// Tests that ran and failed, or could not run.
    pub failed: u64,
}

impl Tally {
    /// One failure and nothing else.
    pub const ONE_FAILURE: Self = Self {
        passed: 0,
        failed: 1,
    };

    /// A check that counts as one test.
    pub fn of_check(passed: bool) -> Self {
        Self {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    /// The tests that ran.
    pub fn executed(&self) -> u64 {
        self.passed + self.failed
    }

    /// Adds a failure for a run that ended badly without a test that failed: it did not compile,
    /// or it crashed.
    pub fn judged(mut self, succeeded: bool) -> Self {
        if !succeeded && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The counts in a summary line of a cargo test binary; `None` for any other line.
pub fn of_cargo_line(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |unit| {
        let words = counts
            .split("; ")
            .find_map(|part| part.strip_suffix(unit))?;
        words.trim().parse().ok()
    };
    Some(Tally {
        passed: count(" passed")?,
        failed: count(" failed")?,
    })
}

/// What a test could not do here and why, where a line says so; cargo counts it as passed.
pub fn of_skipped_line(line: &str) -> Option<&str> {
    line.strip_prefix("SKIPPED: ")
}

/// The count in a summary line of node's test runner, in its TAP form (`# pass 3`) or its spec
/// form (`ℹ pass 3`); `None` for any other line. A cancelled test did not do its job.
pub fn of_node_line(line: &str) -> Option<Tally> {
    let summary = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (kind, count) = summary.split_once(' ')?;
    let count = count.parse().ok()?;
    match kind {
        "pass" => Some(Tally {
            passed: count,
            failed: 0,
        }),
        "fail" | "cancelled" => Some(Tally {
            passed: 0,
            failed: count,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn cargo_summaries_are_counted_and_other_lines_are_not() {
        let passed = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; \
                      finished in 0.02s";
        let failed = "test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; 0 filtered \
                      out; finished in 0.02s";
        assert_eq!(of_cargo_line(passed), Some(tally(12, 0)));
        assert_eq!(of_cargo_line(failed), Some(tally(7, 2)));
        assert_eq!(of_cargo_line("test tally::a ... ok"), None);
        assert_eq!(of_cargo_line("running 12 tests"), None);
    }

    #[test]
    fn node_summaries_are_counted_in_both_forms() {
        assert_eq!(of_node_line("# pass 3"), Some(tally(3, 0)));
        assert_eq!(of_node_line("ℹ fail 2"), Some(tally(0, 2)));
        assert_eq!(of_node_line("ℹ cancelled 1"), Some(tally(0, 1)));
        assert_eq!(of_node_line("# tests 5"), None);
        assert_eq!(of_node_line("# pass the salt"), None);
        assert_eq!(of_node_line("✔ pass 3"), None);
    }

    #[test]
    fn a_test_that_could_not_run_says_so_in_a_line_of_its_own() {
        assert_eq!(of_skipped_line("SKIPPED: no strace"), Some("no strace"));
        assert_eq!(of_skipped_line("test tally::a ... ok"), None);
    }

    #[test]
    fn a_run_that_ended_badly_has_at_least_one_failure() {
        assert_eq!(tally(5, 0).judged(false), tally(5, 1));
        assert_eq!(tally(5, 2).judged(false), tally(5, 2));
        assert_eq!(tally(5, 0).judged(true), tally(5, 0));
    }

    #[test]
    fn the_closing_line_is_plain() {
        let mut total = tally(1, 0);
        total += tally(2, 3);
        assert_eq!(total.to_string(), "3 passed, 3 failed");
    }
}
