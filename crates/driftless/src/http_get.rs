//! One request to a server, for `healthcheck` and `doctor`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// What is read of an answer, in bytes: health checks are short.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// It is no address of a server.
    #[error("{0:?} is no address; write http://HOST:PORT or https://HOST:PORT")]
    Url(String),
    /// Nobody there, or no answer.
    #[error("{url} does not answer: {reason}; is the server running there?")]
    Unreachable {
        /// Where.
        url: String,
        /// What the system says.
        reason: String,
    },
    /// There is no trust in its certificate.
    #[error("{0:?} cannot be trusted: name the PEM file of its certificate with --tls-ca")]
    Trust(String),
}

/// The status and the text of `GET path`.
pub async fn get(url: &str, path: &str, ca: Option<&Path>) -> Result<(u16, String), GetError> {
    let uri: Uri = url.parse().map_err(|_| GetError::Url(url.to_owned()))?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(GetError::Url(url.to_owned()));
    };
    let port = uri
        .port_u16()
        .unwrap_or(if scheme == "https" { 443 } else { 80 });
    let path = format!("{}{path}", uri.path().trim_end_matches('/'));
    let asking = async {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let socket = TcpStream::connect((address, port)).await;
        let socket = socket.map_err(|error| unreachable(url, &error))?;
        if scheme == "http" {
            return ask(socket, url, host, &path).await;
        }
        let name = ServerName::try_from(address.to_owned());
        let name = name.map_err(|_| GetError::Url(url.to_owned()))?;
        let connector = connector(url, ca)?;
        let stream = connector.connect(name, socket).await;
        ask(
            stream.map_err(|error| unreachable(url, &error))?,
            url,
            host,
            &path,
        )
        .await
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.unwrap_or_else(|_| Err(unreachable(url, &"it took too long")))
}

fn unreachable(url: &str, reason: &impl ToString) -> GetError {
    GetError::Unreachable {
        url: url.to_owned(),
        reason: reason.to_string(),
    }
}

fn connector(url: &str, ca: Option<&Path>) -> Result<TlsConnector, GetError> {
    let untrusted = || GetError::Trust(url.to_owned());
    let ca = CertificateDer::pem_file_iter(ca.ok_or_else(untrusted)?);
    let mut roots = RootCertStore::empty();
    for certificate in ca.map_err(|_| untrusted())? {
        let certificate = certificate.map_err(|_| untrusted())?;
        roots.add(certificate).map_err(|_| untrusted())?;
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| untrusted())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    url: &str,
    host: &str,
    path: &str,
) -> Result<(u16, String), GetError> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let failed = |error: std::io::Error| unreachable(url, &error);
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    let reading = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await;
    reading.map_err(failed)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status = status.and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| unreachable(url, &"what answers is no web server"))?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.trim().to_owned()))
}
