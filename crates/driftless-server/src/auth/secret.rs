//! Tokens that this server gives out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use driftless_store::server::TokenHash;
use sha2::{Digest as _, Sha256};

/// What each begins with, so that people and scanners for leaked secrets know one.
const PREFIX: &str = "driftless_";
/// How much of it is random, in bytes.
const RANDOM_BYTES: usize = 32;

/// A token that was just made. Shown once, to whoever asked for it; what is kept is its hash. It is
/// random enough that one round of SHA-256 keeps it.
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0_u8; RANDOM_BYTES];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token itself, for whoever is to have it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What would be kept of a token.
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether a token looks like one that this server gave out.
pub fn is_ours(token: &str) -> bool {
    token.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_fits_into_an_address_and_is_not_shown() {
        let (one, two) = (Secret::random(), Secret::random());
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), hash(one.expose()));
        let secret = one.expose().strip_prefix(PREFIX).expect("is ours");
        assert_eq!(secret.len(), 43);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(secret.bytes().all(is_plain), "{secret}");
        assert!(is_ours(one.expose()) && !is_ours("eyJ.eyJ.c2ln"));
        assert!(!format!("{one:?}").contains(secret));
    }
}
