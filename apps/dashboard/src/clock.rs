//! The server's time, as far as the page knows it, once a second.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;

/// The server's time; in context. It goes on by the device's clock while nothing arrives.
#[derive(Clone, Copy)]
pub struct ServerClock {
    now_ms: RwSignal<u64>,
    offset_ms: StoredValue<f64>,
}

impl ServerClock {
    /// Starts to tick. Until a feed has told the server's time, the device's is taken.
    pub fn start() -> Self {
        let clock = Self {
            now_ms: RwSignal::new(whole(browser::now_ms())),
            offset_ms: StoredValue::new(0.0),
        };
        let ticking = set_interval_with_handle(move || clock.tick(), Duration::from_secs(1));
        if let Ok(ticking) = ticking {
            on_cleanup(move || ticking.clear());
        }
        clock
    }

    /// A frame says what time it is at the server.
    pub fn heard(self, server_now_ms: u64) {
        #[allow(
            clippy::cast_precision_loss,
            reason = "times in milliseconds fit an f64"
        )]
        self.offset_ms
            .set_value(server_now_ms as f64 - browser::now_ms());
    }

    /// The server's time in milliseconds since 1970; to be followed.
    pub fn now_ms(self) -> u64 {
        self.now_ms.get()
    }

    /// The same, as of this moment, without following it.
    pub fn now_ms_untracked(self) -> u64 {
        whole(browser::now_ms() + self.offset_ms.get_value())
    }

    fn tick(self) {
        self.now_ms.try_set(self.now_ms_untracked());
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time after 1970"
)]
fn whole(ms: f64) -> u64 {
    ms.max(0.0) as u64
}
