//! Fuzz targets for every decoder and for both machines. Each is a plain function of bytes that
//! panics where a promise is broken, so that the same targets run for seconds as tests, on seeded
//! mutations of `corpus/`, and for hours under libFuzzer (`cargo xtask fuzz`).
#![forbid(unsafe_code)]

pub mod source;
pub mod content;
pub mod messages;
pub mod decoders;
pub mod room;
pub mod replica;
pub mod targets;
pub mod mutation;
