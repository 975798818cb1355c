//! TLS on the server's own listener.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use driftless_model::limits::HANDSHAKES_MAX;
use driftless_server::pace::Peers;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::server::TlsStream;

/// How long a peer has for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read as what it should be.
    #[error("{file} is no {what}: {reason}; give a PEM file")]
    File {
        /// Which.
        file: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The two do not belong together, or the key is of a kind that is not known.
    #[error("the certificate and the key cannot be used: {0}; do they belong together?")]
    Pair(#[from] tokio_rustls::rustls::Error),
}

/// Reads a certificate with its chain and its key, both PEM.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let bad = |file: &Path, what, reason: String| TlsError::File {
        file: file.to_owned(),
        what,
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        let reason = "there is none in it".to_owned();
        return Err(bad(certificate, "certificate", reason));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    let private = private.map_err(|error| bad(key, "private key", error.to_string()))?;
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Connections whose handshake is done. A peer that takes its time holds up nobody else, nor do
/// many from one address.
pub struct TlsListener<S> {
    accepted: mpsc::Receiver<(TlsStream<S>, SocketAddr)>,
    address: SocketAddr,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsListener<S> {
    /// Takes connections from a listener, in a task of its own for as long as this is there, and
    /// from each of the peers as many at once as they may have. Each handshake has the newest
    /// certificate.
    pub fn new<L>(
        listener: L,
        newest: watch::Receiver<TlsAcceptor>,
        peers: Peers,
    ) -> io::Result<Self>
    where
        L: Listener<Io = S, Addr = SocketAddr>,
    {
        let address = listener.local_addr()?;
        let (done, accepted) = mpsc::channel(64);
        tokio::spawn(accept(listener, newest, peers, done));
        Ok(Self { accepted, address })
    }
}

type Done<S> = mpsc::Sender<(TlsStream<S>, SocketAddr)>;

async fn accept<L>(
    mut listener: L,
    newest: watch::Receiver<TlsAcceptor>,
    peers: Peers,
    done: Done<L::Io>,
) where
    L: Listener<Addr = SocketAddr>,
{
    let room = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let permit = room.clone().acquire_owned().await;
        let permit = permit.expect("is never closed");
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = done.closed() => return,
        };
        let Ok(place) = peers.enter(peer.ip()) else {
            tracing::debug!(%peer, "too many TLS handshakes from this address");
            continue;
        };
        let (acceptor, done) = (newest.borrow().clone(), done.clone());
        tokio::spawn(async move {
            let _held = (permit, place);
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(socket)).await {
                Ok(Ok(stream)) => drop(done.send((stream, peer)).await),
                Ok(Err(error)) => tracing::debug!(%error, %peer, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
        });
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Listener for TlsListener<S> {
    type Io = TlsStream<S>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The task ends with this listener, so that this is not reached while it is served.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

#[cfg(test)]
#[path = "../tests/binary/trusting.rs"]
pub mod trusting;

#[cfg(test)]
mod tests {
    use driftless_model::limits::HANDSHAKES_PER_ADDRESS_MAX;
    use driftless_server::Proxies;
    use rustls_pki_types::ServerName;
    use tokio::io::AsyncReadExt as _;

    use super::trusting::{connector, key_file};
    use super::*;
    use crate::crowd::tests::{PATIENCE, pretended};

    fn newest() -> watch::Receiver<TlsAcceptor> {
        let [certificate, key] = ["cert.pem", "key.pem"].map(key_file);
        watch::channel(acceptor(certificate.as_ref(), key.as_ref()).expect("PEM")).1
    }

    #[tokio::test]
    async fn one_address_has_all_handshakes_that_it_may_and_another_still_gets_in() {
        let (connects, pretended) = pretended();
        let peers = Peers::new(Proxies::default(), HANDSHAKES_PER_ADDRESS_MAX);
        let mut listener = TlsListener::new(pretended, newest(), peers).expect("listens");
        let silent = || connects.from("192.0.2.1");
        let held: Vec<_> = (0..HANDSHAKES_PER_ADDRESS_MAX).map(|_| silent()).collect();
        let mut past = silent();
        let closed = tokio::time::timeout(PATIENCE, past.read(&mut [0])).await;
        assert_eq!(closed.expect("at once").expect("is closed"), 0);
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = connector().connect(name, connects.from("192.0.2.2"));
        let (connected, (_, peer)) = tokio::join!(connected, listener.accept());
        connected.expect("shakes hands");
        assert_eq!(peer.ip().to_string(), "192.0.2.2");
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_handshakes_are_under_way_and_whoever_comes_then_waits_for_a_place() {
        let (connects, pretended) = pretended();
        let peers = Peers::new(Proxies::default(), HANDSHAKES_PER_ADDRESS_MAX);
        let mut listener = TlsListener::new(pretended, newest(), peers).expect("listens");
        let silent = |number| connects.from(&format!("192.0.2.{}", number % 8));
        let mut held: Vec<_> = (0..HANDSHAKES_MAX).map(silent).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = connector().connect(name, connects.from("198.51.100.1"));
        let connected = async { tokio::join!(connected, listener.accept()).0 };
        let mut connected = std::pin::pin!(connected);
        let waited = tokio::time::timeout(HANDSHAKE / 2, &mut connected).await;
        assert!(waited.is_err(), "one past it");
        held.pop();
        connected.await.expect("shakes hands");
        drop(held);
    }
}
