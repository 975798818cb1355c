//! Chance, from a seed. It decides what is done and when; how the threads run is up to the system,
//! so a seed repeats a run only roughly.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// A source of chance.
#[derive(Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// One for this part of a run.
    pub fn new(seed: u64, part: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        dice.set_stream(part);
        Self(dice)
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end.max(1)
    }

    /// Whether one of `of` chances came.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// Up to this long.
    pub fn up_to(&mut self, longest: Duration) -> Duration {
        let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(longest_us))
    }
}
