//! What every [`ReplicaStore`] has to do, as cases that any backend can run: natively in a test, in
//! a browser from a page.

use std::fmt;
use std::future::Future;

use driftless_model::{BoardId, ClientId, RecordId, Slot, UserId, Version};
use driftless_protocol::durable::{BoardRow, Key, RecordRow, ReplicaRow, Row};
use driftless_sync::replica::storage::{Committed, Transaction, Write};

use super::{ReplicaStore, ReplicaStoreError};

/// One thing that has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// What, as a sentence.
    pub name: &'static str,
    check: Check,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    StartsEmpty,
    Persists,
    Orders,
    Deletes,
    RefusesWhole,
    ExpectsAbsence,
    ExpectsBytes,
    SeesOthers,
    WritesInOrder,
    TakesMany,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{case}: {detail}")]
pub struct Failure {
    /// The case's name.
    pub case: &'static str,
    /// What happened instead.
    pub detail: String,
}

/// Every case. Each needs storage of its own that is empty at first.
pub fn cases() -> Vec<Case> {
    let case = |name, check| Case { name, check };
    vec![
        case(
            "storage that was never written is empty",
            Check::StartsEmpty,
        ),
        case(
            "what was committed is there after opening again",
            Check::Persists,
        ),
        case("rows come in the order of their keys", Check::Orders),
        case(
            "a deleted row is gone, and deleting again is fine",
            Check::Deletes,
        ),
        case(
            "one expectation that fails refuses the whole transaction",
            Check::RefusesWhole,
        ),
        case("an absent row can be expected", Check::ExpectsAbsence),
        case("an expectation compares the whole row", Check::ExpectsBytes),
        case(
            "two that have it open see each other's writes",
            Check::SeesOthers,
        ),
        case(
            "writes of one transaction apply in order",
            Check::WritesInOrder,
        ),
        case("a thousand rows in one transaction", Check::TakesMany),
    ]
}

impl Case {
    /// Runs it. `open` opens the same storage each time, empty at the first call.
    pub async fn run<S, O>(self, mut open: impl FnMut() -> O) -> Result<(), Failure>
    where
        S: ReplicaStore,
        O: Future<Output = Result<S, ReplicaStoreError>>,
    {
        let failure = |detail: String| Failure {
            case: self.name,
            detail,
        };
        let first = open().await.map_err(|error| failure(error.to_string()))?;
        let second = open().await.map_err(|error| failure(error.to_string()))?;
        self.check(&first, &second).await.map_err(failure)
    }

    async fn check(self, first: &impl ReplicaStore, second: &impl ReplicaStore) -> Checked {
        match self.check {
            Check::StartsEmpty => rows_are(first, vec![]).await,
            Check::Persists => {
                commit(first, put([replica(1)]), Committed::Yes).await?;
                rows_are(second, vec![replica(1)]).await
            }
            Check::Orders => {
                commit(
                    first,
                    put([replica(1), record("b"), board(1), record("a")]),
                    Committed::Yes,
                )
                .await?;
                rows_are(second, vec![board(1), record("a"), record("b"), replica(1)]).await
            }
            Check::Deletes => deletes(first).await,
            Check::RefusesWhole => refuses_whole(first).await,
            Check::ExpectsAbsence => expects_absence(first).await,
            Check::ExpectsBytes => expects_bytes(first).await,
            Check::SeesOthers => sees_others(first, second).await,
            Check::WritesInOrder => writes_in_order(first).await,
            Check::TakesMany => takes_many(first, second).await,
        }
    }
}

type Checked = Result<(), String>;

async fn deletes(store: &impl ReplicaStore) -> Checked {
    commit(store, put([replica(1), board(1)]), Committed::Yes).await?;
    let delete = || Transaction {
        expect: vec![],
        writes: vec![Write::Delete(board(1).key())],
    };
    commit(store, delete(), Committed::Yes).await?;
    commit(store, delete(), Committed::Yes).await?;
    rows_are(store, vec![replica(1)]).await
}

async fn refuses_whole(store: &impl ReplicaStore) -> Checked {
    commit(store, put([replica(1), board(1)]), Committed::Yes).await?;
    let transaction = Transaction {
        expect: vec![
            (Key::Replica, Some(replica(1))),
            (board(1).key(), Some(board(2))),
        ],
        writes: vec![Write::Put(replica(9)), Write::Delete(board(1).key())],
    };
    commit(store, transaction, Committed::Conflict).await?;
    rows_are(store, vec![board(1), replica(1)]).await
}

