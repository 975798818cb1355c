//! Tests that need something of the machine that it may lack.

use std::io::Write as _;

/// Says past the test harness, which keeps what tests that pass print, that there is no proof of
/// something, and why. Where a run must be complete there has to be one.
pub fn skip(what_and_why: &str) {
    let is_complete = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    assert!(
        !is_complete,
        "nothing may be skipped where CI is set: {what_and_why}"
    );
    let line = format!("\nSKIPPED: {what_and_why}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).expect("writes");
}
