//! A client of a running server, as the command line names that.

use std::path::Path;

use driftless_client::{Client, ClientBuilder, Trust, TrustError};

use crate::push::{PushError, token};

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// It is no address of a server.
    #[error("{0:?} is no address of a server; give one like https://boards.example.org to --url")]
    Url(String),
    /// The token cannot be read.
    #[error(transparent)]
    Token(#[from] PushError),
    /// The certificates to trust cannot be used.
    #[error("--ca-file: {0}")]
    Trust(#[from] TrustError),
}

/// A client of the server at an address of a web page, with the token of a file or of the
/// environment. It trusts the certificates of a file instead of the public authorities.
pub fn client(
    url: &str,
    ca_file: Option<&Path>,
    token_file: Option<&Path>,
) -> Result<ClientBuilder, RemoteError> {
    let builder = Client::builder(socket(url)?).token(token(token_file)?);
    Ok(match ca_file {
        Some(file) => builder.trust(Trust::pem_file(file)?),
        None => builder,
    })
}

fn socket(url: &str) -> Result<String, RemoteError> {
    let base = url.trim_end_matches('/');
    let host = |scheme| base.strip_prefix(scheme).filter(|host| !host.is_empty());
    match (host("http://"), host("https://")) {
        (Some(host), _) => Ok(format!("ws://{host}/rt")),
        (_, Some(host)) => Ok(format!("wss://{host}/rt")),
        _ => Err(RemoteError::Url(url.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_its_socket_have_the_same_host() {
        let page = |url| socket(url).ok();
        assert_eq!(page("http://a:4747/").as_deref(), Some("ws://a:4747/rt"));
        assert_eq!(
            page("https://a/boards").as_deref(),
            Some("wss://a/boards/rt")
        );
        for none in ["", "a:4747", "http://", "ftp://a"] {
            assert_eq!(page(none), None, "{none}");
        }
    }
}
