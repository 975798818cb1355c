//! The one storage primitive: `commit(expect, writes)`. Every precondition (term, next seq, still
//! unsealed) is an expectation that a replica states; adapters compare bytes and decide nothing.

use driftless_protocol::durable::{Key, Row};

/// One atomic write: all of `writes` where every one of `expect` holds, else nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transaction {
    /// What has to be stored now: this row, byte for byte as it encodes, or (`None`) no row.
    pub expect: Vec<(Key, Option<Row>)>,
    /// What is written, in order.
    pub writes: Vec<Write>,
}

/// One write of a [`Transaction`].
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Puts a row at its key, over what is there.
    Put(Row),
    /// Takes the row at a key away; nothing happens where there is none.
    Delete(Key),
}

/// What became of a [`Transaction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is durable, as far as the storage can tell.
    Yes,
    /// An expectation did not hold: nothing was written.
    Conflict,
}
