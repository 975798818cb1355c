//! `driftless serve`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use driftless_model::limits::{HANDSHAKES_PER_ADDRESS_MAX, SOCKETS_PER_ADDRESS_MAX};
use driftless_server::auth::{JwtKeyError, JwtKeys};
use driftless_server::pace::Peers;
use driftless_server::proxies::ProxyError;
use driftless_server::{
    Builder, Driftless, OpenAuth, Origins, Proxies, Retention, StaticTokens, StoredAuth,
    ops_router, push_router, router, sharing_router, watch_rights,
};
use driftless_store::server::{SqliteBoards, SqliteSamples, StoreError, are_in_use};
use tokio::net::TcpListener;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::{LogFormat, ServeOptions};
use crate::crowd::CrowdListener;
use crate::data;
use crate::demo;
use crate::patience::PatientListener;
use crate::renewal::{HangUps, Renewal};
use crate::sockets;
use crate::tls::{TlsError, TlsListener};
use crate::web::{self, WebError};

/// How many times the heartbeat a connection may last to which nothing is written.
const PATIENCE: u32 = 4;
/// How long requests that are under way may take once everything else has ended.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Others could reach it, and everybody would be let in.
    #[error(
        "{0} can be reached from other machines or by a proxy, and without sign-in everybody there could edit \
         every board; let somebody in first with `driftless token create --name NAME --role \
         owner`, or give --insecure if everybody may"
    )]
    Open(SocketAddr),
    /// Others could reach it, and kill it.
    #[error(
        "--demo lets a page kill this server, and {0} can be reached from other machines or by a \
         proxy; listen on 127.0.0.1 without --trusted-proxy, or leave --demo away"
    )]
    Demo(SocketAddr),
    /// Something else listens there.
    #[error("{0} is in use; stop what listens there, or choose another port with --listen")]
    Busy(SocketAddr),
    /// It cannot listen there.
    #[error("cannot listen on {address}: {reason}; choose another address with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The data folder cannot be made.
    #[error(transparent)]
    Data(#[from] data::DataError),
    /// There is no web app to serve.
    #[error(transparent)]
    Web(#[from] WebError),
    /// The log filter cannot be read.
    #[error("--log {filter:?} is not a filter: {reason}")]
    Log {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token file cannot be used.
    #[error(transparent)]
    Tokens(#[from] driftless_server::auth::TokenFileError),
    /// A trusted proxy is none.
    #[error("--trusted-proxy {0}")]
    Proxy(#[from] ProxyError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The key of JWTs cannot be used.
    #[error(transparent)]
    Jwt(#[from] JwtKeyError),
    /// The keys of JWTs cannot be fetched.
    #[error("--jwt-jwks cannot be fetched: {0}; is the issuer running there?")]
    KeySet(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] driftless_server::StartError),
    /// Accepting connections failed, or there is no runtime.
    #[error("the server stopped: {0}")]
    Io(#[from] std::io::Error),
}

impl ServeError {
    /// 2 for what the caller can put right on the command line, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::KeySet(_) | Self::Store(_) | Self::Start(_) | Self::Io(_) => 1,
            _ => 2,
        }
    }
}

/// Serves until it is told to stop.
pub fn run(options: &ServeOptions) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async { serve(options, ready(options).await?).await })
}

/// Reads every file that the options name, and says that all of it can be used.
pub fn check(options: &ServeOptions) -> Result<(), ServeError> {
    data::runtime()?.block_on(async {
        let ready = ready(options).await?;
        fetch_keys(ready.sign_in.jwt).await
    })?;
    Ok(writeln!(std::io::stdout(), "the settings can be used")?)
}

/// What the settings name, once it is read and can be used.
struct Ready {
    log: EnvFilter,
    app: Router,
    tls: Option<Renewal>,
    proxies: Proxies,
    sign_in: SignIn,
}

/// Who may sign in besides those whom the file of the boards knows.
struct SignIn {
    jwt: Option<JwtKeys>,
    tokens: Option<StaticTokens>,
    /// Somebody may sign in, in one way or another.
    is_there: bool,
}

/// Fetches the keys of JWTs, where they come from somewhere else.
async fn fetch_keys(keys: Option<JwtKeys>) -> Result<(), ServeError> {
    match keys {
        Some(keys) => keys.fetch().await.map_err(ServeError::KeySet),
        None => Ok(()),
    }
}

/// An issuer that is down keeps nobody else out: its keys are fetched once somebody needs them.
async fn fetch_first_keys(keys: Option<JwtKeys>) {
    if let Err(error) = fetch_keys(keys).await {
        tracing::error!(%error, "nobody signs in by JWT until the keys can be fetched");
    }
}

/// Judges all the settings, before there is a port or a file of this server's own.
async fn ready(options: &ServeOptions) -> Result<Ready, ServeError> {
    let log = EnvFilter::try_new(&options.log).map_err(|error| ServeError::Log {
        filter: options.log.clone(),
        reason: error.to_string(),
    })?;
    let mut proxies = options.trusted_proxy.iter();
    let proxies = proxies.try_fold(Proxies::default(), |proxies, proxy| proxies.trust(proxy))?;
    let app = web::router(options.web.as_deref(), &options.base_path)?;
    let tls = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Some(Renewal::read(certificate.clone(), key.clone())?),
        _ => None,
    };
    let jwt = options.jwt.keys()?;
    let tokens = options.tokens.as_deref().map(StaticTokens::read);
    let tokens = tokens.transpose()?;
    let is_there =
        tokens.is_some() || jwt.is_some() || are_in_use(&data::boards(&options.folder.data)).await;
    closed_or_near(options, is_there)?;
    if options.demo && !is_near(options) {
        return Err(ServeError::Demo(options.listen));
    }
    let sign_in = SignIn {
        jwt,
        tokens,
        is_there,
    };
    Ok(Ready {
        log,
        app,
        tls,
        proxies,
        sign_in,
    })
}