async fn expects_absence(store: &impl ReplicaStore) -> Checked {
    let create = || Transaction {
        expect: vec![(Key::Replica, None)],
        writes: vec![Write::Put(replica(1))],
    };
    commit(store, create(), Committed::Yes).await?;
    commit(store, create(), Committed::Conflict).await?;
    rows_are(store, vec![replica(1)]).await
}

async fn expects_bytes(store: &impl ReplicaStore) -> Checked {
    commit(store, put([replica(1)]), Committed::Yes).await?;
    let raise = |from, to| Transaction {
        expect: vec![(Key::Replica, Some(replica(from)))],
        writes: vec![Write::Put(replica(to))],
    };
    commit(store, raise(2, 3), Committed::Conflict).await?;
    commit(store, raise(1, 2), Committed::Yes).await?;
    commit(store, raise(1, 3), Committed::Conflict).await?;
    rows_are(store, vec![replica(2)]).await
}

async fn sees_others(first: &impl ReplicaStore, second: &impl ReplicaStore) -> Checked {
    let raise = |from, to| Transaction {
        expect: vec![(Key::Replica, Some(replica(from)))],
        writes: vec![Write::Put(replica(to))],
    };
    commit(first, put([replica(1)]), Committed::Yes).await?;
    commit(second, raise(1, 2), Committed::Yes).await?;
    commit(first, raise(1, 2), Committed::Conflict).await?;
    commit(first, raise(2, 3), Committed::Yes).await?;
    rows_are(second, vec![replica(3)]).await
}

async fn writes_in_order(store: &impl ReplicaStore) -> Checked {
    let transaction = Transaction {
        expect: vec![],
        writes: vec![
            Write::Put(replica(1)),
            Write::Delete(Key::Replica),
            Write::Put(replica(2)),
            Write::Put(board(1)),
            Write::Delete(board(1).key()),
        ],
    };
    commit(store, transaction, Committed::Yes).await?;
    rows_are(store, vec![replica(2)]).await
}

async fn takes_many(first: &impl ReplicaStore, second: &impl ReplicaStore) -> Checked {
    let rows: Vec<Row> = (0..1_000).map(|n| record(&format!("r{n:04}"))).collect();
    commit(first, put(rows.clone()), Committed::Yes).await?;
    rows_are(second, rows).await
}

async fn commit(store: &impl ReplicaStore, transaction: Transaction, want: Committed) -> Checked {
    match store.commit(transaction).await {
        Ok(committed) if committed == want => Ok(()),
        other => differs("the commit", &other, &want),
    }
}

async fn rows_are(store: &impl ReplicaStore, want: Vec<Row>) -> Checked {
    match store.load().await {
        Ok(rows) if rows == want => Ok(()),
        other => differs("the rows", &other, &want),
    }
}

fn differs(what: &str, found: &impl fmt::Debug, want: &impl fmt::Debug) -> Checked {
    Err(format!("{what}: {found:?} instead of {want:?}"))
}

fn put(rows: impl IntoIterator<Item = Row>) -> Transaction {
    Transaction {
        expect: vec![],
        writes: rows.into_iter().map(Write::Put).collect(),
    }
}

fn replica(term: u64) -> Row {
    Row::Replica(ReplicaRow {
        client: ClientId(0xfeed),
        user: UserId::new("Zoë").ok(),
        token: None,
        former: None,
        term,
        history: 0,
    })
}

fn board_id() -> BoardId {
    BoardId::new("home").expect("a valid id")
}

fn board(next_seq: u64) -> Row {
    Row::Board(BoardRow {
        board: board_id(),
        cursor: None,
        floor: Version(0),
        next_seq,
        settled: 0,
        left: None,
        refused: None,
    })
}

fn record(id: &str) -> Row {
    Row::Record(RecordRow {
        board: board_id(),
        record: RecordId::new(id).expect("a valid id"),
        slot: Slot::Removed {
            version: Version(7),
            author: UserId::new("Zoë").expect("a valid name"),
        },
    })
}
