//! What every [`SampleStore`] has to do. Each function takes an empty store; the macro
//! [`crate::sample_store_conformance`] makes a test of each.

use driftless_protocol::SeriesName;
use driftless_protocol::samples::Tier;

use crate::server::sample_store::{
    Chunk, Forget, Kept, KeptPush, KeptSeries, SampleBatch, SampleStore,
};

/// Makes a test of each function of [`crate::server::conformance::samples`], from an async closure
/// that makes an empty store. Needs `tokio` with `macros` among the dev-dependencies.
#[macro_export]
macro_rules! sample_store_conformance {
    ($make:expr) => {
        $crate::sample_store_conformance! { $make;
            an_empty_store_keeps_nothing,
            a_batch_is_read_back,
            what_is_there_is_written_over,
            chunks_are_read_by_tier_series_and_time,
            what_is_forgotten_is_gone_and_the_rest_stays,
            what_is_settled_never_goes_back
        }
    };
    ($make:expr; $($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let store = ($make)().await;
                $crate::server::conformance::samples::$name(&store).await;
            }
        )*
    };
}

fn series(number: u64) -> KeptSeries {
    let label = ("host".to_owned(), format!("\"{number}\" 🦊"));
    KeptSeries {
        number,
        name: SeriesName {
            name: "load".to_owned(),
            labels: [label].into(),
        },
        seen_ms: number * 10,
    }
}

fn push(id: &str, time_ms: u64) -> KeptPush {
    KeptPush {
        id: id.to_owned(),
        time_ms,
        accepted: 3,
    }
}

fn chunk(tier: Tier, series: u64, start_ms: u64, data: &[u8]) -> Chunk {
    Chunk {
        tier,
        series,
        start_ms,
        data: data.to_vec(),
    }
}

async fn write(store: &impl SampleStore, batch: SampleBatch) {
    store.write(batch).await.expect("writes");
}

async fn chunks(store: &impl SampleStore, tier: Tier, series: &[u64]) -> Vec<Chunk> {
    let read = store.read(tier, series, 0, u64::MAX).await;
    read.expect("reads")
}

/// Nothing was written.
pub async fn an_empty_store_keeps_nothing(store: &impl SampleStore) {
    assert_eq!(store.kept().await, Ok(Kept::default()));
    assert_eq!(chunks(store, Tier::Samples, &[1]).await, []);
}

/// All that a batch has is there.
pub async fn a_batch_is_read_back(store: &impl SampleStore) {
    let chunk = chunk(Tier::Minutes, 2, 3_600_000, &[0, 255, 7]);
    let batch = SampleBatch {
        series: (1..=700).map(series).collect(),
        chunks: vec![chunk.clone()],
        settled_ms: Some(7),
        pushes: vec![push("a", 1), push("b", 2)],
        forget: Forget::default(),
    };
    write(store, batch.clone()).await;
    let kept = store.kept().await.expect("reads");
    assert_eq!(kept.series, batch.series);
    assert_eq!((kept.settled_ms, kept.pushes), (7, batch.pushes));
    assert_eq!(chunks(store, Tier::Minutes, &[2]).await, [chunk]);
}

/// A later batch has the last word.
pub async fn what_is_there_is_written_over(store: &impl SampleStore) {
    for seen_ms in [1, 2] {
        let data = [u8::try_from(seen_ms).expect("small")];
        let batch = SampleBatch {
            series: vec![KeptSeries {
                seen_ms,
                ..series(1)
            }],
            chunks: vec![chunk(Tier::Samples, 1, 60_000, &data)],
            pushes: vec![push("a", seen_ms)],
            ..SampleBatch::default()
        };
        write(store, batch).await;
    }
    let kept = store.kept().await.expect("reads");
    assert_eq!(kept.series[0].seen_ms, 2);
    assert_eq!(kept.pushes, [push("a", 2)]);
    let read = chunks(store, Tier::Samples, &[1]).await;
    assert_eq!(read, [chunk(Tier::Samples, 1, 60_000, &[2])]);
}

/// Only what was asked for, in order.
pub async fn chunks_are_read_by_tier_series_and_time(store: &impl SampleStore) {
    let all = [
        chunk(Tier::Samples, 1, 0, &[1]),
        chunk(Tier::Samples, 1, 60_000, &[2]),
        chunk(Tier::Samples, 1, 120_000, &[3]),
        chunk(Tier::Samples, 2, 60_000, &[4]),
        chunk(Tier::Samples, 3, 60_000, &[5]),
        chunk(Tier::Hours, 1, 60_000, &[6]),
    ];
    let batch = SampleBatch {
        chunks: all.iter().rev().cloned().collect(),
        ..SampleBatch::default()
    };
    write(store, batch).await;
    assert_eq!(chunks(store, Tier::Samples, &[3, 1]).await.len(), 4);
    let read = store.read(Tier::Samples, &[2, 1], 60_000, 120_000).await;
    assert_eq!(read, Ok(vec![all[1].clone(), all[3].clone()]));
}

/// By age, by series, and pushes by age and number.
pub async fn what_is_forgotten_is_gone_and_the_rest_stays(store: &impl SampleStore) {
    let batch = SampleBatch {
        series: vec![series(1), series(2)],
        chunks: vec![
            chunk(Tier::Samples, 1, 0, &[1]),
            chunk(Tier::Samples, 1, 60_000, &[2]),
            chunk(Tier::Minutes, 1, 0, &[3]),
            chunk(Tier::Hours, 2, 0, &[4]),
        ],
        pushes: vec![push("a", 1), push("c", 2), push("d", 2), push("b", 3)],
        ..SampleBatch::default()
    };
    write(store, batch).await;
    let forget = Forget {
        chunks: vec![(Tier::Samples, 60_000)],
        series: vec![2],
        pushes_before_ms: 2,
        pushes_past: Some(2),
    };
    let batch = SampleBatch {
        forget,
        ..SampleBatch::default()
    };
    write(store, batch).await;
    let kept = store.kept().await.expect("reads");
    assert_eq!(kept.series, [series(1)]);
    assert_eq!(kept.pushes, [push("b", 3), push("d", 2)]);
    let samples = chunks(store, Tier::Samples, &[1, 2]).await;
    assert_eq!(samples, [chunk(Tier::Samples, 1, 60_000, &[2])]);
    assert_eq!(chunks(store, Tier::Minutes, &[1, 2]).await.len(), 1);
    assert_eq!(chunks(store, Tier::Hours, &[1, 2]).await, []);
}

/// An older batch that comes late does not undo it.
pub async fn what_is_settled_never_goes_back(store: &impl SampleStore) {
    for settled_ms in [Some(9), Some(4), None] {
        let batch = SampleBatch {
            settled_ms,
            ..SampleBatch::default()
        };
        write(store, batch).await;
    }
    assert_eq!(store.kept().await.expect("reads").settled_ms, 9);
}
