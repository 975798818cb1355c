//! How far a long outbox is: "sending 1,200 of 10,000".

use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use crate::context::RealtimeContext;
use crate::erased::{effect, memo};
use crate::figures::grouped;
use crate::texts::{fill, use_texts};

/// The least number of edits that is told of as progress; fewer are gone before they are read.
const TOLD_MIN: usize = 100;

/// How many edits of a long outbox are through, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    /// The most that waited since nothing did.
    total: usize,
    pending: usize,
}

impl Progress {
    /// Now so many edits wait.
    fn after(self, pending: usize) -> Self {
        let total = match pending {
            0 => 0,
            pending => self.total.max(pending),
        };
        Self { total, pending }
    }

    /// Through, and in all; where that is worth telling.
    fn told(self) -> Option<(usize, usize)> {
        (self.total >= TOLD_MIN).then_some((self.total - self.pending, self.total))
    }
}

/// Follows the edits that wait, while there is a connection to send them over.
pub(super) fn progress(context: RealtimeContext) -> Signal<Option<(usize, usize)>> {
    let progress = RwSignal::new(Progress::default());
    effect(move || {
        let pending = context.status.with(|status| status.pending);
        let next = progress.get_untracked().after(pending);
        if next != progress.get_untracked() {
            progress.set(next);
        }
    });
    let is_online = memo(move || {
        context
            .status
            .with(|status| matches!(status.connection, Connection::Online { .. }))
    });
    let told = move || progress.get().told().filter(|_| is_online.get());
    memo(told).into()
}

/// In words.
pub(super) fn words((sent, total): (usize, usize)) -> String {
    let grouped = |number| grouped(u64::try_from(number).unwrap_or(u64::MAX));
    let (sent, total) = (grouped(sent), grouped(total));
    fill(&use_texts().sending, &[("sent", &sent), ("total", &total)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_outbox_is_counted_down_from_the_most_that_waited() {
        let told = |numbers: &[usize]| {
            let all = numbers.iter();
            all.fold(Progress::default(), |progress, now| progress.after(*now))
                .told()
        };
        assert_eq!(told(&[TOLD_MIN - 1]), None);
        assert_eq!(told(&[TOLD_MIN]), Some((0, TOLD_MIN)));
        assert_eq!(told(&[9_000, 10_000, 8_800]), Some((1_200, 10_000)));
        assert_eq!(told(&[10_000, 50]), Some((9_950, 10_000)));
        assert_eq!(told(&[10_000, 0, 3]), None, "what comes later begins anew");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(words((1_200, 10_000)), "Sending 1,200 of 10,000");
    }
}
