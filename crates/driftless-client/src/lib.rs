//! The portable driver of a replica, and its public handle.
//!
//! [`Client`] is what an application holds: it reads boards, makes edits, opens feeds and hears
//! events. Behind it runs one driver, the shell around `driftless_sync::replica`: it owns the
//! socket, the timer and the storage, feeds the machine, and carries out what the machine asks for.
//! The driver is portable; what differs between a browser and a native process is in [`platform`].
#![forbid(unsafe_code)]

pub mod error;
pub mod status;
pub mod event;
pub mod edit;
mod shared;
pub mod board;
pub mod feed;
pub mod platform;
mod driver;
pub mod client;

pub use board::Board;
pub use client::{Client, ClientBuilder};
pub use edit::{EditBuilder, EditHandle};
pub use error::{ClientError, EditError};
pub use event::{ClientEvent, EventStream};
pub use feed::Feed;
#[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
pub use platform::trust::{Trust, TrustError};
pub use status::Status;

#[cfg(all(not(target_arch = "wasm32"), feature = "redb"))]
pub use driftless_store::replica::{Redb, RedbError};
pub use driftless_sync::replica::realtime_config;
pub use driftless_sync::replica::undo_history::UndoState;
pub use driftless_sync::replica::view::AutoResolve;
pub use driftless_sync::replica::{Attention, Pace, RealtimeConfig, SeenMark};
