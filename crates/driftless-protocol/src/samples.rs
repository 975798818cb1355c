//! Samples and what is made of them, as a server stores them: small, and readable by every later
//! build.
//!
//! A chunk begins with a byte that says how it is written. Whole numbers are variable in length,
//! seven bits a byte, the lowest first; a difference `d` is written as the whole number
//! `(d << 1) ^ (d >> 63)`.

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// What; finite.
    pub value: f64,
}

/// The samples of one series within a span of time, taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollup {
    /// When the span begins, in milliseconds since 1970.
    pub start_ms: u64,
    /// How many samples there are.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The newest.
    pub last: Sample,
    /// By how much a counter grew from the sample before each.
    pub increase: f64,
    /// In what time it did, in milliseconds.
    pub elapsed_ms: u64,
    /// The negative numbers: how many have each magnitude, ascending.
    pub negative: Vec<(i32, u64)>,
    /// How many zeros there are.
    pub zeros: u64,
    /// The positive numbers, as the negative ones.
    pub positive: Vec<(i32, u64)>,
}

/// How finely history is kept: the older it is, the coarser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Samples as they came; a chunk holds those of a minute.
    Samples,
    /// A rollup of each minute; a chunk holds those of an hour.
    Minutes,
    /// A rollup of each hour; a chunk holds one.
    Hours,
}

impl Tier {
    /// Every one, finest first.
    pub const ALL: [Self; 3] = [Self::Samples, Self::Minutes, Self::Hours];

    /// Its number in storage.
    pub fn number(self) -> i64 {
        match self {
            Self::Samples => 0,
            Self::Minutes => 1,
            Self::Hours => 2,
        }
    }

    /// The span of a chunk, in milliseconds. Chunks begin at multiples of it since 1970.
    pub fn chunk_ms(self) -> u64 {
        match self {
            Self::Samples => MINUTE_MS,
            Self::Minutes | Self::Hours => HOUR_MS,
        }
    }
}

/// A minute, in milliseconds.
pub const MINUTE_MS: u64 = 60_000;
/// An hour, in milliseconds.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Why a chunk cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chunk of samples cannot be read at byte {at}; restore a backup, or leave it out")]
pub struct ChunkError {
    /// Where.
    pub at: usize,
}

/// How chunks are written today.
const FORM: u8 = 1;

/// Packs samples in order of time. The time of each is the difference to what the one before leads
/// to expect. Of a value, what differs in its bits from the one before: a byte with the number of
/// zero bytes in front (high half) and of bytes that follow (low half), most significant first.
pub fn pack_samples(samples: &[Sample]) -> Vec<u8> {
    let mut bytes = vec![FORM];
    let (mut time_ms, mut pause_ms, mut bits) = (0_u64, 0_u64, 0_u64);
    for sample in samples {
        let pause = sample.time_ms.wrapping_sub(time_ms);
        write_difference(&mut bytes, pause.wrapping_sub(pause_ms).cast_signed());
        (time_ms, pause_ms) = (sample.time_ms, pause);
        let changed = bits ^ sample.value.to_bits();
        bits = sample.value.to_bits();
        let (front, back) = (changed.leading_zeros() / 8, changed.trailing_zeros() / 8);
        let length = 8_u32.saturating_sub(front + back);
        bytes.push(u8::try_from((front << 4) | length).expect("both are at most 8"));
        let significant = changed.to_be_bytes();
        let start = front as usize;
        bytes.extend(significant.iter().skip(start).take(length as usize));
    }
    bytes
}

/// Reads what [`pack_samples`] wrote.
pub fn unpack_samples(bytes: &[u8]) -> Result<Vec<Sample>, ChunkError> {
    let mut reader = Reader::new(bytes)?;
    let mut samples = Vec::new();
    let (mut time_ms, mut pause_ms, mut bits) = (0_u64, 0_u64, 0_u64);
    while !reader.is_at_end() {
        pause_ms = pause_ms.wrapping_add(reader.difference()?.cast_unsigned());
        time_ms = time_ms.wrapping_add(pause_ms);
        let lengths = reader.byte()?;
        let (front, length) = (usize::from(lengths >> 4), usize::from(lengths & 15));
        let mut changed = [0; 8];
        for at in front..front + length {
            let byte = reader.byte()?;
            *changed.get_mut(at).ok_or(reader.error())? = byte;
        }
        bits ^= u64::from_be_bytes(changed);
        let value = f64::from_bits(bits);
        samples.push(Sample { time_ms, value });
    }
    Ok(samples)
}

/// Packs rollups in order of time.
pub fn pack_rollups(rollups: &[Rollup]) -> Vec<u8> {
    let mut bytes = vec![FORM];
    let mut start_ms = 0_u64;
    for rollup in rollups {
        write_whole(&mut bytes, rollup.start_ms.wrapping_sub(start_ms));
        start_ms = rollup.start_ms;
        write_whole(&mut bytes, rollup.count);
        let last = rollup.last.value;
        for number in [rollup.sum, rollup.min, rollup.max, last, rollup.increase] {
            bytes.extend(number.to_le_bytes());
        }
        write_whole(&mut bytes, rollup.last.time_ms.wrapping_sub(start_ms));
        write_whole(&mut bytes, rollup.elapsed_ms);
        write_whole(&mut bytes, rollup.zeros);
        write_bins(&mut bytes, &rollup.negative);
        write_bins(&mut bytes, &rollup.positive);
    }
    bytes
}

