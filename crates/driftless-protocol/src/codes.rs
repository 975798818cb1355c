//! The catalogue of what can go wrong: every error code and every close code with title, cause,
//! whose fault it is and what to do. docs/errors.md is made of it, and components take their words
//! from it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tree::{Faults, Give, Take, Tree};

/// Whose fault an error is, which decides what happens to the edit that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// What was sent can never be accepted: set aside for a person.
    Client,
    /// The server's own fault: tried again.
    Server,
    /// Passes by itself: tried again.
    Transient,
}

macro_rules! codes {
    (unknown {
        title: $unknown_title:literal, cause: $unknown_cause:literal, hint: $unknown_hint:literal,
    } $($name:ident = $text:literal, $blame:ident {
        title: $title:literal, cause: $cause:literal, hint: $hint:literal,
    })*) => {
        /// An error, by its code on the wire.
        ///
        /// ```
        /// use driftless_protocol::{Blame, Code};
        ///
        /// assert_eq!(Code::TooLarge.as_str(), "too_large");
        /// assert_eq!(Code::TooLarge.blame(), Blame::Client);
        /// assert_eq!(Code::TooLarge.hint(), "Make the edit smaller, or split it.");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $cause] $name,)*
            #[doc = $unknown_cause]
            #[serde(other)]
            Unknown,
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* Self::Unknown];

            /// The code as it is written on the wire. Also its anchor in docs/errors.md.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown => "unknown",
                }
            }

            /// What it is called, in a few words.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                    Self::Unknown => $unknown_title,
                }
            }

            /// What happened, in a sentence.
            pub fn cause(self) -> &'static str {
                match self {
                    $(Self::$name => $cause,)*
                    Self::Unknown => $unknown_cause,
                }
            }

            /// Whose fault it is.
            pub fn blame(self) -> Blame {
                match self {
                    $(Self::$name => Blame::$blame,)*
                    Self::Unknown => Blame::Transient,
                }
            }

            /// What to do about it, in a sentence.
            pub fn hint(self) -> &'static str {
                match self {
                    $(Self::$name => $hint,)*
                    Self::Unknown => $unknown_hint,
                }
            }
        }
    };
}

