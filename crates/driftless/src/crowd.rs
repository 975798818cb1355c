//! Connections of which one address has only so many, whatever comes over them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::serve::Listener;
use driftless_server::pace::{FromAddress, Peers};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A listener that closes what comes from an address that has as many connections as it may, so
/// that it cannot take the files and the memory that others need.
pub struct CrowdListener<L> {
    inner: L,
    peers: Peers,
}

impl<L> CrowdListener<L> {
    /// Counts the connections of a listener.
    pub fn new(inner: L, peers: Peers) -> Self {
        Self { inner, peers }
    }
}

impl<L: Listener<Addr = SocketAddr>> Listener for CrowdListener<L> {
    type Io = OfCrowd<L::Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (inner, peer) = self.inner.accept().await;
            if let Ok(place) = self.peers.enter(peer.ip()) {
                return (OfCrowd::new(inner, place), peer);
            }
            tracing::debug!(%peer, "too many connections from this address");
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection of a [`CrowdListener`], which is counted as long as it is there.
#[derive(Debug)]
pub struct OfCrowd<S> {
    inner: S,
    _place: Option<FromAddress>,
}

impl<S> OfCrowd<S> {
    fn new(inner: S, place: Option<FromAddress>) -> Self {
        Self {
            inner,
            _place: place,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OfCrowd<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OfCrowd<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use driftless_model::limits::SOCKETS_PER_ADDRESS_MAX;
    use driftless_server::Proxies;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::sync::mpsc;

    use super::*;

    /// How long anything may take before a test gives up.
    pub const PATIENCE: Duration = Duration::from_mins(1);

    /// A listener to which a test connects from any address.
    pub struct Pretended(mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>);

    /// Connects to it.
    pub struct Connects(mpsc::UnboundedSender<(DuplexStream, SocketAddr)>);

    pub fn pretended() -> (Connects, Pretended) {
        let (connects, connected) = mpsc::unbounded_channel();
        (Connects(connects), Pretended(connected))
    }

    impl Connects {
        pub fn from(&self, address: &str) -> DuplexStream {
            let (near, far) = tokio::io::duplex(16 * 1024);
            let peer = SocketAddr::new(address.parse().expect("an address"), 4_711);
            self.0.send((near, peer)).expect("is listened to");
            far
        }
    }

    impl Listener for Pretended {
        type Io = DuplexStream;
        type Addr = SocketAddr;

        async fn accept(&mut self) -> (Self::Io, Self::Addr) {
            match self.0.recv().await {
                Some(connected) => connected,
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            Ok(([127, 0, 0, 1], 80).into())
        }
    }

    /// Whether a page came over the connection, which is closed where none does.
    async fn has_page(mut stream: DuplexStream) -> bool {
        let request = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.ok();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.expect("in time").ok();
        answer.ends_with("a page")
    }

    #[tokio::test]
    async fn one_address_holds_all_that_it_may_and_others_still_get_their_page() {
        let (connects, pretended) = pretended();
        let proxies = Proxies::default().trust("10.0.0.2").expect("an address");
        let peers = Peers::new(proxies, SOCKETS_PER_ADDRESS_MAX);
        let app = Router::new().route("/", get(async || "a page"));
        let listener = CrowdListener::new(pretended, peers);
        let serving = tokio::spawn(axum::serve(listener, app).into_future());
        let silent = || connects.from("192.0.2.1");
        let mut held: Vec<_> = (1..SOCKETS_PER_ADDRESS_MAX).map(|_| silent()).collect();
        assert!(has_page(silent()).await, "the last that it may have");
        held.push(silent());
        assert!(!has_page(silent()).await, "one past it");
        for other in ["192.0.2.2", "2001:db8::1", "10.0.0.2", "127.0.0.1"] {
            assert!(has_page(connects.from(other)).await, "{other}");
        }
        drop(held);
        // Once the server has seen that they are gone.
        let has_room = async {
            while !has_page(silent()).await {
                tokio::task::yield_now().await;
            }
        };
        let has_room = tokio::time::timeout(PATIENCE, has_room).await;
        has_room.expect("there is room again");
        serving.abort();
    }
}
