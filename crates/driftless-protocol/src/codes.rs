//! The catalogue of what can go wrong, each with whose fault it is and what to do; and the close
//! codes, in ranges that say what the client does next.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    ($($(#[$doc:meta])* $name:ident = $text:literal, $blame:ident, $hint:literal;)*) => {
        /// An error, by its code on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// A code that this build does not know: tried again, as it may be a newer server's.
            #[serde(other)]
            Unknown,
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* Self::Unknown];

            /// The code as it is written on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown => "unknown",
                }
            }

            /// Whose fault it is.
            pub fn blame(self) -> Blame {
                match self {
                    $(Self::$name => Blame::$blame,)*
                    Self::Unknown => Blame::Transient,
                }
            }

            /// What to do about it.
            pub fn hint(self) -> &'static str {
                match self {
                    $(Self::$name => $hint,)*
                    Self::Unknown => "Update this client.",
                }
            }
        }
    };
}

codes! {
    /// The frame is not a message.
    Malformed = "malformed", Client, "Send one message a frame, as docs/protocol.md says.";
    /// The payload of an edit cannot be read.
    Undecodable = "undecodable", Client, "Make the change again; export this one first to keep it.";
    /// The edit breaks the schema.
    Invalid = "invalid", Client, "Correct the value and send it again.";
    /// Past a limit.
    TooLarge = "too_large", Client, "Make the edit smaller, or split it.";
    /// The user may not do this.
    Forbidden = "forbidden", Client, "Ask an owner of the board for the right to edit.";
    /// Not subscribed to the board.
    NotSubscribed = "not_subscribed", Client, "Subscribe to the board first.";
    /// The client id belongs to another user.
    WrongUser = "wrong_user", Client, "Sign in as the user who made these edits.";
    /// The token is missing, wrong or expired.
    Unauthorised = "unauthorised", Client, "Sign in again.";
    /// Another edit has this sequence number.
    Cloned = "cloned", Client, "This copy was cloned; it takes a new identity.";
    /// The feed query cannot be answered.
    BadQuery = "bad_query", Client, "Correct the query.";
    /// The protocol versions do not overlap.
    Protocol = "protocol", Client, "Update the older of client and server.";
    /// The server does not know the kind or leaf yet.
    UnknownKind = "unknown_kind", Transient, "Update the server.";
    /// The store does not answer.
    Unavailable = "unavailable", Transient, "Nothing to do: it is tried again.";
    /// Too many at once.
    RateLimited = "rate_limited", Transient, "Nothing to do: it is tried again later.";
    /// The server is stopping.
    Draining = "draining", Transient, "Nothing to do: it reconnects by itself.";
    /// A bug of the server's.
    Internal = "internal", Server, "Tell the operator; nothing is lost.";
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

/// The code of a WebSocket close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[non_exhaustive]
pub enum CloseCode {
    /// The server stops or restarts.
    Restart = 4000,
    /// Nothing was read or heard for too long.
    TimedOut = 4001,
    /// The server forgot its memory of a board, since a write's outcome was unknown.
    Reset = 4002,
    /// Too many connections or messages.
    Overloaded = 4100,
    /// The token is missing, wrong or expired.
    Unauthorised = 4200,
    /// The same client connected again elsewhere.
    Replaced = 4300,
    /// The client broke the protocol.
    Violation = 4301,
    /// The protocol versions do not overlap.
    Protocol = 4302,
}

impl CloseCode {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_on_the_wire_as_it_says() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).expect("serialises");
            assert_eq!(json, format!("\"{code}\""));
        }
    }

    #[test]
    fn a_code_of_a_newer_server_is_tried_again() {
        let code: Code = serde_json::from_str("\"from_the_future\"").expect("parses");
        assert_eq!((code, code.blame()), (Code::Unknown, Blame::Transient));
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