/// Only this machine reaches the server, and through no proxy.
fn is_near(options: &ServeOptions) -> bool {
    options.listen.ip().is_loopback() && options.trusted_proxy.is_empty()
}

/// Refuses to be open to other machines, unless told so.
fn closed_or_near(options: &ServeOptions, has_sign_in: bool) -> Result<(), ServeError> {
    if !has_sign_in && !options.insecure && !is_near(options) {
        return Err(ServeError::Open(options.listen));
    }
    Ok(())
}

/// Libraries that log what travels, tokens included, as it comes. Where the target of a line begins
/// so, nothing finer than `info` is logged, whatever the filter says: a directive of the filter
/// would not do, since one with a longer target is stronger.
const KEPT_QUIET: [&str; 5] = [
    "tungstenite",
    "tokio_tungstenite",
    "hyper",
    "rustls",
    "sqlx",
];

fn may_be_logged(line: &Metadata<'_>) -> bool {
    let mut kept_quiet = KEPT_QUIET.iter();
    *line.level() <= Level::INFO || !kept_quiet.any(|name| line.target().starts_with(name))
}

fn start_log(filter: EnvFilter, format: LogFormat) {
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let log = tracing_subscriber::registry().with(lines);
    log.with(filter).with(filter_fn(may_be_logged)).init();
}

async fn serve(options: &ServeOptions, ready: Ready) -> Result<(), ServeError> {
    start_log(ready.log, options.log_format);
    sockets::may_open_more();
    // The port comes first: a second server must not touch the data of the first.
    let listener = listen(options.listen).await?;
    let address = listener.local_addr()?;
    let store = open_store(options).await?;
    let samples = open_samples(options).await;
    let origins = origins(options, ready.sign_in.is_there);
    tokio::spawn(fetch_first_keys(ready.sign_in.jwt.clone()));
    let trusted = ready.proxies.clone();
    let peers = |each_max| Peers::new(trusted.clone(), each_max);
    let builder = Driftless::builder().origins(origins).proxies(ready.proxies);
    let builder = match &samples {
        Some(samples) => builder.samples(samples.clone()),
        None => builder,
    };
    let (driftless, auth) = start(builder, options, store.clone(), ready.sign_in).await?;
    let app: Router = Router::new()
        .nest("/rt", router(driftless.clone()))
        .merge(ops_router(driftless.clone()))
        .merge(push_router(driftless.clone()))
        .merge(sharing_router(driftless.clone(), auth.clone()))
        .merge(demo::router(options.demo))
        .merge(ready.app);
    let app = match options.base_path.as_str() {
        "" => app,
        base => Router::new().nest_service(base, app),
    };
    let app = web::secured(app);
    let tls = ready
        .tls
        .map(|renewal| Ok::<_, std::io::Error>((HangUps::heard()?, renewal)));
    let tls = tls.transpose()?;
    announce(address, tls.is_some())?;
    let heartbeat = driftless.heartbeat();
    let listener = listener.tap_io(move |socket| {
        if let Err(error) = sockets::tune(socket, heartbeat) {
            tracing::debug!(%error, "a socket keeps what the system gave it");
        }
    });
    let listener = CrowdListener::new(listener, peers(SOCKETS_PER_ADDRESS_MAX));
    match tls {
        None => answer(listener, app, driftless).await?,
        Some((hang_ups, renewal)) => {
            let peers = peers(HANDSHAKES_PER_ADDRESS_MAX);
            let listener = TlsListener::new(listener, renewal.newest(), peers)?;
            tokio::spawn(renewal.watch(hang_ups));
            answer(listener, app, driftless).await?;
        }
    }
    if let Some(auth) = auth
        && let Err(error) = auth.note_refusals().await
    {
        tracing::warn!(%error, "the last refused sign-ins are not in the audit log");
    }
    store.close().await;
    if let Some(samples) = samples {
        samples.close().await;
    }
    Ok(())
}

