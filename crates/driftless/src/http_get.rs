//! Which server to ask over HTTP, how to reach it, and whether it is ready.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// How long the answer of a health check may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// What is read of an answer, in bytes: health checks are short.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Which server to ask.
#[derive(Debug, Args)]
pub struct Server {
    /// The address of the server.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:4747",
        env = "DRIFTLESS_URL"
    )]
    pub url: String,
    /// A file with the certificates to trust, in PEM, instead of those of the public authorities.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Why the certificates to trust cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {reason}; give another file to --ca-file")]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// There is no certificate in the file.
    #[error("{0} has no certificate in PEM; give another file to --ca-file")]
    NoCertificate(PathBuf),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The certificates to trust cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// It has a certificate that nobody vouches for.
    #[error(
        "{url} has a certificate that is not trusted: {reason}; give --ca-file with the \
         certificate of the authority that signed it"
    )]
    Untrusted {
        /// Where.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody there, or no answer.
    #[error(
        "{url} does not answer: {reason}; start the server, or say with --url where it is, with \
         https:// if it speaks TLS"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

impl Server {
    /// Speaks HTTP, and trusts the certificates of a file instead of the public authorities.
    pub fn agent(&self) -> Result<ureq::Agent, CaError> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_TIME));
        let config = match &self.ca_file {
            Some(file) => config.tls_config(trusting(file)?),
            None => config,
        };
        Ok(config.build().new_agent())
    }

    /// The status and the text of its answer to whether it is ready.
    pub fn readiness(&self) -> Result<(u16, String), GetError> {
        let address = format!("{}/readyz", self.url.trim_end_matches('/'));
        let request = self.agent()?.get(&address).config();
        let answer = request.timeout_global(Some(PATIENCE)).build().call();
        let mut answer = answer.map_err(|error| self.unanswered(&error))?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let said = body.read_to_string().unwrap_or_default();
        Ok((answer.status().as_u16(), said.trim().to_owned()))
    }

    fn unanswered(&self, error: &ureq::Error) -> GetError {
        let (url, reason) = (self.url.clone(), error.to_string());
        // The certificate's judge has no error of its own here: it comes as one of reading.
        if reason.contains("invalid peer certificate") {
            return GetError::Untrusted { url, reason };
        }
        GetError::Unreachable { url, reason }
    }
}

/// Trusts the certificates of a file, and no public authority.
pub fn trusting(file: &Path) -> Result<TlsConfig, CaError> {
    let pem = std::fs::read(file).map_err(|reason| CaError::File {
        file: file.to_owned(),
        reason,
    })?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        return Err(CaError::NoCertificate(file.to_owned()));
    }
    let roots = RootCerts::new_with_certs(&certificates);
    Ok(TlsConfig::builder().root_certs(roots).build())
}
