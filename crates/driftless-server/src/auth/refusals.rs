//! Refused sign-ins, counted until they are written down: whoever tries a thousand times is one
//! line of the audit log, not a thousand.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Most pairs of reason and address that are told apart at once.
const KINDS_MAX: usize = 64;

/// Refused sign-ins that are not written down yet.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<BTreeMap<(String, Option<IpAddr>), u64>>,
}

impl Refusals {
    /// Counts one. With too many addresses at once, those that come last are not told apart.
    pub fn add(&self, reason: &str, address: Option<IpAddr>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (reason.to_owned(), address);
        let is_room = counts.len() < KINDS_MAX || counts.contains_key(&known);
        let kind = if is_room {
            known
        } else {
            ("for several reasons".to_owned(), None)
        };
        *counts.entry(kind).or_default() += 1;
    }

    /// Takes out what there is, a line for each.
    pub fn take(&self) -> Vec<String> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = std::mem::take(&mut *counts);
        let line = |((reason, address), count): ((String, Option<IpAddr>), u64)| {
            let address = address.map_or("several addresses".to_owned(), |one| one.to_string());
            format!("{count} from {address}: {reason}")
        };
        counts.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_one_line_and_many_addresses_are_a_bounded_number_of_lines() {
        let refusals = Refusals::default();
        let home = "192.0.2.7".parse().ok();
        for _ in 0..3 {
            refusals.add("expired", home);
        }
        assert_eq!(refusals.take(), ["3 from 192.0.2.7: expired"]);
        assert!(refusals.take().is_empty());
        for last in 0..=255 {
            refusals.add("expired", Some([192, 0, 2, last].into()));
        }
        let lines = refusals.take();
        assert_eq!(lines.len(), KINDS_MAX + 1);
        let rest = 256 - KINDS_MAX;
        let rest = format!("{rest} from several addresses: for several reasons");
        assert!(lines.contains(&rest), "{lines:?}");
    }
}
