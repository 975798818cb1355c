//! The certificate of the tests, and who trusts it. The unit tests of `src/tls.rs` use it too.

use std::path::PathBuf;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A certificate for `localhost` and its key, made for these tests, valid for a hundred years.
pub fn key_file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/binary/keys");
    folder.join(name).to_str().expect("text").to_owned()
}

/// Trusts that certificate and no other.
pub fn connector() -> TlsConnector {
    connector_to("cert.pem")
}

/// Trusts the certificate of that name and no other.
pub fn connector_to(name: &str) -> TlsConnector {
    let certificate = CertificateDer::from_pem_file(key_file(name));
    let mut roots = RootCertStore::empty();
    roots.add(certificate.expect("PEM")).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
