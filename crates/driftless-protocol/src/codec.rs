//! Messages to bytes and back, in both sub-protocols.

use serde::Serialize;

use crate::message::{ClientMessage, ServerMessage};
use crate::tree::{self, Document, Give, Take};

/// How messages are written on a connection: the WebSocket sub-protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Codec {
    /// `MessagePack` with named fields, in binary frames.
    #[default]
    MessagePack,
    /// JSON, in text frames.
    Json,
}

/// Why a frame is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a message of protocol {}: {reason}", crate::PROTOCOL)]
pub struct DecodeError {
    /// What the decoder found.
    pub reason: String,
}

impl DecodeError {
    fn new(reason: &impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
        }
    }
}

impl Codec {
    /// Both, in order of preference.
    pub const ALL: [Self; 2] = [Self::MessagePack, Self::Json];

    /// The name of the WebSocket sub-protocol.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::MessagePack => "driftless.v1.msgpack",
            Self::Json => "driftless.v1.json",
        }
    }

    /// The codec of a sub-protocol.
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.subprotocol() == name)
    }

    /// Writes a client's message.
    pub fn encode_client(self, message: &ClientMessage) -> Vec<u8> {
        self.encode_by_tree(message)
    }

    /// Writes a server's message: without a tree in between, since servers do little else.
    pub fn encode_server(self, message: &ServerMessage) -> Vec<u8> {
        self.encode(message)
    }

    /// Reads a client's message: without a tree in between, since servers do little else.
    pub fn decode_client(self, bytes: &[u8]) -> Result<ClientMessage, DecodeError> {
        let message = match self {
            Self::MessagePack => tree::message_pack(bytes),
            Self::Json => tree::json(bytes),
        };
        message.map_err(|error| DecodeError::new(&error))
    }

    /// Reads a server's message.
    pub fn decode_server(self, bytes: &[u8]) -> Result<ServerMessage, DecodeError> {
        self.decode(bytes)
    }

    /// Reads a message by way of a tree.
    pub(crate) fn decode<T: Take>(self, bytes: &[u8]) -> Result<T, DecodeError> {
        let message = match self {
            Self::MessagePack => Document::from_message_pack(bytes).and_then(Document::decode),
            Self::Json => Document::from_json(bytes).and_then(Document::decode),
        };
        message.map_err(|error| DecodeError::new(&error))
    }

    /// Writes a message by way of a tree: the same bytes, and less code in a browser.
    pub(crate) fn encode_by_tree(self, message: &impl Give) -> Vec<u8> {
        match self {
            Self::MessagePack => Document::for_message_pack(message).to_message_pack(),
            Self::Json => Document::for_json(message).to_json().into_bytes(),
        }
    }

    pub(crate) fn encode(self, message: &impl Serialize) -> Vec<u8> {
        match self {
            Self::MessagePack => rmp_serde::to_vec_named(message).map_err(|e| e.to_string()),
            Self::Json => serde_json::to_vec(message).map_err(|e| e.to_string()),
        }
        .expect("a message has text keys and finite numbers, so it can be written")
    }
}

/// A value as JSON in one line, with bytes and ids as text. Panics where a map has other keys than
/// text, which nothing of this workspace has.
pub fn to_json(value: &(impl Serialize + ?Sized)) -> String {
    Document::for_json_of(value).to_json()
}

/// The same in lines, for people.
pub fn to_json_pretty(value: &(impl Serialize + ?Sized)) -> String {
    Document::for_json_of(value).to_json_pretty()
}

/// For fields that are only written where they say something.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_message_is_refused_in_both_encodings() {
        for codec in Codec::ALL {
            let message = ClientMessage::Ping { nonce: 7 };
            let mut bytes = codec.encode_client(&message);
            assert_eq!(codec.decode_client(&bytes), Ok(message));
            bytes.extend_from_within(..);
            assert!(codec.decode_client(&bytes).is_err(), "{codec:?}");
        }
    }

    #[test]
    fn what_is_of_another_type_is_refused_by_what_it_is() {
        let refused = |nonce: &str| {
            let frame = format!(r#"{{"ping":{{"nonce":{nonce}}}}}"#);
            let refused = Codec::Json.decode_server(frame.as_bytes());
            refused.expect_err("no number of this kind").reason
        };
        for (nonce, found) in [
            ("2.5", "a fraction"),
            ("true", "boolean `true`"),
            ("-7", "integer `-7`"),
            ("\"a\"", "string `a`"),
            ("[]", "sequence"),
            ("null", "nothing"),
        ] {
            let told = format!("ping.nonce: {found} cannot be there");
            assert_eq!(refused(nonce), told);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_way_there() {
        let refused = |frame: &str| {
            let refused = Codec::Json.decode_server(frame.as_bytes());
            refused.expect_err("no message").reason
        };
        assert_eq!(
            refused(r#"{"screens":{"board":"home","version":1,"asked":2}}"#),
            "screens: `shown` is missing"
        );
        assert_eq!(
            refused(r#"{"screens":{"board":"home","version":1,"asked":2,"asked":2,"shown":0}}"#),
            "screens: `asked` is there twice"
        );
        let id = "0".repeat(32);
        let outcome =
            r#"{"applied":{"version":1,"check":"0000000000000000","skipped":[{"record":"a b"}]}}"#;
        assert_eq!(
            refused(&format!(
                r#"{{"outcome":{{"board":"home","seq":1,"id":"{id}","outcome":{outcome}}}}}"#
            )),
            "outcome.outcome.applied.skipped.record: a record id may not contain ` `; letters, \
             digits and - _ . : @ are allowed"
        );
    }

    #[test]
    fn a_message_of_a_kind_that_nobody_knows_is_refused_by_its_name() {
        let refused = Codec::Json.decode_server(br#"{"from_the_future":{"nonce":7}}"#);
        let refused = refused.expect_err("no such kind").to_string();
        assert!(
            refused.contains("unknown variant `from_the_future`"),
            "{refused}"
        );
    }
}
