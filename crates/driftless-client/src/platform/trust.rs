//! Whose word counts for who a server is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Why certificates cannot be trusted.
///
/// ```
/// use driftless_client::{Trust, TrustError};
///
/// let missing = Trust::pem_file("/nowhere/ca.pem").expect_err("there is none");
/// assert!(matches!(missing, TrustError::File { .. }));
/// let wrong = Trust::pem(b"hello").expect_err("it is none");
/// assert!(wrong.to_string().ends_with("give one in PEM"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file cannot be read.
    #[error("{} cannot be read: {reason}; give a PEM file", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// There is no certificate in it, or one that makes no sense.
    #[error("there is no certificate to trust: {reason}; give one in PEM")]
    Certificate {
        /// What is wrong.
        reason: String,
    },
}

/// The certificates that a native client trusts when it speaks to a `wss://` server.
///
/// ```
/// use driftless_client::{Client, Trust};
///
/// // Without this, the public authorities count.
/// let own = Trust::pem_file("/etc/driftless/ca.pem");
/// # let own = own.or_else(|_| Ok::<_, driftless_client::TrustError>(Trust::public()));
/// let builder = Client::builder("wss://boards.example.org/rt").trust(own?);
/// # Ok::<(), driftless_client::TrustError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trust(RootCertStore);

impl Trust {
    /// The public authorities, as Mozilla has them in the build of this library.
    ///
    /// ```
    /// use driftless_client::{Client, Trust};
    ///
    /// // As it is without `trust`.
    /// let builder = Client::builder("wss://boards.example.org/rt").trust(Trust::public());
    /// # drop(builder);
    /// ```
    pub fn public() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self(roots)
    }

    /// Only the certificates in this text, in PEM: one's own authority, or the certificate of the
    /// server itself where that is its own authority. That one has to say that it is none for
    /// others (`basicConstraints=CA:FALSE`): with `CA:TRUE` it is refused as a server's.
    ///
    /// ```
    /// use driftless_client::{Client, Trust};
    ///
    /// let authority = std::fs::read("tests/keys/authority.pem")?;
    /// let own = Trust::pem(&authority)?;
    /// let builder = Client::builder("wss://boards.example.org/rt").trust(own);
    /// # drop(builder);
    /// assert!(Trust::pem(b"").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pem(text: &[u8]) -> Result<Self, TrustError> {
        let failed = |reason: String| TrustError::Certificate { reason };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            let added = roots.add(certificate);
            added.map_err(|error| failed(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(failed("nothing in it is one".to_owned()));
        }
        Ok(Self(roots))
    }

    /// As [`Trust::pem`], from a file.
    ///
    /// ```
    /// use driftless_client::{Client, Trust};
    ///
    /// let own = Trust::pem_file("tests/keys/authority.pem")?;
    /// let builder = Client::builder("wss://boards.example.org/rt").trust(own);
    /// # drop(builder);
    /// # Ok::<(), driftless_client::TrustError>(())
    /// ```
    pub fn pem_file(file: impl AsRef<Path>) -> Result<Self, TrustError> {
        let file = file.as_ref();
        let text = std::fs::read(file).map_err(|error| TrustError::File {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
        Self::pem(&text)
    }

    /// What the handshake needs.
    pub(crate) fn config(self) -> Arc<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions that are safe today");
        let config = config.with_root_certificates(self.0).with_no_client_auth();
        Arc::new(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_not_trusted() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "hello", broken] {
            let refused = Trust::pem(text.as_bytes()).expect_err("it is none");
            assert!(refused.to_string().contains("PEM"), "{refused}");
        }
        let refused = Trust::pem_file("/nowhere/ca.pem").expect_err("there is none");
        assert!(matches!(refused, TrustError::File { .. }));
    }
}
