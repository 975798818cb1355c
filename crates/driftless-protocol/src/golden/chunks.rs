//! Chunks of samples, as a server stores them.

use super::assert_golden;
use crate::samples::{Rollup, Sample, pack_rollups, pack_samples, unpack_rollups, unpack_samples};

/// The files.
pub const CHUNKS: [&str; 2] = ["samples", "rollups"];

fn sample(time_ms: u64, value: f64) -> Sample {
    Sample { time_ms, value }
}

#[test]
fn chunks_are_golden() {
    let start_ms = 1_700_000_040_000;
    let samples = vec![
        sample(start_ms, 0.0),
        sample(start_ms + 1_000, 42.5),
        sample(start_ms + 2_000, 42.5),
        sample(start_ms + 2_999, -1e-300),
        sample(start_ms + 59_999, f64::MAX),
    ];
    let read = |bytes: &[u8]| unpack_samples(bytes).map_err(|error| error.to_string());
    let write = |samples: &Vec<Sample>| pack_samples(samples);
    assert_golden(&format!("chunks/{}.hex", CHUNKS[0]), &samples, write, read);

    let rollup = |start_ms: u64, count| Rollup {
        start_ms,
        count,
        sum: 2.5,
        min: -1.5,
        max: 4.0,
        last: sample(start_ms + 59_999, 4.0),
        increase: 5.5,
        elapsed_ms: 61_000,
        negative: vec![(-40_000, 1), (21, 300)],
        zeros: 200,
        positive: vec![(70, 1)],
    };
    let rollups = vec![rollup(start_ms, 502), rollup(start_ms + 60_000, 1)];
    let read = |bytes: &[u8]| unpack_rollups(bytes).map_err(|error| error.to_string());
    let write = |rollups: &Vec<Rollup>| pack_rollups(rollups);
    assert_golden(&format!("chunks/{}.hex", CHUNKS[1]), &rollups, write, read);
}
