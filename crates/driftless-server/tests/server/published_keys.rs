//! Keys that an issuer publishes: they come and go, and so does the issuer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use driftless_server::auth::{AuthError, JwtKeys, JwtRules, KEY_SET_AGE_MAX, KEY_SET_PAUSE};
use futures::future::join_all;
use tokio::time::advance;

use crate::jwt::{key_set, signed_by};

/// An issuer, and how often it was asked.
#[derive(Clone)]
struct Issuer(Arc<Mutex<(Result<String, String>, usize)>>);

impl Issuer {
    fn down() -> Self {
        Self(Arc::new(Mutex::new((Err("nobody there".to_owned()), 0))))
    }

    fn publishes(&self, set: &str) {
        self.0.lock().expect("is whole").0 = Ok(set.to_owned());
    }

    fn goes_down(&self) {
        self.0.lock().expect("is whole").0 = Err("nobody there".to_owned());
    }

    fn asked(&self) -> usize {
        self.0.lock().expect("is whole").1
    }

    fn keys(&self) -> JwtKeys {
        let issuer = self.clone();
        let fetch = move || {
            let mut issuer = issuer.0.lock().expect("is whole");
            issuer.1 += 1;
            issuer.0.clone().map(String::into_bytes)
        };
        JwtKeys::published(fetch, JwtRules::default())
    }
}

/// Who signs in with a token under the key of that name.
async fn signs_in(keys: &JwtKeys, id: &str) -> Result<String, AuthError> {
    let token = signed_by(id);
    keys.refresh(&token).await;
    Ok(keys.verify(&token)?.user.as_str().to_owned())
}

fn is_stranger(said: &Result<String, AuthError>) -> bool {
    matches!(said, Err(AuthError::Unauthorised { reason }) if reason.contains("does not know"))
}

fn is_for_now(said: &Result<String, AuthError>) -> bool {
    matches!(said, Err(AuthError::Unavailable { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_new_key_opens_once_it_is_published_and_strangers_do_not_make_the_server_ask_and_ask() {
    let issuer = Issuer::down();
    let keys = issuer.keys();
    issuer.publishes(&key_set("one"));
    assert_eq!(signs_in(&keys, "one").await.expect("is good"), "Ann");
    assert_eq!(issuer.asked(), 1);
    issuer.publishes(&key_set("two"));
    for _ in 0..20 {
        assert!(is_stranger(&signs_in(&keys, "two").await));
    }
    assert_eq!(issuer.asked(), 1, "not within the pause");
    advance(KEY_SET_PAUSE).await;
    let both = join_all((0..20).map(|_| signs_in(&keys, "two"))).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(issuer.asked(), 2, "once for all who wait");
    assert!(
        is_stranger(&signs_in(&keys, "one").await),
        "it was taken back"
    );
}

#[tokio::test(start_paused = true)]
async fn until_the_issuer_answers_with_keys_nobody_can_tell_and_everybody_may_come_again() {
    let issuer = Issuer::down();
    let keys = issuer.keys();
    let down = keys.fetch().await.expect_err("is down");
    assert!(down.contains("nobody there"), "{down}");
    for nonsense in ["no set", "{}", r#"{"keys":[]}"#] {
        issuer.publishes(nonsense);
        advance(KEY_SET_PAUSE).await;
        assert!(is_for_now(&signs_in(&keys, "one").await), "{nonsense}");
    }
    issuer.publishes(&key_set("one"));
    assert!(
        is_for_now(&signs_in(&keys, "one").await),
        "not within the pause"
    );
    advance(KEY_SET_PAUSE).await;
    assert_eq!(signs_in(&keys, "one").await.expect("is good"), "Ann");
}

#[tokio::test(start_paused = true)]
async fn keys_stay_while_the_issuer_is_down_and_one_that_was_taken_back_opens_for_ten_minutes() {
    let issuer = Issuer::down();
    let keys = issuer.keys();
    issuer.publishes(&key_set("one"));
    assert!(signs_in(&keys, "one").await.is_ok());
    issuer.goes_down();
    advance(10 * KEY_SET_AGE_MAX).await;
    assert!(signs_in(&keys, "one").await.is_ok());
    assert_eq!(issuer.asked(), 2, "it was asked, and its keys kept");
    issuer.publishes("no set");
    advance(KEY_SET_PAUSE).await;
    assert!(signs_in(&keys, "one").await.is_ok());
    issuer.publishes(&key_set("one"));
    advance(KEY_SET_PAUSE).await;
    assert!(signs_in(&keys, "one").await.is_ok());
    issuer.publishes(&key_set("two"));
    advance(KEY_SET_AGE_MAX.saturating_sub(Duration::from_millis(1))).await;
    assert!(signs_in(&keys, "one").await.is_ok(), "they are not old yet");
    advance(Duration::from_millis(1)).await;
    assert!(is_stranger(&signs_in(&keys, "one").await));
    assert!(signs_in(&keys, "two").await.is_ok());
}

#[tokio::test]
async fn a_set_may_leave_out_what_a_key_is_for_and_what_is_for_encryption_opens_nothing() {
    let issuer = Issuer::down();
    let keys = issuer.keys();
    issuer.publishes(&key_set("one").replace(r#""alg":"EdDSA","#, ""));
    assert!(signs_in(&keys, "one").await.is_ok());
    issuer.publishes(&key_set("one").replace(r#""use":"sig""#, r#""use":"enc""#));
    let none = keys.fetch().await.expect_err("no key is left");
    assert!(none.contains("no key for RS256 or EdDSA"), "{none}");
}
