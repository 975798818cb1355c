//! Seeded mutations of a corpus: the short run.

/// `SplitMix64` (Steele, Lea, Flood 2014): the same seed gives the same run on every machine.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Longest input that a mutation makes, in bytes.
const INPUT_BYTES_MAX: usize = 2_048;
/// What breaks parsers: ends of ranges, signs, quotes and brackets.
const SPECIAL: [u8; 16] = [
    0, 1, 0x7f, 0x80, 0xc0, 0xc4, 0xcf, 0xdf, 0xff, b'"', b'\\', b'{', b'[', b'-', b'9', b'/',
];

/// This many inputs made from a corpus: a mutation of one of its files, or now and then any bytes.
pub fn inputs(seed: u64, corpus: &[Vec<u8>], count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut dice = Dice(seed);
    (0..count).map(move |_| {
        if corpus.is_empty() || dice.below(8) == 0 {
            let length = dice.below(256);
            return (0..length).map(|_| dice.byte()).collect();
        }
        let mut input = corpus[dice.below(corpus.len())].clone();
        for _ in 0..=dice.below(6) {
            mutate(&mut dice, corpus, &mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    })
}

fn mutate(dice: &mut Dice, corpus: &[Vec<u8>], input: &mut Vec<u8>) {
    let at = dice.below(input.len());
    match dice.below(7) {
        0 if !input.is_empty() => input[at] ^= 1 << dice.below(8),
        1 if !input.is_empty() => input[at] = SPECIAL[dice.below(SPECIAL.len())],
        2 if !input.is_empty() => input[at] = dice.byte(),
        3 if !input.is_empty() => {
            input.remove(at);
        }
        4 => input.truncate(at),
        5 => {
            let end = at + dice.below(input.len() - at.min(input.len())).min(64);
            let again = input.get(at..end).unwrap_or_default().to_vec();
            input.splice(at..at, again);
        }
        _ => {
            let other = &corpus[dice.below(corpus.len())];
            let from = dice.below(other.len());
            input.splice(at.., other.get(from..).unwrap_or_default().iter().copied());
        }
    }
}
