//! How people sign in to `driftless serve`.

use std::path::PathBuf;

use clap::Args;
use driftless_server::auth::{JwtKeyError, JwtKeys, JwtRules, LEEWAY_S_MAX};

use crate::key_set_url;

/// Sign-in by the JSON Web Tokens of something else: they say who it is (`sub`), and `driftless
/// role` what they may do.
#[derive(Debug, Clone, Args)]
#[allow(
    clippy::struct_field_names,
    reason = "clap names the options after the fields"
)]
pub struct JwtOptions {
    /// A file with the secret of JWTs that are signed by HS256, 32 bytes at least.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["jwt_key", "jwt_jwks", "tokens"],
        env = "DRIFTLESS_JWT_SECRET"
    )]
    pub jwt_secret: Option<PathBuf>,
    /// A file with the public key of JWTs: PEM for RS256 or `EdDSA`, or a JSON Web Key Set
    /// (`*.json`), which is read again before the next sign-in once it has changed.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["jwt_jwks", "tokens"],
        env = "DRIFTLESS_JWT_KEY"
    )]
    pub jwt_key: Option<PathBuf>,
    /// Where the issuer of JWTs publishes its JSON Web Key Set: `https`, or `http` on this machine.
    /// It is fetched again as keys change.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "tokens",
        env = "DRIFTLESS_JWT_JWKS"
    )]
    pub jwt_jwks: Option<String>,
    /// A file with the certificates to trust there, in PEM, instead of the public authorities.
    #[arg(
        long,
        value_name = "FILE",
        requires = "jwt_jwks",
        env = "DRIFTLESS_JWT_CA_FILE"
    )]
    pub jwt_ca_file: Option<PathBuf>,
    /// Whom a JWT has to be for (`aud`). Without it, one that names anybody is refused.
    #[arg(long, value_name = "NAME", env = "DRIFTLESS_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// Whom a JWT has to be from (`iss`).
    #[arg(long, value_name = "NAME", env = "DRIFTLESS_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,
    /// How far the clock of whoever makes the JWTs may be off, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(..=LEEWAY_S_MAX),
        env = "DRIFTLESS_JWT_LEEWAY"
    )]
    pub jwt_leeway: u64,
}

impl JwtOptions {
    /// The keys, where there are any.
    pub fn keys(&self) -> Result<Option<JwtKeys>, JwtKeyError> {
        let rules = JwtRules {
            audience: self.jwt_audience.clone(),
            issuer: self.jwt_issuer.clone(),
            leeway_s: self.jwt_leeway,
        };
        match (&self.jwt_secret, &self.jwt_key, &self.jwt_jwks) {
            (Some(file), ..) => JwtKeys::secret(file, rules).map(Some),
            (_, Some(file), _) => JwtKeys::public(file, rules).map(Some),
            (.., Some(url)) => key_set_url::keys(url, self.jwt_ca_file.as_deref(), rules).map(Some),
            (None, None, None) => Ok(None),
        }
    }
}