/// Reads what [`pack_rollups`] wrote.
pub fn unpack_rollups(bytes: &[u8]) -> Result<Vec<Rollup>, ChunkError> {
    let mut reader = Reader::new(bytes)?;
    let mut rollups = Vec::new();
    let mut start_ms = 0_u64;
    while !reader.is_at_end() {
        start_ms = start_ms.wrapping_add(reader.whole()?);
        let count = reader.whole()?;
        let [sum, min, max, last, increase] = reader.numbers()?;
        let last = Sample {
            time_ms: start_ms.wrapping_add(reader.whole()?),
            value: last,
        };
        rollups.push(Rollup {
            start_ms,
            count,
            sum,
            min,
            max,
            last,
            increase,
            elapsed_ms: reader.whole()?,
            zeros: reader.whole()?,
            negative: reader.bins()?,
            positive: reader.bins()?,
        });
    }
    Ok(rollups)
}

fn write_whole(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        bytes.push(u8::try_from(number & 127).expect("seven bits") | 128);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
}

fn write_difference(bytes: &mut Vec<u8>, difference: i64) {
    let folded = (difference << 1) ^ (difference >> 63);
    write_whole(bytes, folded.cast_unsigned());
}

/// How many bins, then of each the difference of its key to the one before, and its count.
fn write_bins(bytes: &mut Vec<u8>, bins: &[(i32, u64)]) {
    write_whole(bytes, bins.len() as u64);
    let mut before = 0;
    for (key, count) in bins {
        write_difference(bytes, i64::from(*key) - before);
        write_whole(bytes, *count);
        before = i64::from(*key);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// After the byte that says how a chunk is written.
    fn new(bytes: &'a [u8]) -> Result<Self, ChunkError> {
        let mut reader = Self { bytes, at: 0 };
        if reader.byte()? == FORM {
            Ok(reader)
        } else {
            Err(ChunkError { at: 0 })
        }
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn error(&self) -> ChunkError {
        ChunkError { at: self.at }
    }

    fn byte(&mut self) -> Result<u8, ChunkError> {
        let byte = self.bytes.get(self.at).ok_or(self.error())?;
        self.at += 1;
        Ok(*byte)
    }

    fn whole(&mut self) -> Result<u64, ChunkError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(self.error())
    }

    fn difference(&mut self) -> Result<i64, ChunkError> {
        let folded = self.whole()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn numbers<const N: usize>(&mut self) -> Result<[f64; N], ChunkError> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            let mut bytes = [0; 8];
            for byte in &mut bytes {
                *byte = self.byte()?;
            }
            *number = f64::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    fn bins(&mut self) -> Result<Vec<(i32, u64)>, ChunkError> {
        let mut bins = Vec::new();
        let mut key = 0_i64;
        for _ in 0..self.whole()? {
            key = key.wrapping_add(self.difference()?);
            let known = i32::try_from(key).map_err(|_| self.error())?;
            bins.push((known, self.whole()?));
        }
        Ok(bins)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_sample() -> impl Strategy<Value = Sample> {
        let time_ms = prop_oneof![0..10_000_u64, any::<u64>()];
        let value = prop_oneof![-5..5_i8, any::<i8>()].prop_map(f64::from);
        let value = prop_oneof![value, prop::num::f64::NORMAL];
        (time_ms, value).prop_map(|(time_ms, value)| Sample { time_ms, value })
    }

    fn any_rollup() -> impl Strategy<Value = Rollup> {
        let bins = || prop::collection::vec((any::<i32>(), any::<u64>()), 0..4);
        (
            any::<[u64; 4]>(),
            any_sample(),
            -9.0..9.0_f64,
            bins(),
            bins(),
        )
            .prop_map(
                |([start_ms, count, elapsed_ms, zeros], last, number, negative, positive)| Rollup {
                    start_ms,
                    count,
                    sum: number,
                    min: -number,
                    max: number * 2.0,
                    last,
                    increase: number / 3.0,
                    elapsed_ms,
                    negative,
                    zeros,
                    positive,
                },
            )
    }

    proptest! {
        #[test]
        fn samples_survive_packing(samples in prop::collection::vec(any_sample(), 0..20)) {
            prop_assert_eq!(unpack_samples(&pack_samples(&samples)), Ok(samples));
        }

        #[test]
        fn rollups_survive_packing(rollups in prop::collection::vec(any_rollup(), 0..6)) {
            prop_assert_eq!(unpack_rollups(&pack_rollups(&rollups)), Ok(rollups));
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>) {
            bytes.insert(0, FORM);
            for error in [
                unpack_samples(&bytes).err(),
                unpack_rollups(&bytes).err(),
            ].into_iter().flatten() {
                prop_assert!(error.at <= bytes.len());
            }
        }
    }

    #[test]
    fn a_steady_series_takes_little() {
        let sample = |second: u64| Sample {
            time_ms: 1_700_000_000_000 + second * 1_000,
            value: 42.5,
        };
        let minute: Vec<_> = (0..60).map(sample).collect();
        assert!(pack_samples(&minute).len() < 60 * 16 / 6);
    }
}
