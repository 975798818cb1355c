//! A key set that its issuer publishes, fetched anew as its keys change.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::auth::AuthError;
use crate::auth::key_set::{Key, KeyRing};

/// How old the keys that were fetched may be at a sign-in before they are fetched anew: as long as
/// a key that its issuer took back opens something.
pub const KEY_SET_AGE_MAX: Duration = Duration::from_mins(10);

/// How long after a fetch there is no other, however many tokens with unknown keys come.
pub const KEY_SET_PAUSE: Duration = Duration::from_secs(10);

/// What gets the set, blocking, within a few seconds: its bytes, or why there are none.
pub type Fetch = Arc<dyn Fn() -> Result<Vec<u8>, String> + Send + Sync>;

/// The keys as they were last published. A fetch that fails, or whose answer is no key set, changes
/// nothing.
pub struct PublishedKeys {
    fetch: Fetch,
    known: RwLock<Known>,
    /// One fetch at a time; who comes meanwhile waits for it.
    turn: Mutex<()>,
}

#[derive(Default)]
struct Known {
    ring: KeyRing,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl PublishedKeys {
    /// Nothing is fetched yet.
    pub fn new(fetch: Fetch) -> Arc<Self> {
        Arc::new(Self {
            fetch,
            known: RwLock::default(),
            turn: Mutex::new(()),
        })
    }

    /// The key of this id, among those that are known now.
    pub fn key(&self, id: Option<&str>) -> Result<Arc<Key>, AuthError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.fetched.is_none() {
            return Err(AuthError::Unavailable {
                reason: "the keys of the sign-in could not be fetched yet".to_owned(),
            });
        }
        known.ring.find(id).ok_or_else(AuthError::unknown_key)
    }

    /// Fetches the keys where the one of this id is not known, or what is known is old; not again
    /// shortly after the last time.
    pub async fn refresh(self: &Arc<Self>, id: Option<&str>) {
        if !self.is_due(id) {
            return;
        }
        let (this, id) = (self.clone(), id.map(str::to_owned));
        // It ends also where whoever asked is gone meanwhile.
        let fetching = tokio::spawn(async move {
            let _turn = this.turn.lock().await;
            if this.is_due(id.as_deref())
                && let Err(reason) = this.fetch().await
            {
                tracing::warn!(%reason, "the keys for JWT could not be fetched");
            }
        });
        fetching.await.ok();
    }

    /// Fetches the keys now. An error says why there are no new ones.
    pub async fn fetch(&self) -> Result<(), String> {
        let fetch = self.fetch.clone();
        let fetched = tokio::task::spawn_blocking(move || KeyRing::read(&fetch()?)).await;
        let fetched = fetched.unwrap_or_else(|error| Err(error.to_string()));
        let now = Some(Instant::now());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried = now;
        known.ring = fetched?;
        known.fetched = now;
        tracing::debug!("the keys for JWT were fetched");
        Ok(())
    }

    fn is_due(&self, id: Option<&str>) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_past =
            |since: Option<Instant>, span| since.is_none_or(|since| since.elapsed() >= span);
        is_past(known.tried, KEY_SET_PAUSE)
            && (is_past(known.fetched, KEY_SET_AGE_MAX) || known.ring.find(id).is_none())
    }
}
