//! TLS on the server's own listener.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::server::TlsStream;

/// How long a peer has for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once; whoever comes then waits in the system's queue.
const HANDSHAKES_MAX: usize = 1_024;

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

/// Connections whose handshake is done. A peer that takes its time holds up nobody else.
pub struct TlsListener {
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Takes connections from a listener, in a task of its own for as long as this is there.
    pub fn new<L>(listener: L, acceptor: TlsAcceptor) -> io::Result<Self>
    where
        L: Listener<Io = TcpStream, Addr = SocketAddr>,
    {
        let address = listener.local_addr()?;
        let (done, accepted) = mpsc::channel(64);
        tokio::spawn(accept(listener, acceptor, done));
        Ok(Self { accepted, address })
    }
}

type Done = mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>;

async fn accept<L>(mut listener: L, acceptor: TlsAcceptor, done: Done)
where
    L: Listener<Io = TcpStream, Addr = SocketAddr>,
{
    let room = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let permit = room.clone().acquire_owned().await;
        let permit = permit.expect("is never closed");
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = done.closed() => return,
        };
        let (acceptor, done) = (acceptor.clone(), done.clone());
        tokio::spawn(async move {
            let _permit = permit;
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(socket)).await {
                Ok(Ok(stream)) => drop(done.send((stream, peer)).await),
                Ok(Err(error)) => tracing::debug!(%error, %peer, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
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
