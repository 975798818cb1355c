//! Which tab of a replica leads where the browser has no locks (plain http): the one that has a
//! lease, in the same database. Two that believe to lead do no harm: each transaction of a leader
//! expects its term.

use driftless_store::replica::{IndexedDbRows, Lease};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};
use js_sys::{Date, Math};
use wasm_bindgen_futures::spawn_local;

use super::sleep::Sleep;
use super::tell;
use crate::platform::Signal;

/// How long a lease lasts: longer than a hidden page may have to wait for a timer, which is a
/// minute. Who sees a page does not wait for the end: a leader that is silent is replaced at once.
const LEASE_MS: f64 = 90_000.0;

/// How often it is renewed, or looked whether it is free.
const RENEWAL_MS: u64 = 5_000;

/// A share in the lease. Dropping it gives the lease up.
pub(super) struct Tenancy {
    thefts: UnboundedSender<()>,
}

impl Tenancy {
    /// Takes the lease of a namespace as soon as it is free.
    pub(super) fn join(namespace: &str, signals: &UnboundedSender<Signal>) -> Self {
        let (thefts, asked) = unbounded();
        let tenant = Tenant {
            rows: IndexedDbRows::new(namespace),
            me: Math::random(),
            signals: signals.clone(),
        };
        spawn_local(tenant.stay(asked));
        Self { thefts }
    }

    /// Takes it from whoever has it.
    pub(super) fn steal(&self) {
        // The receiver lives as long as this.
        let _ = self.thefts.unbounded_send(());
    }
}

struct Tenant {
    rows: IndexedDbRows,
    me: f64,
    signals: UnboundedSender<Signal>,
}

impl Tenant {
    async fn stay(self, mut asked: UnboundedReceiver<()>) {
        let (mut is_mine, mut is_theft) = (false, false);
        loop {
            // Where the storage fails, the driver finds out itself: nothing changes here.
            let now_mine = self.take(is_theft).await.unwrap_or(is_mine);
            if now_mine && (is_theft || !is_mine) {
                tell(&self.signals, Signal::Elected);
            } else if is_mine && !now_mine {
                tell(&self.signals, Signal::Deposed);
            }
            is_mine = now_mine;
            match select(Sleep::start(RENEWAL_MS), asked.next()).await {
                Either::Left(_) => is_theft = false,
                Either::Right((Some(()), _)) => is_theft = true,
                Either::Right((None, _)) => break,
            }
        }
        let mine = |lease: Option<Lease>| lease.filter(|lease| lease.is_of(self.me));
        let ended = |lease| {
            mine(lease).map(|lease| Lease {
                ends_ms: 0.0,
                ..lease
            })
        };
        // It ends by itself.
        let _ = self.rows.change_lease(ended).await;
    }

    /// Whether the lease is this tab's now.
    async fn take(&self, is_theft: bool) -> Option<bool> {
        let now_ms = Date::now();
        let own = Lease {
            holder: self.me,
            ends_ms: now_ms + LEASE_MS,
        };
        let take = |lease: Option<Lease>| {
            let is_taken = lease.is_some_and(|lease| {
                // One that ends too far in the future was made before the clock was put back.
                let is_valid = lease.ends_ms > now_ms && lease.ends_ms <= own.ends_ms;
                is_valid && !lease.is_of(self.me)
            });
            (is_theft || !is_taken).then_some(own)
        };
        let lease = self.rows.change_lease(take).map(Result::ok).await?;
        Some(lease.is_some_and(|lease| lease.is_of(self.me)))
    }
}
