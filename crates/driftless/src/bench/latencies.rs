//! How long things took.

use std::time::Duration;

/// How long each of many things took, to the microsecond; at most an hour each.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    micros: Vec<u32>,
}

impl Latencies {
    /// Takes one in.
    pub fn add(&mut self, latency: Duration) {
        self.micros
            .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// Takes all of another's in.
    pub fn append(&mut self, mut other: Self) {
        self.micros.append(&mut other.micros);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.micros.len()
    }

    /// The median and the 99th percentile, in microseconds: the smallest that so many are not
    /// above. 0 where there is nothing.
    pub fn p50_p99(mut self) -> (u64, u64) {
        self.micros.sort_unstable();
        (self.at(50), self.at(99))
    }

    fn at(&self, percent: usize) -> u64 {
        let rank = (self.micros.len() * percent).div_ceil(100);
        let micros = self.micros.get(rank.saturating_sub(1));
        micros.copied().unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut latencies = Latencies::default();
        (1..=200)
            .rev()
            .for_each(|micros| latencies.add(Duration::from_micros(micros)));
        assert_eq!(latencies.p50_p99(), (100, 198));
        assert_eq!(Latencies::default().p50_p99(), (0, 0));
    }
}
