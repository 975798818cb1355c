//! Any platform, with a network as bad as a [`NetworkControl`] says.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};

use super::lane::Lane;
use crate::network::NetworkControl;
use crate::platform::{Platform, Socket, SocketEvent};

/// Most bytes that are taken from the socket before they are due. Where the socket can make its
/// peer wait (a native one can, a browser's cannot), a server then finds this viewer slow, and
/// leaves out samples.
const WINDOW_BYTES: usize = 64 * 1024;

/// A platform whose sockets lead over a bad network.
///
/// ```
/// use driftless_client::platform::conditioned::Conditioned;
/// use driftless_client::platform::native::Native;
/// use driftless_client::{Client, NetworkControl};
/// # use driftless_server::{Driftless, router};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # tokio::task::LocalSet::new().block_on(&runtime, async {
/// # let server = Driftless::builder().start().await?;
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/rt", listener.local_addr()?);
/// # let app = axum::Router::new().nest("/rt", router(server));
/// # tokio::spawn(async move { axum::serve(listener, app).await });
/// // As `ClientBuilder::start_over`, on a runtime of one's own.
/// let network = NetworkControl::default();
/// let platform = Conditioned::new(Native::new(), network.clone());
/// let (client, work) = Client::builder(&url).start_on(platform);
/// tokio::task::spawn_local(work);
/// let edit = client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// edit.applied().await?;
/// let traffic = network.traffic();
/// assert!(traffic.frames_sent > 0 && traffic.frames_received > 0);
/// # client.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Conditioned<P> {
    platform: Rc<RefCell<P>>,
    control: NetworkControl,
}

impl<P: Platform> Conditioned<P> {
    /// That platform, over the network of that control.
    ///
    /// ```
    /// use driftless_client::platform::conditioned::Conditioned;
    /// use driftless_client::platform::native::Native;
    /// use driftless_client::{Client, NetworkConditions, NetworkControl};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # tokio::task::LocalSet::new().block_on(&runtime, async {
    /// let network = NetworkControl::default();
    /// let mut conditions = NetworkConditions::none();
    /// conditions.is_cut = true;
    /// network.set(conditions);
    /// // Cut off from the beginning: edits are made and stored all the same.
    /// let platform = Conditioned::new(Native::new(), network);
    /// let (client, work) = Client::builder("ws://127.0.0.1:1/rt").start_on(platform);
    /// tokio::task::spawn_local(work);
    /// let edit = client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// edit.stored().await?;
    /// # client.shutdown().await;
    /// # Ok::<(), driftless_client::EditError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(platform: P, control: NetworkControl) -> Self {
        let platform = Rc::new(RefCell::new(platform));
        Self { platform, control }
    }
}

impl<P: Platform> Platform for Conditioned<P> {
    type Socket = ConditionedSocket<P>;
    type Sleep = P::Sleep;
    type Signals = P::Signals;

    fn mono_ms(&self) -> u64 {
        self.platform.borrow().mono_ms()
    }

    fn epoch_ms(&self) -> u64 {
        self.platform.borrow().epoch_ms()
    }

    fn sleep_until(&self, mono_ms: u64) -> Self::Sleep {
        self.platform.borrow().sleep_until(mono_ms)
    }

    fn connect(&self, url: &str) -> Self::Socket {
        ConditionedSocket {
            socket: Some(self.platform.borrow().connect(url)),
            platform: Rc::clone(&self.platform),
            control: self.control.clone(),
            outgoing: Lane::default(),
            incoming: Lane::default(),
            timer: None,
        }
    }

    fn signals(&mut self) -> Self::Signals {
        self.platform.borrow_mut().signals()
    }

    fn join(&mut self) -> bool {
        self.platform.borrow_mut().join()
    }

    fn tell(&mut self, frame: Vec<u8>) {
        self.platform.borrow_mut().tell(frame);
    }

    fn elect(&mut self) {
        self.platform.borrow_mut().elect();
    }

    fn leave(&mut self) {
        self.platform.borrow_mut().leave();
    }

