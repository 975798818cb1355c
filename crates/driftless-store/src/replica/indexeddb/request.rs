//! What is asked of the browser's `IndexedDB`, as a future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::channel::oneshot;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbRequest;

/// Resolves when a request is answered. Whoever drops it does not hear the answer; the request goes
/// on all the same.
pub(super) struct Answer {
    request: IdbRequest,
    settled: oneshot::Receiver<()>,
    _settle: Closure<dyn FnMut()>,
}

impl Answer {
    pub(super) fn to(request: &IdbRequest) -> Self {
        let (sender, settled) = oneshot::channel();
        let settle = Closure::once(move || {
            // The answer may not be awaited any more.
            let _ = sender.send(());
        });
        let callback = Some(settle.as_ref().unchecked_ref());
        request.set_onsuccess(callback);
        request.set_onerror(callback);
        Self {
            request: request.clone(),
            settled,
            _settle: settle,
        }
    }
}

impl Future for Answer {
    type Output = Result<JsValue, JsValue>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Nobody else has the sender, which goes with the callback.
        let _ = ready!(self.settled.poll_unpin(context));
        // A request that is answered has either.
        Poll::Ready(match self.request.error()? {
            Some(exception) => Err(exception.into()),
            None => self.request.result(),
        })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // The browser would call what is gone.
        self.request.set_onsuccess(None);
        self.request.set_onerror(None);
    }
}
