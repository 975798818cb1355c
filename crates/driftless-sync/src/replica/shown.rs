//! Since when which version of a board is on screen, for others who ask.

use std::collections::VecDeque;

use driftless_model::{SortedSet, Version, limits};

/// Since when which version is on screen, and which ones others wait for.
#[derive(Debug, Default)]
pub struct Shown {
    /// Versions, ascending, and when they were shown first, in monotonic milliseconds.
    since: VecDeque<(Version, u64)>,
    awaited: SortedSet<Version>,
}

impl Shown {
    /// This version is on screen now. Answers those that others wait for.
    pub fn note(&mut self, version: Version, mono_ms: u64) -> Vec<Version> {
        let last = self.since.back().map(|(last, _)| *last);
        if last == Some(version) {
            return Vec::new();
        }
        if last.is_some_and(|last| last > version) {
            // The server went back to an earlier state: these versions were others.
            self.since.clear();
        }
        if self.since.len() >= limits::SHOWN_VERSIONS_MAX {
            self.since.pop_front();
        }
        self.since.push_back((version, mono_ms));
        let came = self.awaited.iter().filter(|awaited| **awaited <= version);
        let came: Vec<Version> = came.copied().collect();
        for version in &came {
            self.awaited.remove(version);
        }
        came
    }

    /// Since when a version has been on screen, at the latest. One that was not yet is waited for.
    pub fn since(&mut self, version: Version) -> Option<u64> {
        let mut shown = self.since.iter();
        if let Some((_, mono_ms)) = shown.find(|(shown, _)| *shown >= version) {
            return Some(*mono_ms);
        }
        self.awaited.insert(version);
        let oldest = self.awaited.first().copied();
        if let Some(oldest) = oldest.filter(|_| self.awaited.len() > limits::SCREENS_WAITING_MAX) {
            self.awaited.remove(&oldest);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(versions: std::ops::RangeInclusive<u64>) -> Shown {
        let mut shown = Shown::default();
        for version in versions {
            assert_eq!(shown.note(Version(version), version * 10), []);
        }
        shown
    }

    #[test]
    fn a_version_is_shown_since_the_first_frame_that_had_it_or_a_later_one() {
        let mut shown = after(1..=3);
        shown.note(Version(3), 900);
        shown.note(Version(7), 1_000);
        let since = |shown: &mut Shown, version| shown.since(Version(version));
        assert_eq!(since(&mut shown, 3), Some(30));
        assert_eq!(since(&mut shown, 5), Some(1_000));
        assert_eq!(since(&mut shown, 8), None);
        assert_eq!(shown.note(Version(9), 1_100), [Version(8)]);
        assert_eq!(shown.note(Version(10), 1_200), []);
    }

    #[test]
    fn so_many_versions_are_remembered() {
        let most = limits::SHOWN_VERSIONS_MAX as u64;
        assert_eq!(after(1..=most).since(Version(1)), Some(10));
        assert_eq!(after(1..=most + 1).since(Version(1)), Some(20));
    }

    #[test]
    fn after_a_step_back_of_the_server_nothing_of_before_counts() {
        let mut shown = after(1..=9);
        shown.note(Version(4), 500);
        assert_eq!(shown.since(Version(3)), Some(500));
        assert_eq!(shown.since(Version(5)), None);
    }
}
