//! The server as a library: an axum shell around the room machine of `driftless-sync`.
//!
//! [`Driftless::builder`] starts a server, [`router`] mounts its socket anywhere in an
//! application's own router, [`ops_router`] answers health checks and lists boards,
//! [`push_router`] takes samples, [`sharing_router`] lets owners share their boards. The binary
//! `driftless` is a thin main around this crate.
//!
//! In an application of one's own: [`Authenticator`] is its sign-in and its rights,
//! [`Builder::schema`] takes its kinds of records with their validators, [`Driftless::shutdown`]
//! belongs into its graceful shutdown, and [`Driftless::rights_changed`] is called when it changes
//! rights. A router starts nothing by itself; what runs in the background runs from
//! [`Builder::start`] to [`Driftless::shutdown`]. `examples/existing-axum` shows all of it.
//!
//! A room decides, the store makes durable, and only then is anything acknowledged or published.
#![forbid(unsafe_code)]

mod clock;
mod random;
mod counts;
mod metrics;
pub mod origin;
pub mod proxies;
pub mod pace;
pub mod auth;
mod store;
mod hub;
mod feeds;
#[cfg(feature = "host-metrics")]
mod host_metrics;
#[cfg(feature = "host-metrics")]
mod seed;
pub mod driftless;
mod remote;
mod rights;
mod socket;
mod http;
mod refusal;
mod push;
mod sharing;

pub use crate::auth::{AuthError, Authenticator, OpenAuth, SignedIn, StaticTokens, StoredAuth};
pub use crate::driftless::{Builder, Driftless, StartError};
pub use crate::http::ops_router;
pub use crate::origin::Origins;
pub use crate::pace::{Allowance, Rate};
pub use crate::proxies::{Proxies, Remote};
pub use crate::push::push_router;
pub use crate::rights::watch_rights;
pub use crate::sharing::sharing_router;
pub use crate::socket::router;
pub use driftless_feeds::Retention;
pub use driftless_model::Role;
pub use driftless_store::server::{
    BoardStore, MemoryBoards, MemorySamples, SampleStore, SqliteBoards, SqliteSamples,
};
