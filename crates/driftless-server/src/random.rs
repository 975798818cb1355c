//! Randomness from the system.

/// 128 random bits.
pub fn id() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    u128::from_be_bytes(bytes)
}

/// A number below `bound`, about evenly; 0 where the bound is 0.
pub fn below(bound: u64) -> u64 {
    let [word] = [getrandom::u64().expect("the system has randomness")];
    word.checked_rem(bound).unwrap_or(0)
}
