//! What time it is, for texts that tell an age or count down.

use leptos::prelude::*;

/// A moment on both clocks that the client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The device's clock, in milliseconds since 1970: when edits were made.
    pub epoch_ms: u64,
    /// The clock that never jumps, in milliseconds since the page began: when the connection is
    /// tried again.
    pub mono_ms: u64,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        #[cfg(target_arch = "wasm32")]
        {
            let mono = window().performance().map(|performance| performance.now());
            Self {
                epoch_ms: whole(js_sys::Date::now()),
                mono_ms: whole(mono.unwrap_or_default()),
            }
        }
        // Components are rendered in a browser only; elsewhere nothing asks.
        #[cfg(not(target_arch = "wasm32"))]
        Self::default()
    }
}

#[cfg(target_arch = "wasm32")]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds of a browser's clocks, cut to whole ones"
)]
fn whole(milliseconds: f64) -> u64 {
    milliseconds as u64
}

/// The moment, renewed every second for as long as its owner lives. Only what is open should ask
/// for it: a page at rest then has no timer.
pub fn use_now() -> Signal<Moment> {
    let now = RwSignal::new(Moment::now());
    #[cfg(target_arch = "wasm32")]
    {
        let tick = move || {
            let _ = now.try_set(Moment::now());
        };
        let timer = set_interval_with_handle(tick, std::time::Duration::from_secs(1));
        on_cleanup(move || {
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
    }
    now.into()
}
