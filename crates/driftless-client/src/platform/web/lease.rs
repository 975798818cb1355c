//! Which tab of a replica leads where the browser has no locks (plain http): the one that has a
//! lease, in the same database. Two that believe to lead do no harm: each transaction of a leader
//! expects its term.

use driftless_store::replica::{IndexedDbRows, Lease};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{Either, select};
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

/// What to do about the lease.
#[derive(Clone, Copy, PartialEq)]
enum Want {
    /// Take it where it is free, or renew it.
    Take,
    Steal,
    /// Give it up.
    End,
}

impl Tenant {
    async fn stay(self, mut asked: UnboundedReceiver<()>) {
        let (mut is_mine, mut want) = (false, Want::Take);
        loop {
            let now_ms = Date::now();
            let change = |lease| self.change(want, lease, now_ms);
            let changed = self.rows.change_lease(change).await;
            if want == Want::End {
                return;
            }
            // Where the storage fails, the driver finds out itself: nothing changes here.
            if let Ok(lease) = changed {
                let was_mine = is_mine && want == Want::Take;
                is_mine = lease.is_some_and(|lease| lease.is_of(self.me));
                if is_mine != was_mine {
                    let elected = if is_mine {
                        Signal::Elected
                    } else {
                        Signal::Deposed
                    };
                    tell(&self.signals, elected);
                }
            }
            want = match select(Sleep::start(RENEWAL_MS), asked.next()).await {
                Either::Left(_) => Want::Take,
                Either::Right((Some(()), _)) => Want::Steal,
                Either::Right((None, _)) => Want::End,
            };
        }
    }

    fn change(&self, want: Want, lease: Option<Lease>, now_ms: f64) -> Option<Lease> {
        let is_mine = lease.is_some_and(|lease| lease.is_of(self.me));
        let latest_ms = now_ms + LEASE_MS;
        // One that ends too far in the future was made before the clock was put back.
        let is_taken =
            lease.is_some_and(|lease| lease.ends_ms > now_ms && lease.ends_ms <= latest_ms);
        let (may_write, ends_ms) = match want {
            Want::Take => (is_mine || !is_taken, latest_ms),
            Want::Steal => (true, latest_ms),
            Want::End => (is_mine, 0.0),
        };
        may_write.then_some(Lease {
            holder: self.me,
            ends_ms,
        })
    }
}