    fn request_persistence(&self) {
        self.platform.borrow().request_persistence();
    }

    #[allow(
        clippy::await_holding_refcell_ref,
        reason = "the driver has ended: nobody changes the platform any more"
    )]
    async fn farewell(&self) {
        self.platform.borrow().farewell().await;
    }
}

/// A socket over a bad network.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// use driftless_client::platform::conditioned::Conditioned;
/// use driftless_client::platform::{Platform, SocketEvent};
/// use driftless_client::{NetworkConditions, NetworkControl};
/// use futures::{FutureExt, StreamExt};
/// # use driftless_client::platform::{Signal, Socket};
/// # use futures::stream;
/// # struct Lab(Rc<Cell<u64>>);
/// # impl Platform for Lab {
/// #     type Socket = Open;
/// #     type Sleep = std::future::Pending<()>;
/// #     type Signals = stream::Pending<Signal>;
/// #     fn mono_ms(&self) -> u64 {
/// #         self.0.get()
/// #     }
/// #     fn epoch_ms(&self) -> u64 {
/// #         self.0.get()
/// #     }
/// #     fn sleep_until(&self, _mono_ms: u64) -> Self::Sleep {
/// #         std::future::pending()
/// #     }
/// #     fn connect(&self, _url: &str) -> Open {
/// #         Open(Some(SocketEvent::Opened))
/// #     }
/// #     fn signals(&mut self) -> Self::Signals {
/// #         stream::pending()
/// #     }
/// # }
/// # struct Open(Option<SocketEvent>);
/// # impl stream::Stream for Open {
/// #     type Item = SocketEvent;
/// #     fn poll_next(
/// #         mut self: std::pin::Pin<&mut Self>,
/// #         _context: &mut std::task::Context<'_>,
/// #     ) -> std::task::Poll<Option<SocketEvent>> {
/// #         let event = self.0.take();
/// #         event.map_or(std::task::Poll::Pending, |event| std::task::Poll::Ready(Some(event)))
/// #     }
/// # }
/// # impl Socket for Open {
/// #     fn send(&mut self, _frame: Vec<u8>) {}
/// #     fn close(&mut self) {}
/// # }
///
/// // `Lab` is a platform whose clock stands where it was set, and whose sockets open at once.
/// let clock = Rc::new(Cell::new(0));
/// let network = NetworkControl::default();
/// let mut conditions = NetworkConditions::none();
/// conditions.latency_ms = 100;
/// network.set(conditions);
/// let lab = Conditioned::new(Lab(Rc::clone(&clock)), network);
///
/// let mut socket = lab.connect("ws://boards/rt");
/// assert_eq!(socket.next().now_or_never(), None); // on its way
/// clock.set(99);
/// assert_eq!(socket.next().now_or_never(), None);
/// clock.set(100);
/// assert_eq!(socket.next().now_or_never(), Some(Some(SocketEvent::Opened)));
/// ```
pub struct ConditionedSocket<P: Platform> {
    /// Gone once it has closed, or was lost.
    socket: Option<P::Socket>,
    platform: Rc<RefCell<P>>,
    control: NetworkControl,
    outgoing: Lane<Vec<u8>>,
    incoming: Lane<SocketEvent>,
    timer: Option<(u64, Pin<Box<P::Sleep>>)>,
}

impl<P: Platform> fmt::Debug for ConditionedSocket<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConditionedSocket")
            .field("outgoing", &self.outgoing)
            .field("incoming", &self.incoming)
            .finish_non_exhaustive()
    }
}

impl<P: Platform> ConditionedSocket<P> {
    fn now_ms(&self) -> u64 {
        self.platform.borrow().mono_ms()
    }

    /// Hands the socket what has got there.
    fn send_due(&mut self, now_ms: u64) {
        while let Some(socket) = &mut self.socket
            && let Some(frame) = self.outgoing.take(now_ms)
        {
            socket.send(frame);
        }
    }