/// Answers until it is told to stop, and everybody was told when to come back.
async fn answer<L>(listener: L, app: Router, driftless: Driftless) -> std::io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
{
    let patience = PATIENCE * driftless.heartbeat();
    let (drained, is_drained) = tokio::sync::oneshot::channel::<()>();
    let draining = async move {
        stop_asked().await;
        tracing::info!("stopping: clients are told when to come back");
        driftless.shutdown().await;
        drained.send(()).ok();
    };
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    // Only for a tapped listener axum tells of any the address of the peer.
    let listener = PatientListener::new(listener, patience).tap_io(|_| {});
    let serving = axum::serve(listener, app).with_graceful_shutdown(draining);
    tokio::select! {
        served = serving.into_future() => served?,
        () = overdue(is_drained) => tracing::warn!("some requests did not end in time"),
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|reason| {
        if reason.kind() == std::io::ErrorKind::AddrInUse {
            ServeError::Busy(address)
        } else {
            ServeError::Listen { address, reason }
        }
    })
}

async fn open_store(options: &ServeOptions) -> Result<SqliteBoards, ServeError> {
    let folder = &options.folder.data;
    data::make(folder)?;
    let store = SqliteBoards::options();
    let store = match options.data_max {
        Some(mebibytes) => store.bytes_max(mebibytes.saturating_mul(1024 * 1024)),
        None => store,
    };
    Ok(store.open(data::boards(folder)).await?)
}

/// Boards are served without the history of feeds, too: what is wrong with it is said, and the file
/// left alone.
async fn open_samples(options: &ServeOptions) -> Option<SqliteSamples> {
    let opened = SqliteSamples::open(data::samples(&options.folder.data)).await;
    let said = opened.inspect_err(|error| {
        tracing::error!(%error, "feeds keep their history in memory only, until the next start");
    });
    said.ok()
}

async fn start(
    builder: Builder,
    options: &ServeOptions,
    store: SqliteBoards,
    sign_in: SignIn,
) -> Result<(Driftless, Option<StoredAuth>), ServeError> {
    let accounts = store.accounts();
    // Before anybody comes in: what is changed from here on is found out.
    let since = accounts.audit_end().await?;
    let builder = builder.store(store).retention(retention(options));
    let builder = if options.no_host_metrics {
        builder
    } else {
        builder.host_metrics()
    };
    let stored = StoredAuth::new(accounts);
    let stored = match sign_in.jwt {
        Some(keys) => stored.jwt(keys),
        None if is_near(options) => stored.open_until_first_token(),
        None => stored,
    };
    let (builder, auth) = match sign_in.tokens {
        Some(tokens) => (builder.auth(tokens), None),
        None if options.insecure => (builder.auth(OpenAuth), None),
        None => (builder.auth(stored.clone()), Some(stored.clone())),
    };
    let driftless = builder.start().await?;
    // Also where others say who may what: boards are deleted by the command line.
    tokio::spawn(watch_rights(stored, driftless.clone(), since));
    Ok((driftless, auth))
}

fn retention(options: &ServeOptions) -> Retention {
    let days = |days: u16| u64::from(days) * 86_400_000;
    Retention {
        samples_ms: days(options.keep_samples),
        minutes_ms: days(options.keep_minutes),
        hours_ms: days(options.keep_hours),
    }
}

fn origins(options: &ServeOptions, has_sign_in: bool) -> Origins {
    let is_open = !has_sign_in && !options.insecure;
    let listed = options.allow_origin.iter().map(|origin| origin.trim());
    let listed = listed.filter(|origin| !origin.is_empty());
    let listed = listed.map(str::to_owned).collect();
    if is_open {
        Origins::LoopbackOr(listed)
    } else {
        Origins::SameHostOr(listed)
    }
}

fn announce(address: SocketAddr, has_tls: bool) -> std::io::Result<()> {
    let scheme = if has_tls { "https" } else { "http" };
    let mut out = std::io::stdout();
    writeln!(out, "driftless listening on {scheme}://{address}")?;
    out.flush()
}

/// Waits for Ctrl-C or, on Unix, for SIGTERM.
async fn stop_asked() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM is not heard");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}

/// The time after which requests that are still under way are given up.
async fn overdue(is_drained: tokio::sync::oneshot::Receiver<()>) {
    if is_drained.await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(LAST_REQUESTS).await;
}