codes! {
    unknown {
        title: "Unknown error",
        cause: "A code that this build does not know; it may be a newer server's.",
        hint: "Nothing to do: it is tried again. Updating this client names it.",
    }
    Malformed = "malformed", Client {
        title: "Not a message",
        cause: "The frame is not a message of the protocol.",
        hint: "Send one message a frame, as docs/protocol.md says.",
    }
    Undecodable = "undecodable", Client {
        title: "Unreadable edit",
        cause: "The payload of an edit cannot be read.",
        hint: "Make the change again; export this one first to keep it.",
    }
    Invalid = "invalid", Client {
        title: "Invalid edit",
        cause: "The edit breaks the schema of its records.",
        hint: "Correct the value and send it again.",
    }
    TooLarge = "too_large", Client {
        title: "Too large",
        cause: "Something in it is past a limit.",
        hint: "Make the edit smaller, or split it.",
    }
    Forbidden = "forbidden", Client {
        title: "Not allowed",
        cause: "The user may not do this on this board.",
        hint: "Ask an owner of the board for the right to edit.",
    }
    NotSubscribed = "not_subscribed", Client {
        title: "Not subscribed",
        cause: "The connection does not follow the board that it edits.",
        hint: "Subscribe to the board first.",
    }
    WrongUser = "wrong_user", Client {
        title: "Another user's copy",
        cause: "The client id belongs to another user, or nobody knows who made the edit.",
        hint: "Sign in as the user who made these edits, or try a refused one again as yourself.",
    }
    Unauthorised = "unauthorised", Client {
        title: "Not signed in",
        cause: "The token is missing, wrong or expired.",
        hint: "Sign in again.",
    }
    Cloned = "cloned", Client {
        title: "Cloned copy",
        cause: "Another edit has this sequence number: this copy of the data was cloned.",
        hint: "Nothing to do: the copy takes a new identity and sends its edits again.",
    }
    Restored = "restored", Client {
        title: "Missing on the server",
        cause: "The server was restored from a backup that lacks this applied edit.",
        hint: "Send it again, or let it go.",
    }
    Forgotten = "forgotten", Client {
        title: "Too old to tell",
        cause: "The edit may have been applied before, and the board's log no longer goes back so far.",
        hint: "Look whether the board has it; then let it go, or send it again.",
    }
    BadQuery = "bad_query", Client {
        title: "Unanswerable query",
        cause: "The query of a feed cannot be answered.",
        hint: "Correct the query.",
    }
    Protocol = "protocol", Client {
        title: "No common version",
        cause: "The protocol versions of client and server do not overlap.",
        hint: "Update the older of client and server.",
    }
    UnknownKind = "unknown_kind", Transient {
        title: "Unknown kind",
        cause: "The server does not know the kind of record, or the leaf, yet.",
        hint: "Update the server; until then the edit waits.",
    }
    Unavailable = "unavailable", Transient {
        title: "Unavailable",
        cause: "What is needed to answer cannot be reached at the moment.",
        hint: "Nothing to do: it is tried again.",
    }
    RateLimited = "rate_limited", Transient {
        title: "Too many at once",
        cause: "More is under way than is allowed at once.",
        hint: "Nothing to do: it is tried again later.",
    }
    Draining = "draining", Transient {
        title: "Server stopping",
        cause: "The server is about to stop or restart.",
        hint: "Nothing to do: it reconnects by itself.",
    }
    Internal = "internal", Server {
        title: "Server error",
        cause: "The server met a mistake of its own.",
        hint: "Tell the operator; nothing is lost.",
    }
}

impl Blame {
    /// Whose fault it is, in a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "the client's",
            Self::Server => "the server's",
            Self::Transient => "nobody's: it passes",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a client does after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Connect again with backoff.
    Retry,
    /// Connect again, but not soon.
    RetryLater,
    /// Get a new token first.
    Reauthenticate,
    /// Never by itself.
    Never,
}

impl Next {
    /// What the client does, in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Retry => "connects again with backoff",
            Self::RetryLater => "connects again, not soon",
            Self::Reauthenticate => "gets a new token first",
            Self::Never => "nothing by itself",
        }
    }
}

macro_rules! close_codes {
    ($($name:ident = $number:literal {
        title: $title:literal, cause: $cause:literal, hint: $hint:literal,
    })*) => {
        /// The code of a WebSocket close.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum CloseCode {
            $(#[doc = $cause] $name = $number,)*
        }

        impl CloseCode {
            /// Every close code of the protocol, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it is called, in a few words.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }

            /// What happened, in a sentence.
            pub fn cause(self) -> &'static str {
                match self {
                    $(Self::$name => $cause,)*
                }
            }

            /// What to do about it, in a sentence.
            pub fn hint(self) -> &'static str {
                match self {
                    $(Self::$name => $hint,)*
                }
            }

            /// Its anchor in docs/errors.md.
            pub fn anchor(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("close-", $number),)*
                }
            }
        }
    };
}

close_codes! {
    Restart = 4000 {
        title: "Restart",
        cause: "The server stops or restarts.",
        hint: "Nothing to do: it reconnects by itself.",
    }
    TimedOut = 4001 {
        title: "Timed out",
        cause: "Nothing was read or heard for too long.",
        hint: "Nothing to do: it reconnects by itself.",
    }
    Reset = 4002 {
        title: "Reset",
        cause: "The server forgot its memory of a board, since a write's outcome was unknown.",
        hint: "Nothing to do: it reconnects by itself, and nothing is lost.",
    }
    Overloaded = 4100 {
        title: "Overloaded",
        cause: "Too many connections or messages.",
        hint: "Nothing to do: it reconnects by itself, later.",
    }
    Unauthorised = 4200 {
        title: "Not signed in",
        cause: "The token is missing, wrong or expired, or belongs to another user.",
        hint: "Sign in again.",
    }
    Replaced = 4300 {
        title: "Replaced",
        cause: "The same client connected again elsewhere.",
        hint: "Go on where it connected last, or use it here again.",
    }
    Violation = 4301 {
        title: "Protocol violation",
        cause: "The client broke the protocol.",
        hint: "Correct the client; the error before the close says what was wrong.",
    }
    Protocol = 4302 {
        title: "No common version",
        cause: "The protocol versions of client and server do not overlap.",
        hint: "Update the older of client and server.",
    }
}

