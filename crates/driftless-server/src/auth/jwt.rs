//! JSON Web Tokens of somebody else's sign-in: who the user is, checked by a key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use driftless_model::UserId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::auth::key_set::{Key, KeyRing};
use crate::auth::published::PublishedKeys;
use crate::auth::{AuthError, SignedIn, is_link_name};

/// Shortest shared secret, in bytes: as long as the hash of HS256.
pub const SECRET_BYTES_MIN: usize = 32;

/// Most seconds that the clocks of issuer and server may be apart.
pub const LEEWAY_S_MAX: u64 = 600;

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtKeyError {
    /// It cannot be read.
    #[error("the JWT key {file} cannot be read: {reason}; name a readable file")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// A secret that could be guessed.
    #[error("the JWT secret {file} has to have at least {SECRET_BYTES_MIN} bytes; {has} are there")]
    Short {
        /// The file.
        file: String,
        /// How many it has, without the end of the line.
        has: usize,
    },
    /// It is no key of a kind that is known.
    #[error(
        "the JWT key {file} is no public key: {reason}; give a PEM file of an RSA or Ed25519 key, \
         or a JSON Web Key Set"
    )]
    Key {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address of a key set is none that may be used.
    #[error("the JWT key set {url} cannot be used: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

/// What a token has to say besides its signature.
#[derive(Debug, Clone, Default)]
pub struct JwtRules {
    /// Which audience (`aud`) it has to name. Without one, a token that names any is refused.
    pub audience: Option<String>,
    /// Which issuer (`iss`) it has to be from; without one, any.
    pub issuer: Option<String>,
    /// How far the clocks of issuer and server may be apart, in seconds; at most
    /// [`LEEWAY_S_MAX`].
    pub leeway_s: u64,
}

impl JwtRules {
    fn leeway_s(&self) -> u64 {
        self.leeway_s.min(LEEWAY_S_MAX)
    }
}

/// Checks tokens by one shared secret, one public key, or a set of keys that is read again when its
/// file changes, or fetched again as its issuer publishes others. A token is checked by the
/// algorithm that belongs to the key, never by the one that it names itself.
#[derive(Clone)]
pub struct JwtKeys {
    source: Source,
    rules: Arc<JwtRules>,
}

#[derive(Clone)]
enum Source {
    One(Arc<Key>),
    Set(Arc<KeySet>),
    Published(Arc<PublishedKeys>),
}

/// When a file was changed, and how long it is in bytes: what differs when it is another one.
type Stamp = (SystemTime, u64);

/// A file of keys, by their ids.
struct KeySet {
    file: PathBuf,
    read: RwLock<Read>,
}

struct Read {
    changed: Option<Stamp>,
    keys: KeyRing,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

impl std::fmt::Debug for JwtKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rules = &self.rules;
        formatter
            .debug_struct("JwtKeys")
            .field("rules", rules)
            .finish_non_exhaustive()
    }
}

impl JwtKeys {
    /// A shared secret, for HS256: the bytes of a file, without the end of the last line.
    pub fn secret(file: &Path, rules: JwtRules) -> Result<Self, JwtKeyError> {
        let bytes = read(file)?;
        let secret = bytes.trim_ascii_end();
        if secret.len() < SECRET_BYTES_MIN {
            let (file, has) = (shown(file), secret.len());
            return Err(JwtKeyError::Short { file, has });
        }
        let key = DecodingKey::from_secret(secret);
        Ok(Self::one(Algorithm::HS256, key, rules))
    }

