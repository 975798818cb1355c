//! Reading everything, and one atomic write.

use ::redb::{
    AccessGuard, Database, Durability, Error, ReadableDatabase, ReadableTable, Table,
    WriteTransaction,
};
use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::storage::{Committed, Transaction, Write};

use super::error::any;
use super::file::ROWS;

type Rows<'a> = Table<'a, &'static str, &'static [u8]>;

/// Every row's bytes, in the order of their keys.
pub(super) fn read_all(database: &Database) -> Result<Vec<Vec<u8>>, Error> {
    let read = database.begin_read().map_err(any)?;
    let rows = read.open_table(ROWS).map_err(any)?;
    let rows = rows.iter().map_err(any)?;
    rows.map(|row| Ok(row.map_err(any)?.1.value().to_vec()))
        .collect()
}

/// What transactions may have left whose end is not known: the disk failed while they were
/// committed, and what was on its way may have got there all the same. Whoever tries again expects
/// what was before.
#[derive(Debug, Default)]
pub(super) struct Unsure(Vec<(Key, Option<Vec<u8>>)>);

impl Unsure {
    /// All of it is known again.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Keeps what a transaction writes of what it expects: nothing else is asked for later.
    fn remember(&mut self, transaction: &Transaction) {
        for write in &transaction.writes {
            let (key, row) = match write {
                Write::Put(row) => (row.key(), Some(row.encode())),
                Write::Delete(key) => (key.clone(), None),
            };
            let is_expected = transaction.expect.iter().any(|(other, _)| *other == key);
            if is_expected && !self.left(&key, row.as_deref()) {
                self.0.push((key, row));
            }
        }
    }

    fn left(&self, key: &Key, row: Option<&[u8]>) -> bool {
        let mut rows = self.0.iter();
        rows.any(|(other, left)| other == key && left.as_deref() == row)
    }
}

/// Carries out a transaction: on the disk when this answers. After an error it is there as a whole
/// or not at all; where that is not known, the next one may expect either.
pub(super) fn commit(
    database: &Database,
    transaction: &Transaction,
    unsure: &mut Unsure,
) -> Result<Committed, Error> {
    let mut write = database.begin_write().map_err(any)?;
    write.set_durability(Durability::Immediate).map_err(any)?;
    if !hold(&write, &transaction.expect, unsure)? {
        write.abort().map_err(any)?;
        return Ok(Committed::Conflict);
    }
    apply(&write, &transaction.writes)?;
    if let Err(error) = write.commit() {
        unsure.remember(transaction);
        return Err(any(error));
    }
    unsure.forget();
    Ok(Committed::Yes)
}

fn hold(
    write: &WriteTransaction,
    expect: &[(Key, Option<Row>)],
    unsure: &Unsure,
) -> Result<bool, Error> {
    let rows = write.open_table(ROWS).map_err(any)?;
    for (key, row) in expect {
        let found = rows.get(key.to_string().as_str()).map_err(any)?;
        let found = found.as_ref().map(AccessGuard::value);
        if found != row.as_ref().map(Row::encode).as_deref() && !unsure.left(key, found) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn apply(write: &WriteTransaction, writes: &[Write]) -> Result<(), Error> {
    let mut rows: Rows<'_> = write.open_table(ROWS).map_err(any)?;
    for write in writes {
        match write {
            Write::Put(row) => {
                let (key, bytes) = (row.key().to_string(), row.encode());
                rows.insert(key.as_str(), bytes.as_slice()).map_err(any)?;
            }
            Write::Delete(key) => {
                rows.remove(key.to_string().as_str()).map_err(any)?;
            }
        }
    }
    Ok(())
}