impl CloseCode {
    /// The close code of this number; `None` for a standard or unknown one.
    pub fn of(number: u16) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|code| code.number() == number)
    }

    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// What the client does next.
    pub fn next(self) -> Next {
        next_after(self.number())
    }
}

/// What a client does after a close with this number: 4000–4099 and all standard codes retry,
/// 4100–4199 retry later, 4200–4299 re-authenticate, 4300–4399 never.
pub fn next_after(number: u16) -> Next {
    match number {
        4100..=4199 => Next::RetryLater,
        4200..=4299 => Next::Reauthenticate,
        4300..=4399 => Next::Never,
        _ => Next::Retry,
    }
}

impl Take for Code {
    /// A code of a newer server is unknown.
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let name = String::take::<IS_TEXT>(tree, faults);
        let known = Self::ALL.iter().find(|code| code.as_str() == name);
        known.copied().unwrap_or(Self::Unknown)
    }
}

impl Give for Code {
    fn give(&self, _is_text: bool) -> Tree<'static> {
        Tree::Text(Cow::Borrowed(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;

    #[test]
    fn a_code_reads_on_the_wire_as_it_says() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).expect("serialises");
            assert_eq!(json, format!("\"{code}\""));
        }
    }

    #[test]
    fn a_code_of_a_newer_server_is_tried_again() {
        let json = "\"from_the_future\"";
        let code: Code = serde_json::from_str(json).expect("parses");
        assert_eq!((code, code.blame()), (Code::Unknown, Blame::Transient));
        let by_tree = Codec::Json.decode(json.as_bytes());
        assert_eq!(by_tree, Ok(Code::Unknown));
    }

    #[test]
    fn every_entry_says_what_happened_and_what_to_do_in_a_sentence() {
        let codes = Code::ALL.iter();
        let codes = codes.map(|code| (code.title(), code.cause(), code.hint()));
        let closes = CloseCode::ALL.iter();
        let closes = closes.map(|code| (code.title(), code.cause(), code.hint()));
        for (title, cause, hint) in codes.chain(closes) {
            assert!(!title.is_empty() && !title.ends_with('.'), "{title}");
            assert!(
                cause.ends_with('.') && hint.ends_with('.'),
                "{title}: {cause} {hint}"
            );
        }
    }

    #[test]
    fn anchors_are_told_apart_and_close_codes_are_found_by_number() {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let anchors = codes.chain(CloseCode::ALL.iter().map(|code| code.anchor()));
        let mut anchors: Vec<_> = anchors.collect();
        let count = anchors.len();
        anchors.sort_unstable();
        anchors.dedup();
        assert_eq!(anchors.len(), count);
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::of(code.number()), Some(*code));
            assert_eq!(code.anchor(), format!("close-{}", code.number()));
        }
        assert_eq!(CloseCode::of(1006), None);
    }

    #[test]
    fn close_codes_lie_in_the_range_of_what_comes_next() {
        assert_eq!(CloseCode::Restart.next(), Next::Retry);
        assert_eq!(CloseCode::Overloaded.next(), Next::RetryLater);
        assert_eq!(CloseCode::Unauthorised.next(), Next::Reauthenticate);
        assert_eq!(CloseCode::Replaced.next(), Next::Never);
        assert_eq!(next_after(1006), Next::Retry);
    }
}