    /// A public key: a PEM file for RS256 or `EdDSA`, or a JSON Web Key Set (`*.json`).
    pub fn public(file: &Path, rules: JwtRules) -> Result<Self, JwtKeyError> {
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let read = RwLock::new(read_set(file)?);
            let file = file.to_owned();
            let source = Source::Set(Arc::new(KeySet { file, read }));
            let rules = Arc::new(rules);
            return Ok(Self { source, rules });
        }
        let pem = read(file)?;
        if let Ok(key) = DecodingKey::from_ed_pem(&pem) {
            return Ok(Self::one(Algorithm::EdDSA, key, rules));
        }
        let key = DecodingKey::from_rsa_pem(&pem);
        let key = key.map_err(|error| JwtKeyError::Key {
            file: shown(file),
            reason: error.to_string(),
        })?;
        Ok(Self::one(Algorithm::RS256, key, rules))
    }

    /// A JSON Web Key Set that `fetch` gets from its issuer, at a sign-in: once a token's key is
    /// not known, though not within [`KEY_SET_PAUSE`] of the last time, and once what is known is
    /// older than [`KEY_SET_AGE_MAX`]. Until it was fetched for the first time nobody can be told;
    /// a fetch that fails later leaves the keys as they were. `fetch` blocks, on a thread of its
    /// own, for as long as it may take, and bounds what it reads.
    ///
    /// [`KEY_SET_PAUSE`]: crate::auth::KEY_SET_PAUSE
    /// [`KEY_SET_AGE_MAX`]: crate::auth::KEY_SET_AGE_MAX
    pub fn published<F>(fetch: F, rules: JwtRules) -> Self
    where
        F: Fn() -> Result<Vec<u8>, String> + Send + Sync + 'static,
    {
        let source = Source::Published(PublishedKeys::new(Arc::new(fetch)));
        let rules = Arc::new(rules);
        Self { source, rules }
    }

    /// Fetches a published key set now; an error says why there is none. Other keys are there.
    pub async fn fetch(&self) -> Result<(), String> {
        match &self.source {
            Source::Published(keys) => keys.fetch().await,
            Source::One(_) | Source::Set(_) => Ok(()),
        }
    }

    /// Fetches a published key set where a token needs it. Before [`Self::verify`].
    pub async fn refresh(&self, token: &str) {
        if let Source::Published(keys) = &self.source
            && let Ok(header) = decode_header(token)
        {
            keys.refresh(header.kid.as_deref()).await;
        }
    }

    fn one(algorithm: Algorithm, key: DecodingKey, rules: JwtRules) -> Self {
        Self {
            source: Source::One(Arc::new(Key { algorithm, key })),
            rules: Arc::new(rules),
        }
    }

    /// Who a token stands for (`sub`), and until when (`exp`). Errors never quote it.
    pub fn verify(&self, token: &str) -> Result<SignedIn, AuthError> {
        let header = decode_header(token).map_err(|error| refusal(error.kind()))?;
        let key = match &self.source {
            Source::One(key) => key.clone(),
            Source::Set(set) => set.key(header.kid.as_deref())?,
            Source::Published(keys) => keys.key(header.kid.as_deref())?,
        };
        if header.alg != key.algorithm {
            let reason = "the token is not signed as this server wants it; sign in again";
            return Err(AuthError::unauthorised(reason));
        }
        let data = decode::<Claims>(token, &key.key, &self.validation(key.algorithm));
        let claims = data.map_err(|error| refusal(error.kind()))?.claims;
        let user = UserId::new(&claims.sub).ok();
        let user = user.filter(|user| !is_link_name(user));
        let user = user.ok_or_else(|| {
            AuthError::unauthorised("the token names nobody who could be a user; sign in again")
        })?;
        let until_s = claims.exp.saturating_add(self.rules.leeway_s());
        Ok(SignedIn::from(user).until(Some(until_s.saturating_mul(1_000))))
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.rules.leeway_s();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "sub"]);
        if let Some(audience) = &self.rules.audience {
            validation.set_required_spec_claims(&["exp", "sub", "aud"]);
            validation.set_audience(&[audience]);
        }
        if let Some(issuer) = &self.rules.issuer {
            validation.required_spec_claims.insert("iss".to_owned());
            validation.set_issuer(&[issuer]);
        }
        validation
    }
}

impl KeySet {
    /// The key of this id. The file is looked at every time, so that keys come and go without a
    /// restart: one that is in it no more opens nothing.
    fn key(&self, id: Option<&str>) -> Result<Arc<Key>, AuthError> {
        self.read_again();
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        read.keys.find(id).ok_or_else(AuthError::unknown_key)
    }

    fn read_again(&self) {
        let changed = changed(&self.file);
        let is_same = {
            let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
            read.changed == changed
        };
        if is_same {
            return;
        }
        let new = read_set(&self.file);
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        match new {
            Ok(new) => {
                *read = new;
                tracing::info!(file = %self.file.display(), "the keys for JWT were read again");
            }
            Err(error) => {
                // Not tried again, and not said again, before the file is another one.
                read.changed = changed;
                tracing::warn!(%error, "the keys for JWT stay as they were");
            }
        }
    }
}

fn changed(file: &Path) -> Option<Stamp> {
    let about = fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn read(file: &Path) -> Result<Vec<u8>, JwtKeyError> {
    fs::read(file).map_err(|error| JwtKeyError::Read {
        file: shown(file),
        reason: error.to_string(),
    })
}

fn read_set(file: &Path) -> Result<Read, JwtKeyError> {
    let changed = changed(file);
    let keys = KeyRing::read(&read(file)?).map_err(|reason| JwtKeyError::Key {
        file: shown(file),
        reason,
    })?;
    Ok(Read { changed, keys })
}

fn refusal(kind: &ErrorKind) -> AuthError {
    AuthError::unauthorised(match kind {
        ErrorKind::ExpiredSignature => return AuthError::expired(),
        ErrorKind::ImmatureSignature => "the token does not count yet; look at the clocks",
        ErrorKind::InvalidSignature => "the token's signature is not right; sign in again",
        ErrorKind::InvalidAudience => "the token is for somebody else (aud); sign in here",
        ErrorKind::InvalidIssuer => "the token is from somebody else (iss); sign in here",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks sub, exp, aud or iss; sign in again",
        _ => "the token is not one that this server can read; sign in again",
    })
}
