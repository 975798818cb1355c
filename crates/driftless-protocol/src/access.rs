//! Who may do what on a board, over HTTP: what an owner sees and asks for in a browser, and how
//! any request over HTTP is refused. docs/http.md is about them.

use driftless_model::UserId;
use serde::{Deserialize, Serialize};

use crate::codec::{Codec, DecodeError};
use crate::codes::Code;
use crate::tree::{Take, document_struct};

/// Who has a role on a board, for one of its owners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessList {
    /// Who asks.
    pub user: UserId,
    /// Whether they may also make tokens for persons: owners of every board may.
    pub may_invite: bool,
    /// People and links, those with a role on this board first, then by name.
    pub people: Vec<Access>,
    /// Whether there are more than were sent.
    pub is_cut: bool,
}

/// Somebody with a role on a board, or a link to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who; absent for everybody who signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Whether it is a link: nobody but whoever has it.
    pub is_link: bool,
    /// What they may do: `viewer`, `editor`, `owner`, or `none`.
    pub role: String,
    /// Whether the role is on every board.
    pub is_everywhere: bool,
    /// Whether the caller may give them another one.
    #[serde(default)]
    pub may_change: bool,
    /// Their tokens that count, the newest first.
    pub tokens: Vec<AccessToken>,
}

/// A token that counts, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// What it is called by.
    pub number: u64,
    /// From when on it counts no more, in milliseconds since 1970; absent until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Whether it is the one that the caller came with.
    pub is_own: bool,
    /// Whether the caller may revoke it.
    pub may_revoke: bool,
}

/// A token that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccess {
    /// What others see beside edits; behind that of a link comes "(link)".
    pub name: String,
    /// What they may do on the board: `viewer`, `editor`, for a person also `owner`.
    pub role: String,
    /// Whether it is a link that anybody may use who has it.
    pub is_link: bool,
    /// How long it counts, in seconds; absent until it is revoked.
    #[serde(default)]
    pub expires_s: Option<u64>,
}

/// A role on the board that a person is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Who.
    pub user: UserId,
    /// What they may do: `viewer`, `editor`, `owner`, or `none`. Absent, nothing is said about them
    /// on this board any more: what holds on every board does here, too.
    #[serde(default)]
    pub role: Option<String>,
}

/// A token that was made. It is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAccess {
    /// What it is called by.
    pub number: u64,
    /// Whom it stands for.
    pub user: UserId,
    /// The secret, for the fragment of a link: never for its path or its query.
    pub token: String,
}

impl std::fmt::Debug for MadeAccess {
    /// Without the secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut made = formatter.debug_struct("MadeAccess");
        made.field("number", &self.number).field("user", &self.user);
        made.finish_non_exhaustive()
    }
}

/// Why a request over HTTP is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRefusal {
    /// The code, as in docs/errors.md.
    pub code: Code,
    /// What is wrong and what to do.
    pub detail: String,
    /// The line of the body, from 1, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// An answer over HTTP: JSON for scripts, `MessagePack` for whoever asks for it (`Accept:
/// application/msgpack`), as browsers do, which have no other decoder. For the types here alone.
pub trait HttpAnswer: Serialize + Take {
    /// The type of its bytes as `MessagePack`.
    const MESSAGE_PACK: &'static str = "application/msgpack";

    /// Reads `MessagePack`.
    fn from_message_pack(bytes: &[u8]) -> Result<Self, DecodeError> {
        Codec::MessagePack.decode(bytes)
    }

    /// Writes it in one of both ways.
    fn to_bytes(&self, codec: Codec) -> Vec<u8> {
        codec.encode(self)
    }
}

impl HttpAnswer for AccessList {}
impl HttpAnswer for MadeAccess {}
impl HttpAnswer for HttpRefusal {}

document_struct!(AccessList {
    user,
    may_invite,
    people,
    is_cut
});
document_struct!(Access {
    user: optional,
    is_link,
    role,
    is_everywhere,
    may_change: defaulted,
    tokens,
});
document_struct!(AccessToken {
    number,
    expires_ms: optional,
    is_own,
    may_revoke
});
document_struct!(MadeAccess {
    number,
    user,
    token
});
document_struct!(HttpRefusal {
    code,
    detail,
    line: optional
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_writes_a_browser_reads() {
        let list = AccessList {
            user: UserId::new("Ann").expect("a user"),
            may_invite: true,
            people: vec![Access {
                user: None,
                is_link: false,
                role: "viewer".to_owned(),
                is_everywhere: true,
                may_change: true,
                tokens: vec![AccessToken {
                    number: 7,
                    expires_ms: None,
                    is_own: false,
                    may_revoke: true,
                }],
            }],
            is_cut: false,
        };
        let bytes = list.to_bytes(Codec::MessagePack);
        assert_eq!(AccessList::from_message_pack(&bytes), Ok(list.clone()));
        let json = list.to_bytes(Codec::Json);
        assert_eq!(Codec::Json.decode(&json), Ok(list));
        let json = String::from_utf8(json).expect("text");
        assert!(!json.contains("null"), "{json}");
        let refusal = br#"{"code":"a_newer_one","detail":"no","more":1}"#;
        let refusal: HttpRefusal = Codec::Json.decode(refusal).expect("is read");
        assert_eq!(refusal.code, Code::Unknown);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let made = br#"{"number":1,"user":"Ann","token":"driftless_secret"}"#;
        let made: MadeAccess = Codec::Json.decode(made).expect("is read");
        assert_eq!(made.token, "driftless_secret");
        assert!(!format!("{made:?}").contains("secret"), "{made:?}");
    }
}
