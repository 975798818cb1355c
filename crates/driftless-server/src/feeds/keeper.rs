//! Keeps samples: what comes in is written every few seconds, or at once where somebody waits.

use std::time::Duration;

use crate::clock::now_ms;
use crate::feeds::plane::{FeedPlane, Kept};
use crate::feeds::waiting::Orders;

/// How long a sample of this machine may wait to be written: what a crash costs at most.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// How long a failed write is left alone.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Writes what has to be, for ever.
pub async fn keep(plane: &FeedPlane, kept: &Kept) {
    loop {
        let is_asked = kept.waiting.asked();
        tokio::time::timeout(WRITE_EVERY, is_asked).await.ok();
        if !round(plane, kept, now_ms()).await {
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
}

/// One round; whether all went well.
pub async fn round(plane: &FeedPlane, kept: &Kept, now_ms: u64) -> bool {
    let Kept { archive, waiting } = kept;
    // Both at once: a push is stored with its samples or not at all.
    let (minutes, orders) = {
        let mut samples = plane.samples_mut();
        let orders = std::mem::take(&mut *waiting.orders());
        (samples.take_dirty(), orders)
    };
    let Orders {
        mut settled,
        pushes,
        tellers,
    } = orders;
    let written = if minutes.is_empty() && pushes.is_empty() {
        Ok(())
    } else {
        archive.write(&minutes, pushes.clone()).await
    };
    let is_written = written.is_ok();
    for teller in tellers {
        teller.send(is_written).ok();
    }
    if let Err(error) = written {
        tracing::error!(%error, "samples are not stored; they are tried again");
        plane.metrics().history_failures.inc();
        let mut samples = plane.samples_mut();
        for minute in minutes {
            samples.put_back_dirty(minute.id, minute.start_ms);
        }
        let mut orders = waiting.orders();
        orders.pushes.splice(0..0, pushes);
        settled.append(&mut orders.settled);
        orders.settled = settled;
        return false;
    }
    while let Some(next) = settled.front() {
        if let Err(error) = archive.settle(next, now_ms).await {
            tracing::error!(%error, "history is not stored; it is tried again");
            plane.metrics().history_failures.inc();
            // One guard: what becomes settled meanwhile is not to be lost.
            let mut orders = waiting.orders();
            settled.append(&mut orders.settled);
            orders.settled = settled;
            return false;
        }
        plane.release(next.until_ms);
        settled.pop_front();
    }
    true
}
