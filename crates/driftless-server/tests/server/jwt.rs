//! Sign-in by JSON Web Tokens, and those who forge them beside somebody who must not notice.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use driftless_model::UserId;
use driftless_protocol::message::Outcome;
use driftless_protocol::{Aggregate, ClientMessage, Code, Query, ServerMessage};
use driftless_server::auth::{JwtKeyError, JwtKeys, JwtRules, LEEWAY_S_MAX, SECRET_BYTES_MIN};
use driftless_server::{Driftless, Role, SqliteBoards, StoredAuth, watch_rights};
use driftless_store::server::{Accounts, Grant};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::person::{Person, Server, titled};

const NOT_SIGNED_IN: u16 = 4200;
/// Seconds since 1970 that no test will live to see.
const FAR: u64 = 4_000_000_000;
const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
/// What `keys/ed25519.pub.pem` is in a key set.
const ED25519_X: &str = "Tz76vms7GPdH-ZqGag2ShuovnthOdxlU3AnQkMkMkfo";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/server/keys")
        .join(name)
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).expect("reads")
}

fn ed25519(name: &str) -> EncodingKey {
    EncodingKey::from_ed_pem(&pem(name)).expect("a key")
}

fn token(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).expect("signs")
}

fn ann() -> Value {
    json!({ "sub": "Ann", "exp": FAR })
}

struct Stage {
    server: Server,
    accounts: Accounts,
    _folder: TempDir,
}

impl Stage {
    /// A server that takes JWTs by these keys; everybody may edit.
    async fn new(keys: JwtKeys) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteBoards::open(folder.path().join("boards.db")).await;
        let store = store.expect("opens");
        let accounts = store.accounts();
        let stage_role = grant(None, Role::Editor);
        let given = accounts.set_role(&stage_role, "a test").await;
        given.expect("is given");
        let auth = StoredAuth::new(accounts.clone()).jwt(keys);
        let builder = Driftless::builder().store(store).auth(auth.clone());
        let server = Server::start(builder).await;
        tokio::spawn(watch_rights(auth, server.driftless.clone(), 1));
        Self {
            server,
            accounts,
            _folder: folder,
        }
    }

    async fn is_refused(&self, token: &str) {
        let (code, said) = self.server.refused(token).await;
        assert_eq!(code, NOT_SIGNED_IN, "{token}: {said}");
        let parts = token.split('.').filter(|part| part.len() > 8);
        for part in parts {
            assert!(!said.contains(part), "{said}");
        }
    }
}

fn grant(name: Option<&str>, role: Role) -> Grant {
    Grant {
        user: name.map(|name| UserId::new(name).expect("a user")),
        board: None,
        role,
    }
}

async fn edits(person: &mut Person, seq: u64) -> bool {
    let settled = person.settle(titled(seq, seq.into(), seq - 1, "cpu", "A"));
    matches!(settled.await.outcome, Outcome::Applied { .. })
}

fn unsigned(claims: &Value) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header = engine.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", engine.encode(claims.to_string()))
}

