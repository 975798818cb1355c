//! The browser's timers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::window;

/// Resolves after a while. Dropping it stops the timer.
#[derive(Debug)]
pub struct Sleep {
    timer: i32,
    rings: oneshot::Receiver<()>,
    _ring: Closure<dyn FnMut()>,
}

impl Sleep {
    pub(super) fn start(milliseconds: u64) -> Self {
        let (sender, rings) = oneshot::channel();
        let ring = Closure::once(move || {
            // Nobody may be waiting.
            let _ = sender.send(());
        });
        // A timer holds 31 bits: the machine is woken early and asks again.
        let milliseconds = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        let callback = ring.as_ref().unchecked_ref();
        let timer = window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(callback, milliseconds)
            .expect("a page has timers");
        Self {
            timer,
            rings,
            _ring: ring,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.rings.poll_unpin(context).map(|_| ())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        window().clear_timeout_with_handle(self.timer);
    }
}
