//! A native process: tokio on a thread of its own, sockets with TLS (`wss://`, by the feature `tls`)
//! and without (`ws://`).

mod exchange;

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use driftless_model::limits;
use driftless_protocol::Codec;
use futures::channel::mpsc;
use futures::{SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::platform::{Platform, Signal, Socket, SocketEvent};
use exchange::{closed_by, exchange};

/// Frames that wait for the driver before the peer has to wait.
const FRAMES_WAITING_MAX: usize = 64;
/// What was sent before a socket is closed, and the farewell, have this long to get away: a peer
/// that takes nothing any more holds nothing up.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// A connection, with TLS or without.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<L: AsyncRead + AsyncWrite + Send + Unpin> Line for L {}

type Peer = WebSocketStream<Box<dyn Line>>;

/// What a handshake of TLS needs.
#[cfg(feature = "tls")]
type Tls = std::sync::Arc<tokio_rustls::rustls::ClientConfig>;
/// There is none.
#[cfg(not(feature = "tls"))]
#[derive(Debug, Clone)]
struct Tls;

/// Why no client can connect there, ever.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("{error}; {URL_FORM}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("ws"), Some(_)) => Ok(()),
        (Some("wss"), Some(_)) if cfg!(feature = "tls") => Ok(()),
        (Some("wss"), Some(_)) => Err(NO_TLS.to_owned()),
        _ => Err(URL_FORM.to_owned()),
    }
}

const URL_FORM: &str = "it has to be like wss://boards.example.org/rt, or ws:// without TLS";
const NO_TLS: &str = "this build has no TLS: switch on the feature `tls` of driftless-client";

/// Runs a driver on a thread of its own until it ends. Fails where the system has no thread or no
/// poller left.
pub(crate) fn spawn<F: Future<Output = ()>>(
    platform: Native,
    drive: impl FnOnce(Native) -> F + Send + 'static,
) -> io::Result<()> {
    let (answer, answered) = std::sync::mpsc::channel();
    // Made there: one that is dropped where others run panics.
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build();
        // The caller waits for the answer.
        match runtime {
            Ok(runtime) => {
                let _ = answer.send(Ok(()));
                runtime.block_on(async { drive(platform).await });
            }
            Err(error) => drop(answer.send(Err(error))),
        }
    };
    let thread = std::thread::Builder::new().name("driftless-client".to_owned());
    thread.spawn(run)?;
    answered.recv().map_err(io::Error::other)?
}

/// A native process. Its driver runs within a tokio runtime that has I/O and time; elsewhere it
/// panics, as everything of tokio's does.
///
/// ```
/// use driftless_client::platform::Platform;
/// use driftless_client::platform::native::Native;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let native = Native::new();
/// native.sleep_until(5).await;
/// assert!(native.mono_ms() >= 5);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Native {
    started: Instant,
    tls: Tls,
    /// What carries the newest socket.
    carrier: RefCell<Option<JoinHandle<()>>>,
}

impl Native {
    /// The process, with its clock at 0. It trusts the public authorities.
    ///
    /// ```
    /// use driftless_client::Client;
    /// use driftless_client::platform::native::Native;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # tokio::task::LocalSet::new().block_on(&runtime, async {
    /// // Many clients on one thread, each with a platform of its own.
    /// let builders = [1, 2].map(|port| Client::builder(format!("ws://127.0.0.1:{port}/rt")));
    /// let mut clients = Vec::new();
    /// for builder in builders {
    ///     let (client, work) = builder.start_on(Native::new());
    ///     tokio::task::spawn_local(work);
    ///     clients.push(client);
    /// }
    /// for client in clients {
    ///     client.shutdown().await;
    /// }
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            #[cfg(feature = "tls")]
            tls: super::trust::Trust::public().config(),
            #[cfg(not(feature = "tls"))]
            tls: Tls,
            carrier: RefCell::default(),
        }
    }

    /// It trusts these instead of the public authorities.
    ///
    /// ```
    /// use driftless_client::platform::native::Native;
    /// use driftless_client::{Client, Trust};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let native = Native::new().trust(Trust::pem_file("tests/keys/authority.pem")?);
    /// let (client, work) = Client::builder("wss://localhost:1/rt").start_on(native);
    /// futures::future::join(work, client.shutdown()).await;
    /// # Ok::<(), driftless_client::TrustError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trust(mut self, trust: super::trust::Trust) -> Self {
        self.tls = trust.config();
        self
    }
}