#[tokio::test]
async fn whoever_forges_a_token_stays_out_and_whoever_is_in_does_not_notice() {
    let keys = JwtKeys::public(&file("rsa.pub.pem"), JwtRules::default()).expect("a key");
    let stage = Stage::new(keys).await;
    let rsa = EncodingKey::from_rsa_pem(&pem("rsa.pem")).expect("a key");
    let good = token(Algorithm::RS256, &rsa, &ann());
    let mut bystander = stage.server.follower(1, &good).await;
    assert!(edits(&mut bystander, 1).await);
    let public = EncodingKey::from_secret(&pem("rsa.pub.pem"));
    let forged = [
        unsigned(&ann()),
        // The public key, taken for a shared secret.
        token(Algorithm::HS256, &public, &ann()),
        token(Algorithm::EdDSA, &ed25519("other.pem"), &ann()),
        token(Algorithm::RS512, &rsa, &ann()),
        token(Algorithm::RS256, &rsa, &json!({ "sub": "Ann", "exp": 1 })),
        token(Algorithm::RS256, &rsa, &json!({ "sub": "Ann" })),
        token(Algorithm::RS256, &rsa, &json!({ "exp": FAR })),
        token(
            Algorithm::RS256,
            &rsa,
            &json!({ "sub": "A\nB", "exp": FAR }),
        ),
        token(
            Algorithm::RS256,
            &rsa,
            &json!({ "sub": "Wall (link)", "exp": FAR }),
        ),
        token(
            Algorithm::RS256,
            &rsa,
            &json!({ "sub": "Ann", "exp": FAR, "nbf": FAR }),
        ),
        token(
            Algorithm::RS256,
            &rsa,
            &json!({ "sub": "Ann", "exp": FAR, "aud": "else" }),
        ),
        // Somebody else's name under a good signature.
        good.replacen('.', ".e30", 1),
        format!("{}A", &good[..good.len() - 1]),
        "eyJhbGciOiJSUzI1NiJ9".to_owned(),
        "..".to_owned(),
        String::new(),
    ];
    for token in &forged {
        stage.is_refused(token).await;
    }
    assert!(edits(&mut bystander, 2).await);
    let fresh = token(
        Algorithm::RS256,
        &rsa,
        &json!({ "sub": "Ann", "exp": FAR + 1 }),
    );
    bystander.send(ClientMessage::Token { token: fresh }).await;
    assert!(edits(&mut bystander, 3).await);
}

#[tokio::test]
async fn a_jwt_says_who_and_the_roles_here_say_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, [SECRET, b"\n"].concat()).expect("writes");
    let keys = JwtKeys::secret(&secret, JwtRules::default()).expect("a secret");
    let stage = Stage::new(keys).await;
    let key = EncodingKey::from_secret(SECRET);
    let good = token(Algorithm::HS256, &key, &ann());
    let mut ann_here = stage.server.follower(1, &good).await;
    assert!(edits(&mut ann_here, 1).await);
    let viewer = grant(Some("Ann"), Role::Viewer);
    let given = stage.accounts.set_role(&viewer, "a test").await;
    given.expect("is given");
    // The change is seen within a moment; how many edits come before it is not said.
    let mut seq = 2;
    while edits(&mut ann_here, seq).await {
        seq += 1;
    }
    let other = EncodingKey::from_secret(b"another secret of thirty-two bytes..");
    stage
        .is_refused(&token(Algorithm::HS256, &other, &ann()))
        .await;
}

#[tokio::test]
async fn a_token_is_for_this_server_from_that_issuer_and_clocks_may_differ() {
    let rules = JwtRules {
        audience: Some("boards".to_owned()),
        issuer: Some("https://id.example.org".to_owned()),
        // As far as clocks may be apart, and not further.
        leeway_s: u64::MAX,
    };
    let keys = JwtKeys::public(&file("ed25519.pub.pem"), rules).expect("a key");
    let stage = Stage::new(keys).await;
    let key = ed25519("ed25519.pem");
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let exp = since.expect("after 1970").as_secs() - LEEWAY_S_MAX / 2;
    let claims = |aud: &str, iss: &str| json!({ "sub": "Ann", "exp": exp, "aud": aud, "iss": iss });
    let from = "https://id.example.org";
    let good = token(Algorithm::EdDSA, &key, &claims("boards", from));
    let mut ann_here = stage.server.follower(1, &good).await;
    assert!(edits(&mut ann_here, 1).await);
    for claims in [
        claims("mail", from),
        claims("boards", "https://evil.example.org"),
        json!({ "sub": "Ann", "exp": exp, "iss": from }),
        json!({ "sub": "Ann", "exp": exp, "aud": "boards" }),
        json!({ "sub": "Ann", "exp": exp - LEEWAY_S_MAX, "aud": "boards", "iss": from }),
    ] {
        let token = token(Algorithm::EdDSA, &key, &claims);
        stage.is_refused(&token).await;
    }
}

