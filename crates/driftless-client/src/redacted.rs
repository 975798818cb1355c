//! Text that may be shown to strangers: without tokens, and without what an address carries.

use std::fmt;

use serde::Serialize;

/// What stands where something was taken out.
///
/// ```
/// use driftless_client::Client;
/// use driftless_client::redacted::TAKEN_OUT;
///
/// let client = Client::builder("ws://127.0.0.1:1/rt").token("s3cret".to_owned()).start();
/// let bundle = client.diagnostics().with("error", "s3cret has expired");
/// assert_eq!(bundle.application["error"].as_str(), format!("{TAKEN_OUT} has expired"));
/// ```
pub const TAKEN_OUT: &str = "[redacted]";

/// The least length of a run of letters and digits that is taken for a token, in bytes. A random
/// id of ours has 32.
const TOKEN_BYTES_MIN: usize = 33;

/// Most tokens that are remembered: as many as happenings are. The client connects again with each
/// new one, which is a happening, so that what is kept speaks of none that was forgotten.
const TOKENS_MAX: usize = 200;

/// A text without secrets. Made only where secrets are taken out, so that what has this type was
/// looked through.
///
/// ```
/// use driftless_client::Client;
/// use driftless_client::redacted::Redacted;
///
/// let client = Client::builder("ws://ann:pw@127.0.0.1:1/rt?token=s3cret").start();
/// let endpoint: Redacted = client.diagnostics().endpoint;
/// assert_eq!(endpoint.to_string(), "ws://127.0.0.1:1/rt");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Redacted(String);

impl Redacted {
    /// The text.
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// let client = Client::builder("ws://127.0.0.1:1/rt?token=s3cret").start();
    /// assert!(!client.diagnostics().endpoint.as_str().contains("s3cret"));
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text of the program's own, and what it is about.
    pub(crate) fn known(text: &'static str, name: &'static str, detail: &Self) -> Self {
        let space = if name.is_empty() { "" } else { " " };
        let colon = if detail.0.is_empty() { "" } else { ": " };
        Self(format!("{text}{space}{name}{colon}{detail}"))
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The newest tokens of this client, and whom it was signed in as.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Secrets {
    tokens: Vec<String>,
    users: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Secrets({})",
            self.tokens.len() + self.users.len()
        )
    }
}

impl Secrets {
    /// One token more, the newest, also where it was known.
    pub(crate) fn add_token(&mut self, token: &str) {
        self.tokens.retain(|known| known != token);
        add(&mut self.tokens, token);
        if self.tokens.len() > TOKENS_MAX {
            self.tokens.remove(0);
        }
    }

    /// One user more.
    pub(crate) fn add_user(&mut self, name: &str) {
        add(&mut self.users, name);
    }

    /// The text without them, and without what looks like a token.
    pub(crate) fn redact(&self, text: &str) -> Redacted {
        let mut text = text.to_owned();
        for token in &self.tokens {
            text = text.replace(token, TAKEN_OUT);
        }
        for name in &self.users {
            text = without_name(&text, name);
        }
        Redacted(by_looks(&text))
    }
}

fn add(known: &mut Vec<String>, secret: &str) {
    if !secret.is_empty() && !known.iter().any(|known| known == secret) {
        known.push(secret.to_owned());
    }
}

/// The text without a name wherever that stands by itself: a short one is part of many words.
fn without_name(text: &str, name: &str) -> String {
    let is_joined = |letter: Option<char>| letter.is_some_and(|it| it.is_ascii_alphanumeric());
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(name) {
        let end = at + name.len();
        let before = text[..at].chars().next_back();
        if !is_joined(before) && !is_joined(text[end..].chars().next()) {
            shown.push_str(&text[from..at]);
            shown.push_str(TAKEN_OUT);
            from = end;
        }
    }
    shown.push_str(&text[from..]);
    shown
}

/// Words are looked at one by one; what is between them stays.
fn by_looks(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(|letter: char| letter.is_whitespace() || letter == '"') {
        let word = piece.trim_end_matches(|letter: char| letter.is_whitespace() || letter == '"');
        shown.push_str(&word_by_looks(word));
        shown.push_str(&piece[word.len()..]);
    }
    shown
}

fn word_by_looks(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        return format!("{scheme}://{}", address(rest));
    }
    if let Some((before, _)) = word.split_once("token=") {
        return format!("{before}token={TAKEN_OUT}");
    }
    let is_of_token = |letter: char| letter.is_ascii_alphanumeric() || "-_.+/=~".contains(letter);
    let mut runs = word.split(|letter: char| !is_of_token(letter));
    if runs.any(|run| run.len() >= TOKEN_BYTES_MIN) {
        return TAKEN_OUT.to_owned();
    }
    word.to_owned()
}

/// Host and path of an address: whoever it is for, and what it carries, is left out.
fn address(rest: &str) -> &str {
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let rest = &rest[..end];
    let host_end = rest.find('/').unwrap_or(rest.len());
    let host_start = rest[..host_end].rfind('@').map_or(0, |at| at + 1);
    &rest[host_start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_own_tokens_are_taken_out_wherever_they_stand() {
        let mut secrets = Secrets::default();
        secrets.add_token("s3cret");
        secrets.add_token("");
        let shown = secrets.redact("the token `s3cret` (s3cret) has expired");
        assert_eq!(
            shown.as_str(),
            "the token `[redacted]` ([redacted]) has expired"
        );
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }

    #[test]
    fn of_many_tokens_the_newest_are_remembered() {
        let mut secrets = Secrets::default();
        for number in 0..2 * TOKENS_MAX {
            secrets.add_token(&format!("s3cret{number}"));
            // One that is in use again is the newest.
            secrets.add_token("first");
        }
        assert_eq!(format!("{secrets:?}"), format!("Secrets({TOKENS_MAX})"));
        let newest = format!("s3cret{}", 2 * TOKENS_MAX - 1);
        for token in ["first", &newest] {
            assert_eq!(secrets.redact(token).as_str(), TAKEN_OUT);
        }
    }

    #[test]
    fn names_of_users_are_taken_out_where_they_stand_by_themselves() {
        let mut secrets = Secrets::default();
        secrets.add_user("Ann");
        secrets.add_user("Zoë 🦊");
        let shown = secrets.redact("Ann may read the Annual plan; sign in as Zoë 🦊, or as Ann");
        let expected =
            "[redacted] may read the Annual plan; sign in as [redacted], or as [redacted]";
        assert_eq!(shown.as_str(), expected);
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    }

    #[test]
    fn what_looks_like_somebody_elses_token_is_taken_out_too() {
        let redact = |text: &str| Secrets::default().redact(text).0;
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl";
        assert_eq!(redact(&format!("Bearer {jwt}!")), "Bearer [redacted]");
        assert_eq!(redact("see #token=abc next"), "see #token=[redacted] next");
        let longest = "a".repeat(TOKEN_BYTES_MIN - 1);
        assert_eq!(redact(&longest), longest);
        assert_eq!(redact(&"a".repeat(TOKEN_BYTES_MIN)), TAKEN_OUT);
    }

    #[test]
    fn of_an_address_host_and_path_are_left() {
        let redact = |text: &str| Secrets::default().redact(text).0;
        assert_eq!(
            redact("cannot reach wss://ann:pw@host:1/rt?token=x#y now"),
            "cannot reach wss://host:1/rt now"
        );
        assert_eq!(redact("http://host#token=x"), "http://host");
        assert_eq!(redact("Offline: \"no\" network"), "Offline: \"no\" network");
    }
}
