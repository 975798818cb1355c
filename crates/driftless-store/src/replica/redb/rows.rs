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

/// Carries out a transaction: on the disk when this answers, or nothing of it.
pub(super) fn commit(database: &Database, transaction: &Transaction) -> Result<Committed, Error> {
    let mut write = database.begin_write().map_err(any)?;
    write.set_durability(Durability::Immediate).map_err(any)?;
    if !hold(&write, &transaction.expect)? {
        write.abort().map_err(any)?;
        return Ok(Committed::Conflict);
    }
    apply(&write, &transaction.writes)?;
    write.commit().map_err(any)?;
    Ok(Committed::Yes)
}

fn hold(write: &WriteTransaction, expect: &[(Key, Option<Row>)]) -> Result<bool, Error> {
    let rows = write.open_table(ROWS).map_err(any)?;
    for (key, row) in expect {
        let found = rows.get(key.to_string().as_str()).map_err(any)?;
        let found = found.as_ref().map(AccessGuard::value);
        if found != row.as_ref().map(Row::encode).as_deref() {
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