impl Default for Native {
    fn default() -> Self {
        Self::new()
    }
}

impl Platform for Native {
    type Socket = NativeSocket;
    type Sleep = tokio::time::Sleep;
    type Signals = futures::stream::Pending<Signal>;

    fn mono_ms(&self) -> u64 {
        whole_ms(self.started.elapsed())
    }

    fn epoch_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        whole_ms(since.unwrap_or_default())
    }

    fn sleep_until(&self, mono_ms: u64) -> Self::Sleep {
        tokio::time::sleep_until(self.started + Duration::from_millis(mono_ms))
    }

    fn connect(&self, url: &str) -> NativeSocket {
        let (socket, carrier) = NativeSocket::connect(url.to_owned(), self.tls.clone());
        self.carrier.replace(Some(carrier));
        socket
    }

    fn signals(&mut self) -> Self::Signals {
        futures::stream::pending()
    }

    async fn farewell(&self) {
        let carrier = self.carrier.take();
        if let Some(carrier) = carrier {
            // One that was cut has ended too.
            let _ = carrier.await;
        }
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A socket, carried by a task. Dropping it cuts the connection.
///
/// ```
/// use driftless_client::platform::native::Native;
/// use driftless_client::platform::{Platform, Socket, SocketEvent};
/// use futures::StreamExt;
/// # use driftless_server::{Driftless, router};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// # let server = Driftless::builder().start().await?;
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/rt", listener.local_addr()?);
/// # let app = axum::Router::new().nest("/rt", router(server));
/// # tokio::spawn(async move { axum::serve(listener, app).await });
/// let mut socket = Native::new().connect(&url);
/// assert_eq!(socket.next().await, Some(SocketEvent::Opened));
/// socket.send(vec![7]); // no message of ours: the server says so
/// assert!(matches!(socket.next().await, Some(SocketEvent::Frame(_))));
/// socket.close();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NativeSocket {
    events: mpsc::Receiver<SocketEvent>,
    outgoing: Option<mpsc::UnboundedSender<Vec<u8>>>,
    task: AbortHandle,
    is_open: bool,
}

impl NativeSocket {
    fn connect(url: String, tls: Tls) -> (Self, JoinHandle<()>) {
        let (sender, events) = mpsc::channel(FRAMES_WAITING_MAX);
        // Bounded by the machine: it has a limited number of edits under way.
        let (outgoing, frames) = mpsc::unbounded();
        let carrier = tokio::spawn(carry(url, tls, sender, frames));
        let socket = Self {
            events,
            outgoing: Some(outgoing),
            task: carrier.abort_handle(),
            is_open: false,
        };
        (socket, carrier)
    }
}

impl Stream for NativeSocket {
    type Item = SocketEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        let event = self.events.poll_next_unpin(context);
        self.is_open |= matches!(event, Poll::Ready(Some(SocketEvent::Opened)));
        event
    }
}

impl Socket for NativeSocket {
    fn send(&mut self, frame: Vec<u8>) {
        if let Some(outgoing) = &self.outgoing {
            // The task is gone once the socket is closed: frames after that are dropped.
            let _ = outgoing.unbounded_send(frame);
        }
    }

    /// What was sent before still goes out, then the farewell. One that never opened has neither.
    fn close(&mut self) {
        let task = self.task.clone();
        if self.outgoing.take().is_none() {
            return;
        }
        if !self.is_open {
            return task.abort();
        }
        tokio::spawn(async move {
            tokio::time::sleep(FAREWELL_MAX).await;
            task.abort();
        });
    }
}

impl Drop for NativeSocket {
    fn drop(&mut self) {
        if self.outgoing.is_some() {
            self.task.abort();
        }
    }
}