#[tokio::test]
async fn whoever_may_read_no_board_sees_no_feed_and_whoever_loses_that_has_theirs_closed() {
    let keys = JwtKeys::public(&file("ed25519.pub.pem"), JwtRules::default()).expect("a key");
    let stage = Stage::new(keys).await;
    let key = ed25519("ed25519.pem");
    let token = token(Algorithm::EdDSA, &key, &ann());
    let mut ann_here = stage.server.person(1, &token).await;
    let open = || ClientMessage::OpenFeed {
        feed: 3,
        query: Query {
            selector: "load".to_owned(),
            window_s: 60,
            step_s: 1,
            aggregate: Aggregate::Last,
        },
    };
    ann_here.send(open()).await;
    let first = ann_here.message().await;
    assert!(matches!(first, ServerMessage::Feed(_)), "{first:?}");
    let none = grant(Some("Ann"), Role::None);
    let given = stage.accounts.set_role(&none, "a test").await;
    given.expect("is given");
    // Closed without being asked for, and not opened again.
    for _ in 0..2 {
        let refused = loop {
            match ann_here.message().await {
                ServerMessage::Feed(_) => {}
                other => break other,
            }
        };
        let ServerMessage::Error { code, feed, .. } = refused else {
            panic!("not refused: {refused:?}");
        };
        assert_eq!((code, feed), (Code::Forbidden, Some(3)));
        ann_here.send(open()).await;
    }
}

/// A set with one key that counts.
pub fn key_set(id: &str) -> String {
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id, "x": ED25519_X,
    });
    json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0", "kid": "shared" }, key] }).to_string()
}

/// A token of Ann's, signed with that key under a name.
pub fn signed_by(id: &str) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(id.to_owned());
    encode(&header, &ann(), &ed25519("ed25519.pem")).expect("signs")
}

#[test]
fn a_key_set_that_was_replaced_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    std::fs::write(&path, key_set("one")).expect("writes");
    let keys = JwtKeys::public(&path, JwtRules::default()).expect("a set");
    assert_eq!(
        keys.verify(&signed_by("one"))
            .expect("is good")
            .user
            .as_str(),
        "Ann"
    );
    for unknown in ["two", "shared"] {
        let error = keys.verify(&signed_by(unknown)).expect_err("is refused");
        assert!(error.to_string().contains("does not know"), "{error}");
    }
    std::fs::write(&path, key_set("two")).expect("writes");
    let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(FAR);
    let replaced = std::fs::File::options().write(true).open(&path);
    replaced
        .expect("opens")
        .set_modified(later)
        .expect("is set");
    keys.verify(&signed_by("one")).expect_err("is gone");
    keys.verify(&signed_by("two")).expect("is known now");
    std::fs::write(&path, "no set").expect("writes");
    keys.verify(&signed_by("three")).expect_err("is not known");
    keys.verify(&signed_by("two")).expect("is kept");
}

#[test]
fn what_is_no_key_is_refused_with_what_to_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let secret = |bytes: usize| {
        std::fs::write(&path, vec![b's'; bytes]).expect("writes");
        JwtKeys::secret(&path, JwtRules::default())
    };
    secret(SECRET_BYTES_MIN).expect("is long enough");
    let short = secret(SECRET_BYTES_MIN - 1).expect_err("is refused");
    assert!(
        matches!(short, JwtKeyError::Short { has: 31, .. }),
        "{short}"
    );
    let none = JwtKeys::public(&path, JwtRules::default()).expect_err("is none");
    assert!(none.to_string().contains("PEM"), "{none}");
    let set = folder.path().join("keys.json");
    std::fs::write(&set, r#"{"keys":[]}"#).expect("writes");
    let empty = JwtKeys::public(&set, JwtRules::default()).expect_err("is empty");
    assert!(
        empty.to_string().contains("no key for RS256 or EdDSA"),
        "{empty}"
    );
}
