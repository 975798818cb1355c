//! libFuzzer on the target that `DRIFTLESS_FUZZ_TARGET` names: `cargo xtask fuzz`.
#![no_main]

use std::sync::LazyLock;

use driftless_fuzz::targets::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("DRIFTLESS_FUZZ_TARGET").unwrap_or_default();
    Target::find(&name).unwrap_or_else(|| panic!("DRIFTLESS_FUZZ_TARGET is {name:?}: no target"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