    /// Takes from the socket what comes, as far as the window goes.
    fn receive(&mut self, now_ms: u64, context: &mut Context<'_>) {
        while self.incoming.bytes() < WINDOW_BYTES
            && let Some(socket) = &mut self.socket
            && let Poll::Ready(event) = socket.poll_next_unpin(context)
        {
            match event {
                Some(event) => self.take_in(event, now_ms),
                None => self.take_in(closed("the connection ended"), now_ms),
            }
        }
    }

    fn take_in(&mut self, event: SocketEvent, now_ms: u64) {
        if matches!(event, SocketEvent::Closed { .. }) {
            self.socket = None;
        }
        let bytes = match &event {
            SocketEvent::Frame(frame) => frame.len(),
            _ => 0,
        };
        let put = self.control.with(|conditions, dice, traffic| {
            if matches!(event, SocketEvent::Frame(_)) {
                traffic.frames_received += 1;
                traffic.bytes_received += bytes as u64;
            }
            self.incoming
                .put(event, bytes, now_ms, conditions, dice, traffic)
        });
        if let Err(broken) = put {
            self.break_at(broken.at_ms);
        }
    }

    /// Both ends are cut off now; the client sees it at a time.
    fn break_at(&mut self, at_ms: u64) {
        self.socket = None;
        let lost = closed("the network lost a frame too often");
        self.incoming.put_at(lost, 0, at_ms);
    }

    /// Ready when the next frame is there, in either direction.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let outgoing_ms = self.socket.as_ref().and_then(|_| self.outgoing.due_ms());
        let due_ms = outgoing_ms.into_iter().chain(self.incoming.due_ms()).min();
        let Some(due_ms) = due_ms else {
            self.timer = None;
            return Poll::Pending;
        };
        let (at_ms, sleep) = self.timer.get_or_insert_with(|| {
            let sleep = self.platform.borrow().sleep_until(due_ms);
            (due_ms, Box::pin(sleep))
        });
        if *at_ms != due_ms {
            *at_ms = due_ms;
            sleep.set(self.platform.borrow().sleep_until(due_ms));
        }
        let slept = sleep.as_mut().poll(context);
        if slept.is_ready() {
            self.timer = None;
        }
        slept
    }
}

fn closed(reason: &str) -> SocketEvent {
    SocketEvent::Closed {
        code: None,
        reason: reason.to_owned(),
    }
}

impl<P: Platform> Stream for ConditionedSocket<P> {
    type Item = SocketEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        let this = self.get_mut();
        loop {
            this.control.wake_on_change(context.waker());
            if this.control.conditions().is_cut {
                return Poll::Pending;
            }
            let now_ms = this.now_ms();
            this.send_due(now_ms);
            this.receive(now_ms, context);
            if let Some(event) = this.incoming.take(now_ms) {
                return Poll::Ready(Some(event));
            }
            if this.socket.is_none() && this.incoming.due_ms().is_none() {
                return Poll::Ready(None);
            }
            if this.poll_timer(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl<P: Platform> Socket for ConditionedSocket<P> {
    fn send(&mut self, frame: Vec<u8>) {
        if self.socket.is_none() {
            return;
        }
        let (bytes, now_ms) = (frame.len(), self.now_ms());
        let put = self.control.with(|conditions, dice, traffic| {
            traffic.frames_sent += 1;
            traffic.bytes_sent += bytes as u64;
            self.outgoing
                .put(frame, bytes, now_ms, conditions, dice, traffic)
        });
        match put {
            Ok(()) if !self.control.conditions().is_cut => self.send_due(now_ms),
            Ok(()) => {}
            Err(broken) => self.break_at(broken.at_ms),
        }
    }

    /// What was sent goes out ahead of the farewell, at once: nobody stays to wait for it. Over a
    /// cut neither gets anywhere.
    fn close(&mut self) {
        let Some(mut socket) = self.socket.take() else {
            return;
        };
        if !self.control.conditions().is_cut {
            self.outgoing
                .take_all()
                .for_each(|frame| socket.send(frame));
            socket.close();
        }
    }
}
