//! What the page's address says: which board, which replica, whose name.

use driftless_model::{BoardId, IdError};

/// The board that `/` shows.
pub const DEFAULT_BOARD: &str = "this-machine";

/// Longest `?replica=` name, in bytes.
const REPLICA_BYTES_MAX: usize = 32;

/// The parts of an address that the app goes by, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Where the app is, with a slash at both ends.
    base: String,
    /// The board.
    pub board: BoardId,
    /// A second replica in the same browser profile.
    pub replica: Option<String>,
    /// The name to edit under, so that nobody has to be asked.
    pub name: Option<String>,
    /// Whether the account of edits is in sight, as on each side of the page `/demo`.
    pub has_account: bool,
}

impl Address {
    /// From where the app is, a decoded path (`/`, `/b/<board>`, below that), and the values of
    /// `replica` and `name`. A replica name that cannot be one is left out: better the usual
    /// replica than none.
    pub fn new(
        base: &str,
        path: &str,
        replica: Option<String>,
        name: Option<String>,
    ) -> Result<Self, IdError> {
        let below = path.strip_prefix(base).unwrap_or_default();
        let board = below
            .trim_end_matches('/')
            .strip_prefix("b/")
            .unwrap_or(DEFAULT_BOARD);
        let name = name
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty());
        Ok(Self {
            base: base.to_owned(),
            board: BoardId::new(board)?,
            replica: replica.filter(|replica| is_replica_name(replica)),
            name,
            has_account: false,
        })
    }

    /// With the account of edits in sight, or not.
    #[must_use]
    pub fn with_account(self, has_account: bool) -> Self {
        Self {
            has_account,
            ..self
        }
    }

    /// The replica's namespace, by which its storage, its tabs and its visitor's name go. Apps
    /// below several paths of one host are one origin to the browser: each is a replica of its
    /// own server.
    pub fn namespace(&self) -> String {
        let replica = self.replica.as_deref().unwrap_or("default");
        match self.base.as_str() {
            "/" => replica.to_owned(),
            base => format!("{base}{replica}"),
        }
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
        below("/", path, replica)
    }

    fn below(base: &str, path: &str, replica: Option<&str>) -> Address {
        Address::new(base, path, replica.map(str::to_owned), None).expect("a good address")
    }

    #[test]
    fn the_root_is_the_default_board() {
        assert_eq!(at("/", None).board.as_str(), DEFAULT_BOARD);
        assert_eq!(at("/b/plant", None).board.as_str(), "plant");
        assert_eq!(at("/b/plant/", None).board.as_str(), "plant");
        assert!(Address::new("/", "/b/no such", None, None).is_err());
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
    fn apps_below_two_paths_of_a_host_share_nothing() {
        let [a, b] = ["/a/", "/b/"].map(|base| below(base, &format!("{base}b/plant"), None));
        assert_eq!((a.board.as_str(), b.board.as_str()), ("plant", "plant"));
        assert_eq!(
            (a.namespace().as_str(), b.namespace().as_str()),
            ("/a/default", "/b/default")
        );
        let two = below("/a/", "/a/", Some("two"));
        assert_eq!(two.namespace(), "/a/two");
        assert_eq!(below("/a/", "/a", None).board.as_str(), DEFAULT_BOARD);
    }

    #[test]
    fn a_blank_name_is_no_name() {
        let address = Address::new("/", "/", None, Some("  ".to_owned())).expect("a good address");
        assert_eq!(address.name, None);
    }
}
