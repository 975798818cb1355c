//! Names of things. Text ids are checked where they are made, so that whoever holds one need not
//! check again; random ids are 128 bits, hex in JSON and 16 bytes in `MessagePack`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits;

/// Why a text is not an id.
///
/// ```
/// use driftless_model::{BoardId, IdError};
///
/// assert_eq!(BoardId::new(""), Err(IdError::Empty { what: "board id" }));
/// assert!(matches!(BoardId::new("a/b"), Err(IdError::Character { character: '/', .. })));
/// assert!(matches!(BoardId::new("b".repeat(65)), Err(IdError::TooLong { bytes: 65, .. })));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Nothing in it.
    #[error("a {what} may not be empty")]
    Empty {
        /// What the id would have named.
        what: &'static str,
    },
    /// Longer than its limit.
    #[error("a {what} has at most {limit} bytes; this one has {bytes}")]
    TooLong {
        /// What the id would have named.
        what: &'static str,
        /// The limit, in bytes.
        limit: usize,
        /// What it has.
        bytes: usize,
    },
    /// A character that is not allowed.
    #[error("a {what} may not contain `{}`; {allowed}", visible(*character))]
    Character {
        /// What the id would have named.
        what: &'static str,
        /// The first offender.
        character: char,
        /// What is allowed, as a clause.
        allowed: &'static str,
    },
    /// Not hexadecimal of the right length.
    #[error("a {what} is {digits} hexadecimal digits")]
    Hex {
        /// What the id would have named.
        what: &'static str,
        /// How many digits it has to have.
        digits: usize,
    },
}

/// A character as it is, or how it is written where it cannot be seen. Not as `Debug` does it,
/// which brings a browser the tables of all that can be printed.
fn visible(character: char) -> String {
    if character.is_control() {
        character.escape_default().to_string()
    } else {
        character.into()
    }
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':' | '@')
}

fn check_name(what: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    check_length(what, text, limit)?;
    match text
        .chars()
        .find(|character| !is_name_character(*character))
    {
        None => Ok(()),
        Some(character) => Err(IdError::Character {
            what,
            character,
            allowed: "letters, digits and - _ . : @ are allowed",
        }),
    }
}

fn check_length(what: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { what });
    }
    if text.len() > limit {
        return Err(IdError::TooLong {
            what,
            limit,
            bytes: text.len(),
        });
    }
    Ok(())
}

fn check_path(what: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    check_length(what, text, limit)?;
    text.split('/')
        .try_for_each(|part| check_name("part of a leaf path", part, limits::ID_BYTES_MAX))
}

fn check_user(what: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    check_length(what, text, limit)?;
    if text.trim().is_empty() {
        return Err(IdError::Empty { what });
    }
    match text.chars().find(|character| character.is_control()) {
        None => Ok(()),
        Some(character) => Err(IdError::Character {
            what,
            character,
            allowed: "any printable text is allowed",
        }),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:expr, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// ```
            #[doc = concat!("use driftless_model::", stringify!($name), ";")]
            ///
            #[doc = concat!("let id = ", stringify!($name), "::new(\"home\")?;")]
            /// assert_eq!(id.to_string(), "home");
            #[doc = concat!("assert!(", stringify!($name), "::new(\"\").is_err());")]
            /// # Ok::<(), driftless_model::IdError>(())
            /// ```
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                $check($what, text, $limit)?;
                Ok(Self(Arc::from(text)))
            }

            /// The text.
            ///
            /// ```
            #[doc = concat!("let id = driftless_model::", stringify!($name), "::new(\"home\")?;")]
            /// assert_eq!(id.as_str(), "home");
            /// # Ok::<(), driftless_model::IdError>(())
            /// ```
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, formatter)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;

            fn try_from(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(de::Error::custom)
            }
        }
    };
}

