//! A wait until a time.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;

use crate::platform::Platform;

/// When, and a wait until then.
pub(super) type Timer<P> = (u64, Pin<Box<<P as Platform>::Sleep>>);

/// Ready once its time has come; never without one.
pub(super) fn poll_timer<P: Platform>(
    timer: &mut Option<Timer<P>>,
    now_ms: u64,
    context: &mut Context<'_>,
) -> Poll<()> {
    match timer {
        // The clock decides too: a timer may be late where there is always something to do.
        Some((at_ms, _)) if *at_ms <= now_ms => Poll::Ready(()),
        Some((_, sleep)) => sleep.poll_unpin(context),
        None => Poll::Pending,
    }
}
