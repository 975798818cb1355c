//! What the page's address says: which board, which replica, whose name.

use driftless_model::{BoardId, IdError};

/// The board that `/` shows.
pub const DEFAULT_BOARD: &str = "this-machine";

/// Longest `?replica=` name, in bytes.
const REPLICA_BYTES_MAX: usize = 32;

/// The parts of an address that the app goes by, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The board.
    pub board: BoardId,
    /// A second replica in the same browser profile.
    pub replica: Option<String>,
    /// The name to edit under, so that nobody has to be asked.
    pub name: Option<String>,
}

impl Address {
    /// From a decoded path (`/`, `/b/<board>`) and the values of `replica` and `name`. A replica
    /// name that cannot be one is left out: better the usual replica than none.
    pub fn new(path: &str, replica: Option<String>, name: Option<String>) -> Result<Self, IdError> {
        let board = path
            .trim_end_matches('/')
            .strip_prefix("/b/")
            .unwrap_or(DEFAULT_BOARD);
        let name = name
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty());
        Ok(Self {
            board: BoardId::new(board)?,
            replica: replica.filter(|replica| is_replica_name(replica)),
            name,
        })
    }

    /// The storage namespace of the replica.
    pub fn namespace(&self) -> String {
        self.replica.clone().unwrap_or_else(|| "default".to_owned())
    }

    /// What the server may call somebody who has not given a name.
    pub fn guest(&self) -> String {
        match &self.replica {
            None => "Guest".to_owned(),
            Some(replica) => format!("Guest {replica}"),
        }
    }
}

fn is_replica_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=REPLICA_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, replica: Option<&str>) -> Address {
        Address::new(path, replica.map(str::to_owned), None).expect("a good address")
    }

    #[test]
    fn the_root_is_the_default_board() {
        assert_eq!(at("/", None).board.as_str(), DEFAULT_BOARD);
        assert_eq!(at("/b/plant", None).board.as_str(), "plant");
        assert_eq!(at("/b/plant/", None).board.as_str(), "plant");
        assert!(Address::new("/b/no such", None, None).is_err());
    }

    #[test]
    fn a_replica_has_its_own_namespace_and_guest() {
        let two = at("/", Some("two"));
        assert_eq!(
            (two.namespace().as_str(), two.guest().as_str()),
            ("two", "Guest two")
        );
        assert_eq!(at("/", None).namespace(), "default");
        assert_eq!(at("/", Some("../x")).replica, None);
        assert_eq!(
            at("/", Some(&"r".repeat(REPLICA_BYTES_MAX + 1))).replica,
            None
        );
        assert!(
            at("/", Some(&"r".repeat(REPLICA_BYTES_MAX)))
                .replica
                .is_some()
        );
    }

    #[test]
    fn a_blank_name_is_no_name() {
        let address = Address::new("/", None, Some("  ".to_owned())).expect("a good address");
        assert_eq!(address.name, None);
    }
}
