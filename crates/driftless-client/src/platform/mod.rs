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
///
/// ```
/// use std::future::{Pending, pending};
///
/// use driftless_client::Client;
/// use driftless_client::platform::{Platform, Signal, Socket, SocketEvent};
/// use driftless_client::view::Connection;
/// use futures::{StreamExt, stream};
///
/// /// A place where no time passes, and where nobody can be reached.
/// struct Nowhere;
///
/// impl Platform for Nowhere {
///     type Socket = Refused; // its events are one, `SocketEvent::Closed`
///     type Sleep = Pending<()>;
///     type Signals = stream::Pending<Signal>;
///
///     fn mono_ms(&self) -> u64 {
///         0
///     }
///
///     fn epoch_ms(&self) -> u64 {
///         1_000_000_000_000
///     }
///
///     fn sleep_until(&self, _mono_ms: u64) -> Self::Sleep {
///         pending()
///     }
///
///     fn connect(&self, url: &str) -> Refused {
///         Refused(Some(format!("there is no {url} here")))
///     }
///
///     fn signals(&mut self) -> Self::Signals {
///         stream::pending()
///     }
/// }
/// # struct Refused(Option<String>);
/// # impl futures::Stream for Refused {
/// #     type Item = SocketEvent;
/// #     fn poll_next(
/// #         mut self: std::pin::Pin<&mut Self>,
/// #         _context: &mut std::task::Context<'_>,
/// #     ) -> std::task::Poll<Option<SocketEvent>> {
/// #         let closed = |reason| SocketEvent::Closed { code: None, reason };
/// #         std::task::Poll::Ready(self.0.take().map(closed))
/// #     }
/// # }
/// # impl Socket for Refused {
/// #     fn send(&mut self, _frame: Vec<u8>) {}
/// #     fn close(&mut self) {}
/// # }
///
/// let (client, work) = Client::builder("ws://boards/rt").start_on(Nowhere);
/// let mut statuses = client.watch_status();
/// let tried = async {
///     while let Some(status) = statuses.next().await {
///         if let Connection::Waiting { reason, .. } = status.connection {
///             client.shutdown().await;
///             return reason;
///         }
///     }
///     unreachable!("it is told that nobody is there")
/// };
/// let ((), reason) = futures::executor::block_on(futures::future::join(work, tried));
/// assert_eq!(reason, "there is no ws://boards/rt here");
/// ```
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
///
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
///
/// use driftless_client::platform::{Socket, SocketEvent};
/// use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
/// use futures::{Stream, StreamExt};
///
/// /// Open at once; what is sent comes back.
/// struct Echo(UnboundedSender<SocketEvent>, UnboundedReceiver<SocketEvent>);
///
/// impl Stream for Echo {
///     type Item = SocketEvent;
///
///     fn poll_next(
///         mut self: Pin<&mut Self>,
///         context: &mut Context<'_>,
///     ) -> Poll<Option<SocketEvent>> {
///         self.1.poll_next_unpin(context)
///     }
/// }
///
/// impl Socket for Echo {
///     fn send(&mut self, frame: Vec<u8>) {
///         // After `close` it is dropped.
///         let _ = self.0.unbounded_send(SocketEvent::Frame(frame));
///     }
///
///     fn close(&mut self) {
///         self.0.close_channel();
///     }
/// }
///
/// let (sender, events) = unbounded();
/// sender.unbounded_send(SocketEvent::Opened)?;
/// let mut socket = Echo(sender, events);
/// socket.send(vec![7]);
/// socket.close();
/// socket.send(vec![8]);
/// let events: Vec<SocketEvent> = futures::executor::block_on(socket.collect());
/// assert_eq!(events, [SocketEvent::Opened, SocketEvent::Frame(vec![7])]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Socket: Stream<Item = SocketEvent> + Unpin + 'static {
    /// Sends one binary frame. Before the socket is open, and after it is closed, it is dropped.
    fn send(&mut self, frame: Vec<u8>);

    /// Closes it with a farewell. No further event is expected.
    fn close(&mut self);
}

/// What happens on a socket.
///
/// ```
/// use driftless_client::platform::native::Native;
/// use driftless_client::platform::{Platform, SocketEvent};
/// use futures::StreamExt;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// // Where nobody listens, there is one event; then they end.
/// let mut socket = Native::new().connect("ws://127.0.0.1:1/rt");
/// let event = socket.next().await;
/// assert!(matches!(event, Some(SocketEvent::Closed { code: None, .. })));
/// assert_eq!(socket.next().await, None);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
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
///
/// ```
/// use driftless_client::Client;
/// use driftless_client::platform::Signal;
/// use driftless_client::view::Connection;
/// use futures::StreamExt;
/// use futures::channel::mpsc::unbounded;
/// # use driftless_client::platform::{Platform, native::{Native, NativeSocket}};
/// # use futures::channel::mpsc::UnboundedReceiver;
/// # struct Told(Native, Option<UnboundedReceiver<Signal>>);
/// # impl Platform for Told {
/// #     type Socket = NativeSocket;
/// #     type Sleep = tokio::time::Sleep;
/// #     type Signals = UnboundedReceiver<Signal>;
/// #     fn mono_ms(&self) -> u64 {
/// #         self.0.mono_ms()
/// #     }
/// #     fn epoch_ms(&self) -> u64 {
/// #         self.0.epoch_ms()
/// #     }
/// #     fn sleep_until(&self, mono_ms: u64) -> Self::Sleep {
/// #         self.0.sleep_until(mono_ms)
/// #     }
/// #     fn connect(&self, url: &str) -> NativeSocket {
/// #         self.0.connect(url)
/// #     }
/// #     fn signals(&mut self) -> Self::Signals {
/// #         self.1.take().expect("a driver asks once")
/// #     }
/// # }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// // `Told` is `Native`, but for its `signals`: what is sent here.
/// let (device, signals) = unbounded();
/// let platform = Told(Native::new(), Some(signals));
/// let (client, work) = Client::builder("ws://127.0.0.1:1/rt").start_on(platform);
/// device.unbounded_send(Signal::Network(false)).expect("the client hears it");
/// let mut statuses = client.watch_status();
/// let heard = async {
///     while let Some(status) = statuses.next().await {
///         if status.connection == Connection::Offline {
///             return client.shutdown().await;
///         }
///     }
///     unreachable!("there is no network")
/// };
/// futures::future::join(work, heard).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
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
///
/// ```
/// use driftless_client::platform::PlatformStore;
/// use driftless_client::{Client, MemoryRows};
///
/// /// A function of one's own that takes what `ClientBuilder::storage` takes.
/// fn started(storage: impl PlatformStore) -> Client {
///     Client::builder("ws://127.0.0.1:1/rt").storage(storage).start()
/// }
///
/// # futures::executor::block_on(async {
/// let disk = MemoryRows::new();
/// let client = started(disk.clone());
/// let edit = client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// edit.stored().await?;
/// assert!(!disk.load_now().expect("it can be read").is_empty());
/// # client.shutdown().await;
/// # Ok::<(), driftless_client::EditError>(())
/// # })?;
/// # Ok::<(), driftless_client::EditError>(())
/// ```
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
///
/// ```
/// use driftless_client::MemoryRows;
/// use driftless_client::platform::AnyStore;
///
/// # futures::executor::block_on(async {
/// // Which one it is need not be known where the code is compiled.
/// let store: Box<dyn AnyStore> = Box::new(MemoryRows::new());
/// assert!(store.load_any().await?.is_empty());
/// assert_eq!(store.volatile_any().as_deref(), Some("it is kept in memory"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
