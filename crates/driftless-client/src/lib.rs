//! The portable driver of a replica, and its public handle.
//!
//! [`Client`] is what an application holds: it reads boards, makes edits, opens feeds and hears
//! events. Behind it runs one driver, the shell around `driftless_sync::replica`: it owns the
//! socket, the timer and the storage, feeds the machine, and carries out what the machine asks for.
//! The driver is portable; what differs between a browser and a native process is in [`platform`].
#![forbid(unsafe_code)]

pub mod names;
mod surroundings;
pub mod redacted;
pub mod error;
pub mod status;
mod news;
pub mod event;
pub mod history;
pub mod edit;
pub mod receipt;
pub mod ledger;
pub mod reconnect;
mod shared;
pub mod watch;
pub mod outbox;
pub mod board;
pub mod feed;
pub mod network;
pub mod platform;
mod driver;
pub mod client;
pub mod diagnostics;

pub use board::{Board, Records};
pub use client::{Client, ClientBuilder};
pub use diagnostics::Diagnostics;
pub use edit::{EditBuilder, EditHandle};
pub use error::{ClientError, ConnectError, EditError, OutboxError};
pub use event::{ClientEvent, EventStream};
pub use feed::Feed;
pub use ledger::Ledger;
pub use names::{LeafName, Name};
pub use network::{NetworkConditions, NetworkControl, NetworkTraffic};
pub use outbox::{Conflict, MergeBuilder, PendingEdit};
#[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
pub use platform::trust::{Trust, TrustError};
pub use receipt::{OtherScreens, Receipt};
pub use reconnect::ReconnectBill;
pub use status::{Status, SyncState};
pub use watch::Watch;

/// The guide's examples, compiled and run.
#[cfg(all(doctest, feature = "redb", feature = "tls"))]
#[doc = include_str!("../../../docs/clients.md")]
struct Guide;

/// Boards, records, values and kinds: what the client's methods take and give.
pub use driftless_model as model;
pub use driftless_protocol::{Aggregate, Code, Query};
pub use driftless_store::replica::MemoryRows;
#[cfg(all(not(target_arch = "wasm32"), feature = "redb"))]
pub use driftless_store::replica::{Redb, RedbError};
pub use driftless_sync::replica::realtime_config;
pub use driftless_sync::replica::undo_history::UndoState;
/// What a person sees of records, the outbox, connection and storage.
pub use driftless_sync::replica::view;
pub use driftless_sync::replica::view::AutoResolve;
pub use driftless_sync::replica::{Attention, Pace, RealtimeConfig, SeenMark};