text_id!(
    /// A board (a dashboard): letters, digits and `- _ . : @`, at most [`limits::ID_BYTES_MAX`]
    /// bytes.
    ///
    /// ```
    /// use driftless_model::BoardId;
    ///
    /// let board: BoardId = "ops:eu-west_1".parse()?;
    /// assert_eq!(board.to_string(), "ops:eu-west_1");
    /// assert!("two words".parse::<BoardId>().is_err());
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    BoardId, "board id", limits::ID_BYTES_MAX, check_name
);
text_id!(
    /// A record of a board (a widget, a note, the board's own settings).
    ///
    /// ```
    /// use driftless_model::RecordId;
    ///
    /// assert_eq!(RecordId::new("cpu")?, RecordId::try_from("cpu")?);
    /// assert!(RecordId::new("cpu/title").is_err()); // a leaf is named by its path
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    RecordId, "record id", limits::ID_BYTES_MAX, check_name
);
text_id!(
    /// The kind of a record, as registered in a [`crate::Schema`].
    ///
    /// ```
    /// use driftless_model::{Chart, Kind, KindName};
    ///
    /// assert_eq!(KindName::new(Chart::NAME)?.as_str(), "chart");
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    KindName, "kind", limits::ID_BYTES_MAX, check_name
);
text_id!(
    /// The path of a leaf in its record: `title`, `layout/lg`, `options/legend`.
    ///
    /// ```
    /// use driftless_model::LeafPath;
    ///
    /// assert_eq!(LeafPath::new("options/legend")?.as_str(), "options/legend");
    /// assert!(LeafPath::new("options//legend").is_err());
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    LeafPath, "leaf path", limits::PATH_BYTES_MAX, check_path
);
text_id!(
    /// Who somebody is, and what others read: any printable text.
    ///
    /// ```
    /// use driftless_model::UserId;
    ///
    /// assert_eq!(UserId::new("Zoë Ångström")?.to_string(), "Zoë Ångström");
    /// assert!(UserId::new("Ann\n").is_err());
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    UserId, "user name", limits::USER_BYTES_MAX, check_user
);

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:032x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let error = IdError::Hex { what: $what, digits: 32 };
                if !is_hex {
                    return Err(error);
                }
                u128::from_str_radix(text, 16).map(Self).map_err(|_| error)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0.to_be_bytes())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Id;
                impl de::Visitor<'_> for Id {
                    type Value = $name;

                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str(concat!($what, " as 32 hex digits or 16 bytes"))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<$name, E> {
                        <[u8; 16]>::try_from(bytes)
                            .map(|bytes| $name(u128::from_be_bytes(bytes)))
                            .map_err(|_| E::invalid_length(bytes.len(), &self))
                    }
                }
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(Id)
                } else {
                    deserializer.deserialize_bytes(Id)
                }
            }
        }
    };
}

random_id!(
    /// A replica's random id, bound to its first user.
    ///
    /// ```
    /// use driftless_model::ClientId;
    ///
    /// let text = "000000000000000000000000000000ab";
    /// assert_eq!(ClientId(0xab).to_string(), text);
    /// assert_eq!(text.parse(), Ok(ClientId(0xab)));
    /// ```
    ClientId, "client id"
);
random_id!(
    /// An edit's random id. New content means a new id.
    ///
    /// ```
    /// use driftless_model::EditId;
    ///
    /// let json = serde_json::to_string(&EditId(0xab))?;
    /// assert_eq!(json, r#""000000000000000000000000000000ab""#);
    /// assert!("ab".parse::<EditId>().is_err()); // all digits or none
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    EditId, "edit id"
);

/// A board's counter: one per applied edit, gapless, from 1. Zero is the empty board.
///
/// ```
/// use driftless_model::Version;
///
/// assert_eq!(Version::default(), Version(0));
/// assert!(Version(8) > Version(7));
/// assert_eq!(Version(7).to_string(), "v7");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version after this one.
    ///
    /// ```
    /// use driftless_model::Version;
    ///
    /// assert_eq!(Version(7).next(), Version(8));
    /// ```
    #[must_use]
    pub fn next(self) -> Self {
        // No board gets there; a message may claim that one did.
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "v{}", self.0)
    }
}

/// A running 64-bit hash over the applied edit ids of a board, up to a version. Only servers
/// compute it; a client stores and echoes it. 16 hex digits in JSON.
///
/// ```
/// use driftless_model::{Check, EditId};
///
/// let check = Check::default().after(EditId(1));
/// assert_ne!(check, Check::default().after(EditId(2)));
/// assert_eq!(serde_json::to_string(&Check(0xab))?, r#""00000000000000ab""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Check(pub u64);