async fn carry(
    url: String,
    tls: Tls,
    mut events: mpsc::Sender<SocketEvent>,
    frames: mpsc::UnboundedReceiver<Vec<u8>>,
) {
    let closed = match open(&url, tls).await {
        Ok(peer) => {
            // A driver that is gone ends the task at the next step.
            let _ = events.send(SocketEvent::Opened).await;
            exchange(peer, &mut events, frames).await
        }
        Err(error) => closed_by(&error),
    };
    let _ = events.send(closed).await;
}

async fn open(url: &str, tls: Tls) -> Result<Peer, Error> {
    let mut request: Request<()> = url.into_client_request()?;
    let protocol = HeaderValue::from_static(Codec::MessagePack.subprotocol());
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::RESUME_BYTES_MAX))
        .max_frame_size(Some(limits::RESUME_BYTES_MAX));
    let line = dial(request.uri(), tls).await?;
    let (peer, _) = client_async_with_config(request, line, Some(config)).await?;
    Ok(peer)
}

async fn dial(uri: &Uri, tls: Tls) -> Result<Box<dyn Line>, Error> {
    let host = uri.host().unwrap_or_default();
    // An IPv6 address has brackets in a URL only.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_secure = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    if is_secure {
        secure(host, stream, tls).await
    } else {
        Ok(Box::new(stream))
    }
}

#[cfg(feature = "tls")]
async fn secure(host: &str, stream: TcpStream, tls: Tls) -> Result<Box<dyn Line>, Error> {
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::ServerName;

    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
    let shaken = TlsConnector::from(tls).connect(name, stream).await;
    Ok(Box::new(shaken.map_err(|error| hinted(&error))?))
}

/// Says what to do about a server that nobody vouches for.
#[cfg(feature = "tls")]
fn hinted(error: &io::Error) -> io::Error {
    use tokio_rustls::rustls::{CertificateError, Error};

    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let hint = match inner {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "; where it is the server's own, give it to the client (`ClientBuilder::trust`)"
        }
        // What `openssl req -x509` makes when nothing else is said.
        Some(Error::InvalidCertificate(other)) if is_authority(other) => {
            "; the server shows the certificate of an authority as its own: make it one that is \
             none (basicConstraints=CA:FALSE), and give that to the client"
        }
        Some(Error::InvalidMessage(_)) => "; does this port speak TLS? Otherwise use ws://",
        _ => "",
    };
    io::Error::new(error.kind(), format!("no TLS: {error}{hint}"))
}

#[cfg(feature = "tls")]
fn is_authority(error: &tokio_rustls::rustls::CertificateError) -> bool {
    // The library has no variant for it.
    error.to_string().contains("CaUsedAsEndEntity")
}

#[cfg(not(feature = "tls"))]
#[allow(clippy::unused_async, reason = "with TLS it waits")]
async fn secure(_host: &str, _stream: TcpStream, _tls: Tls) -> Result<Box<dyn Line>, Error> {
    Err(io::Error::new(io::ErrorKind::Unsupported, NO_TLS).into())
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use std::sync::Arc;

    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::platform::trust::Trust;

    /// Made by `openssl req -x509` as it is, for `localhost`; valid for a hundred years.
    const AUTHORITY: &[u8] = include_bytes!("../../tests/keys/authority.pem");

    #[tokio::test]
    async fn a_server_that_shows_an_authoritys_certificate_is_told_what_to_do() {
        let certificate = CertificateDer::from_pem_slice(AUTHORITY).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(AUTHORITY).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("they belong together");
        let (near, far) = tokio::io::duplex(4096);
        let trust = Trust::pem(AUTHORITY).expect("a certificate");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(trust.config());
        let (refused, _) = tokio::join!(
            connector.connect(name, near),
            TlsAcceptor::from(Arc::new(config)).accept(far)
        );
        let says = hinted(&refused.expect_err("it is no server's")).to_string();
        assert!(says.contains("CA:FALSE"), "{says}");
    }
}
