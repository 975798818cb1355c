//! What the client runs in, for whoever looks into a problem: no machine of the sync core asks.

/// Milliseconds since 1970, as the device believes.
#[cfg(target_arch = "wasm32")]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time since 1970"
)]
pub fn epoch_ms() -> u64 {
    js_sys::Date::now().max(0.0) as u64
}

/// Milliseconds since 1970, as the device believes.
#[cfg(not(target_arch = "wasm32"))]
pub fn epoch_ms() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The browser, as it calls itself.
#[cfg(target_arch = "wasm32")]
pub fn surroundings() -> String {
    let agent = web_sys::window().map(|window| window.navigator().user_agent());
    let agent = agent.and_then(Result::ok);
    agent.unwrap_or_else(|| "a browser".to_owned())
}

/// The system.
#[cfg(not(target_arch = "wasm32"))]
pub fn surroundings() -> String {
    use std::env::consts::{ARCH, OS};
    format!("native, {OS} {ARCH}")
}
