//! What differs between a browser and a native process, behind one trait set: sockets, the clock,
//! a timer, and what the device says about network and visibility.
//!
//! The driver is written against these; a test brings its own and needs neither network nor clock.

#[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
pub mod trust;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod web;
mod lane;
pub mod conditioned;

use std::future::Future;

use driftless_protocol::durable::Row;
use driftless_store::replica::{ReplicaStore, ReplicaStoreError};
use driftless_sync::replica::storage::{Committed, Transaction};
use futures::future::LocalBoxFuture;
use futures::{FutureExt, Stream};

/// Where a driver runs.
pub trait Platform: 'static {
    /// Its sockets.
    type Socket: Socket;
    /// Resolves at a time.
    type Sleep: Future<Output = ()> + 'static;
    /// What the device says.
    type Signals: Stream<Item = Signal> + Unpin + 'static;

    /// Milliseconds of a clock that never goes back.
    fn mono_ms(&self) -> u64;

    /// Milliseconds since 1970, as the device believes.
    fn epoch_ms(&self) -> u64;

    /// Resolves once [`Platform::mono_ms`] has reached a time.
    fn sleep_until(&self, mono_ms: u64) -> Self::Sleep;

    /// Begins to open a socket that speaks [`driftless_protocol::Codec::MessagePack`]. What becomes
    /// of it is among its events. Dropping it closes it, without waiting for anybody.
    fn connect(&self, url: &str) -> Self::Socket;

    /// What the device says from now on. Asked for once.
    fn signals(&mut self) -> Self::Signals;

    /// Joins the other drivers that share this replica's storage (the tabs of a browser), and
    /// queues for the lead. Answers whether there can be any; without, this driver is alone. Asked
    /// for once, after [`Platform::signals`], which say [`Signal::Elected`] and the like.
    fn join(&mut self) -> bool {
        false
    }

    /// Tells all other drivers something. May get lost.
    fn tell(&mut self, _frame: Vec<u8>) {}

    /// Takes the lead from whoever has it.
    fn elect(&mut self) {}

    /// Neither leads nor talks to others any more.
    fn leave(&mut self) {}

    /// Something was made that should outlive the page: asks for storage that is not cleared.
    /// [`Signal::Persistent`] answers.
    fn request_persistence(&self) {}

    /// Resolves once the last socket has said its farewell, or has had time enough for it.
    fn farewell(&self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// A socket: its events in order, and a way to send. The events end after [`SocketEvent::Closed`].
pub trait Socket: Stream<Item = SocketEvent> + Unpin + 'static {
    /// Sends one binary frame. Before the socket is open, and after it is closed, it is dropped.
    fn send(&mut self, frame: Vec<u8>);

    /// Closes it with a farewell. No further event is expected.
    fn close(&mut self);
}

/// What happens on a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEvent {
    /// It is open.
    Opened,
    /// One binary frame came in.
    Frame(Vec<u8>),
    /// It is closed, or could not be opened.
    Closed {
        /// The close code, where the peer sent one.
        code: Option<u16>,
        /// In words.
        reason: String,
    },
}

/// What the device says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Whether there is a network.
    Network(bool),
    /// Whether somebody can see the page.
    Visible(bool),
    /// The page is put away, and may come back as it is; or it came back.
    Away(bool),
    /// This driver leads from now on.
    Elected,
    /// Another one took the lead.
    Deposed,
    /// Another one told something: the bytes that it gave to [`Platform::tell`].
    Told(Vec<u8>),
    /// Whether the device promised not to clear the storage by itself.
    Persistent(bool),
}

/// A storage that a client of this platform may own: on a native one, it moves to the client's
/// thread.
#[cfg(not(target_arch = "wasm32"))]
pub trait PlatformStore: AnyStore + Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<S: AnyStore + Send> PlatformStore for S {}
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type OwnedStore = dyn AnyStore + Send;

/// A storage that a client of this platform may own.
#[cfg(target_arch = "wasm32")]
pub trait PlatformStore: AnyStore {}
#[cfg(target_arch = "wasm32")]
impl<S: AnyStore> PlatformStore for S {}
#[cfg(target_arch = "wasm32")]
pub(crate) type OwnedStore = dyn AnyStore;

/// A [`ReplicaStore`] behind one type. Every one is.
pub trait AnyStore: 'static {
    /// [`ReplicaStore::load`].
    fn load_any(&self) -> LocalBoxFuture<'_, Result<Vec<Row>, ReplicaStoreError>>;

    /// [`ReplicaStore::commit`].
    fn commit_any(
        &self,
        transaction: Transaction,
    ) -> LocalBoxFuture<'_, Result<Committed, ReplicaStoreError>>;

    /// [`ReplicaStore::volatile`].
    fn volatile_any(&self) -> Option<String>;
}

impl<S: ReplicaStore + 'static> AnyStore for S {
    fn load_any(&self) -> LocalBoxFuture<'_, Result<Vec<Row>, ReplicaStoreError>> {
        self.load().boxed_local()
    }

    fn commit_any(
        &self,
        transaction: Transaction,
    ) -> LocalBoxFuture<'_, Result<Committed, ReplicaStoreError>> {
        self.commit(transaction).boxed_local()
    }

    fn volatile_any(&self) -> Option<String> {
        self.volatile()
    }
}
