//! The targets by name.

use crate::{decoders, replica, room};

/// A function of bytes that panics where a promise is broken.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and the name of its folder in `corpus/`.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident = $run:path,)*) => {
        /// Every target.
        pub const ALL: &[Target] = &[$(Target { name: stringify!($name), run: $run }),*];
    };
}

targets! {
    client_json = decoders::client_json,
    client_msgpack = decoders::client_msgpack,
    client_message = decoders::client_message,
    server_json = decoders::server_json,
    server_msgpack = decoders::server_msgpack,
    server_message = decoders::server_message,
    tab_message = decoders::tab_message,
    payload = decoders::payload,
    row = decoders::row,
    columns = decoders::columns,
    packed = decoders::packed,
    chunks = decoders::chunks,
    push_json = decoders::push_json,
    push_influx = decoders::push_influx,
    push_prometheus = decoders::push_prometheus,
    selector = decoders::selector,
    value = decoders::value,
    names = decoders::names,
    room = room::run,
    replica = replica::run,
}

impl Target {
    /// The target of this name.
    pub fn find(name: &str) -> Option<Self> {
        ALL.iter().find(|target| target.name == name).copied()
    }
}
