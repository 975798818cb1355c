//! A JSON Web Key Set: public keys, each with the algorithm that it is for.

use std::sync::Arc;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};

/// A key, and what tokens that it checks are signed with.
pub struct Key {
    /// Never the one that a token names.
    pub algorithm: Algorithm,
    /// What checks signatures.
    pub key: DecodingKey,
}

/// Keys by their ids.
#[derive(Default)]
pub struct KeyRing(Vec<(Option<String>, Arc<Key>)>);

impl KeyRing {
    /// The keys of a set that are of a kind that is known: others may be for something else. An
    /// error says what is wrong with the set.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut keys = Vec::new();
        for jwk in &set.keys {
            let Some(algorithm) = algorithm(jwk) else {
                continue;
            };
            let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
            let key = Arc::new(Key { algorithm, key });
            keys.push((jwk.common.key_id.clone(), key));
        }
        if keys.is_empty() {
            return Err("it has no key for RS256 or EdDSA".to_owned());
        }
        Ok(Self(keys))
    }

    /// The key of this id; without an id only where there is no choice.
    pub fn find(&self, id: Option<&str>) -> Option<Arc<Key>> {
        let found = match (id, &self.0[..]) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(_), keys) => keys.iter().find(|(own, _)| own.as_deref() == id),
        };
        found.map(|(_, key)| key.clone())
    }
}

/// What a key is for; issuers may leave that out. Shared secrets have no place in a set of public
/// keys.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use == Some(PublicKeyUse::Encryption) {
        return None;
    }
    match (jwk.common.key_algorithm, &jwk.algorithm) {
        (Some(KeyAlgorithm::RS256) | None, AlgorithmParameters::RSA(_)) => Some(Algorithm::RS256),
        (Some(KeyAlgorithm::EdDSA) | None, AlgorithmParameters::OctetKeyPair(pair))
            if pair.curve == EllipticCurve::Ed25519 =>
        {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}
