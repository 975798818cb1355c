//! How boards, records and leaves are named: by an id, or by a text that is checked where it is
//! used.

use driftless_model::{BoardId, IdError, Leaf, LeafPath, LeafValue, RecordId, Value};

/// A name of a board or a record. Ids are names; so is text, which is checked where the name is
/// used: a wrong one is [`crate::EditError::Name`] when something is edited under it, and has
/// nothing to read.
///
/// ```
/// use driftless_client::model::{BoardId, IdError};
/// use driftless_client::{Board, Client, Name};
///
/// /// A function of one's own that takes what the client's take.
/// fn opened(client: &Client, board: impl Name<BoardId>) -> Result<Board, IdError> {
///     Ok(client.board(board.into_id()?))
/// }
///
/// let client = Client::builder("ws://127.0.0.1:1/rt").start();
/// assert!(opened(&client, "home").is_ok());
/// assert!(opened(&client, "no name").is_err());
/// ```
pub trait Name<I>: sealed::Sealed<I> {
    /// The id, or why it is none.
    ///
    /// ```
    /// use driftless_client::Name;
    /// use driftless_client::model::{BoardId, IdError, RecordId};
    ///
    /// // What it is asked for decides what it names.
    /// let board: BoardId = "home".into_id()?;
    /// let record: RecordId = "home".into_id()?;
    /// assert_eq!(board.as_str(), record.as_str());
    /// # Ok::<(), IdError>(())
    /// ```
    fn into_id(self) -> Result<I, IdError>;
}

/// A leaf of a record, with the type of its value: a [`Leaf`], whose type is known where the code
/// is compiled, or a [`LeafPath`] or text, whose values are [`Value`]s.
///
/// ```
/// use driftless_client::model::builtin::TITLE;
/// use driftless_client::model::{IdError, LeafPath};
/// use driftless_client::LeafName;
///
/// fn path(leaf: impl LeafName) -> Result<LeafPath, IdError> {
///     leaf.into_path()
/// }
///
/// assert_eq!(path(TITLE)?, path("title")?);
/// # Ok::<(), IdError>(())
/// ```
pub trait LeafName {
    /// What its values are.
    type Value: LeafValue;

    /// Its path, or why it is none.
    ///
    /// ```
    /// use driftless_client::LeafName;
    ///
    /// assert_eq!("layout/lg".into_path()?.as_str(), "layout/lg");
    /// assert!("no such leaf".into_path().is_err());
    /// # Ok::<(), driftless_client::model::IdError>(())
    /// ```
    fn into_path(self) -> Result<LeafPath, IdError>;
}

mod sealed {
    pub trait Sealed<I> {}
}

macro_rules! names {
    ($id:ty: $($name:ty => $make:expr),+) => {
        $(
            impl sealed::Sealed<$id> for $name {}

            impl Name<$id> for $name {
                fn into_id(self) -> Result<$id, IdError> {
                    let make: fn($name) -> Result<$id, IdError> = $make;
                    make(self)
                }
            }
        )+
    };
}

names!(BoardId:
    BoardId => Ok,
    &BoardId => |id| Ok(id.clone()),
    &str => |text| BoardId::new(text),
    String => |text| BoardId::new(text),
    &String => |text| BoardId::new(text)
);
names!(RecordId:
    RecordId => Ok,
    &RecordId => |id| Ok(id.clone()),
    &str => |text| RecordId::new(text),
    String => |text| RecordId::new(text),
    &String => |text| RecordId::new(text)
);

impl<T: LeafValue> LeafName for Leaf<T> {
    type Value = T;

    fn into_path(self) -> Result<LeafPath, IdError> {
        self.try_path()
    }
}

impl LeafName for LeafPath {
    type Value = Value;

    fn into_path(self) -> Result<LeafPath, IdError> {
        Ok(self)
    }
}

impl LeafName for &LeafPath {
    type Value = Value;

    fn into_path(self) -> Result<LeafPath, IdError> {
        Ok(self.clone())
    }
}

impl LeafName for &str {
    type Value = Value;

    fn into_path(self) -> Result<LeafPath, IdError> {
        LeafPath::new(self)
    }
}