impl Check {
    /// The check after one more applied edit.
    ///
    /// ```
    /// use driftless_model::{Check, EditId};
    ///
    /// let (one, other) = (EditId(1), EditId(2));
    /// let start = Check::default();
    /// assert_ne!(start.after(one).after(other), start.after(other).after(one));
    /// ```
    #[must_use]
    pub fn after(self, id: EditId) -> Self {
        let bytes = id.0.to_be_bytes();
        let (high, low) = bytes.split_at(8);
        let word = |half: &[u8]| {
            half.iter()
                .fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
        };
        Self(mix(mix(self.0 ^ word(high)) ^ word(low)))
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every input bit reaches every output
/// bit.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl fmt::Debug for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("{:016x}", self.0))
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        let error = || {
            de::Error::custom(IdError::Hex {
                what: "check",
                digits: 16,
            })
        };
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        u64::from_str_radix(&text, 16)
            .map(Self)
            .map_err(|_| error())
    }
}

/// Where a replica stands on a board: a version and the check up to it.
///
/// ```
/// use driftless_model::{Cursor, EditId};
///
/// // Two boards of one version, with another history each.
/// let (one, other) = (Cursor::default().after(EditId(1)), Cursor::default().after(EditId(2)));
/// assert_eq!(one.version, other.version);
/// assert_ne!(one, other);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The version.
    pub version: Version,
    /// The running hash up to it.
    pub check: Check,
}

impl Cursor {
    /// The cursor after one more applied edit.
    ///
    /// ```
    /// use driftless_model::{Check, Cursor, EditId, Version};
    ///
    /// let cursor = Cursor::default().after(EditId(1));
    /// assert_eq!(cursor.version, Version(1));
    /// assert_eq!(cursor.check, Check::default().after(EditId(1)));
    /// ```
    #[must_use]
    pub fn after(self, id: EditId) -> Self {
        Self {
            version: self.version.next(),
            check: self.check.after(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_at_its_limit_and_not_one_past_it() {
        assert!(BoardId::new("b".repeat(limits::ID_BYTES_MAX)).is_ok());
        let error = BoardId::new("b".repeat(limits::ID_BYTES_MAX + 1)).expect_err("too long");
        assert_eq!(
            error.to_string(),
            "a board id has at most 64 bytes; this one has 65"
        );
    }

    #[test]
    fn names_refuse_what_could_be_mistaken_for_a_path() {
        assert!(RecordId::new("a/b").is_err());
        assert!(RecordId::new("").is_err());
        assert!(LeafPath::new("layout/lg").is_ok());
        assert!(LeafPath::new("layout//lg").is_err());
        assert!(LeafPath::new("/lg").is_err());
    }

    #[test]
    fn of_a_path_it_is_said_which_limit_is_meant() {
        let error = |path: &str| LeafPath::new(path).expect_err("is none").to_string();
        let long = "p".repeat(limits::ID_BYTES_MAX + 1);
        let part = "a part of a leaf path has at most 64 bytes; this one has 65";
        assert_eq!(error(&format!("options/{long}")), part);
        assert_eq!(
            error("options//legend"),
            "a part of a leaf path may not be empty"
        );
        let parts = ["part"; limits::PATH_BYTES_MAX / 5 + 1].join("/");
        assert_eq!(
            error(&parts),
            "a leaf path has at most 128 bytes; this one has 129"
        );
    }

    #[test]
    fn a_user_is_any_printable_text() {
        assert!(UserId::new("Zoë 🦊").is_ok());
        assert!(UserId::new("a\nb").is_err());
        assert!(UserId::new("   ").is_err());
    }

    #[test]
    fn random_ids_are_hex_in_json() {
        let id = EditId(0xab);
        let json = serde_json::to_string(&id).expect("serialises");
        assert_eq!(json, "\"000000000000000000000000000000ab\"");
        assert_eq!(serde_json::from_str::<EditId>(&json).expect("parses"), id);
        assert!(serde_json::from_str::<EditId>("\"ab\"").is_err());
        assert!("+0000000000000000000000000000ab".parse::<EditId>().is_err());
    }

    #[test]
    fn the_check_depends_on_order() {
        let (a, b) = (EditId(1), EditId(2));
        let start = Cursor::default();
        assert_ne!(start.after(a).after(b).check, start.after(b).after(a).check);
        assert_eq!(start.after(a).after(b).version, Version(2));
    }
}
