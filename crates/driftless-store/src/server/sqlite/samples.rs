//! The history of feeds in a `SQLite` file of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use driftless_model::limits::PUSHES_KEPT_MAX;
use driftless_protocol::SeriesName;
use driftless_protocol::durable::{from_text, to_text};
use driftless_protocol::samples::Tier;
use futures::lock::Mutex;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, QueryBuilder, Row as _, Sqlite};

use crate::server::error::StoreError;
use crate::server::sample_store::{
    Chunk, Forget, Kept, KeptPush, KeptSeries, SampleBatch, SampleStore,
};
use crate::server::sqlite::columns::{stored, unavailable};
use crate::server::sqlite::lock::Lock;
use crate::server::sqlite::place::{failure, make_private, place};
use crate::server::sqlite::pool::pool;
use crate::server::sqlite::statements::execute;

/// The version of the format of samples that this build writes.
pub const FORMAT: u32 = 1;

/// The tables, in a file of their own and in a backup. Names are JSON; `data` is packed, see
/// `driftless_protocol::samples`.
pub const TABLES: &str = "
CREATE TABLE sample_meta (format INTEGER NOT NULL, settled_ms INTEGER NOT NULL) STRICT;
CREATE TABLE sample_series (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seen_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE sample_chunks (
    tier INTEGER NOT NULL,
    series INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (tier, series, start_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE sample_pushes (
    id TEXT NOT NULL PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    accepted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The names of the tables.
pub const TABLE_NAMES: [&str; 4] = [
    "sample_meta",
    "sample_series",
    "sample_chunks",
    "sample_pushes",
];

/// Series whose chunks are asked for at once.
const SERIES_AT_ONCE: usize = 256;
/// Most chunks of a tier that go with one batch, since whoever pushes waits for it: some ten
/// milliseconds. With a batch every five seconds that is three times what 16,384 series leave.
const FORGOTTEN_AT_ONCE: u32 = 4_096;

/// The history of feeds in one `SQLite` file. Clones share the connections. One process uses it at
/// a time.
#[derive(Debug, Clone)]
pub struct SqliteSamples {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Chunks that are past their time and still there: before when, by tier. It is not kept:
    /// after a crash the next batch that forgets says it again.
    past: Arc<Mutex<BTreeMap<Tier, u64>>>,
    _lock: Arc<Lock>,
}

impl SqliteSamples {
    /// Opens the file, and makes it where there is none. A newer, a damaged or a foreign one is
    /// refused and not touched, as is one that another process uses.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = Lock::take_alone(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .disable_statement_logging();
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        make_private(path);
        let writer = pool(1).connect_with(writing).await;
        let writer = writer.map_err(|error| failure(path, &error))?;
        prepare(&writer, path).await?;
        let readers = pool(2).connect_lazy_with(options.read_only(true));
        Ok(Self {
            writer,
            readers,
            past: Arc::default(),
            _lock: Arc::new(lock),
        })
    }

    /// Closes all connections, once what is under way is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn prepare(writer: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let prepared = async {
        let tables = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'table'");
        let tables = tables.fetch_all(writer).await?;
        if tables.is_empty() {
            let mut transaction = writer.begin().await?;
            sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
            let meta = sqlx::query("INSERT INTO sample_meta (format, settled_ms) VALUES (?, 0)");
            meta.bind(FORMAT).execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        let format = sqlx::query("SELECT format FROM sample_meta");
        format.fetch_one(writer).await?.try_get::<i64, _>(0)
    };
    let found = prepared.await.map_err(|error| failure(path, &error))?;
    if u32::try_from(found).is_ok_and(|found| found <= FORMAT) {
        return Ok(());
    }
    Err(StoreError::Newer {
        place: place(path),
        found,
        known: FORMAT,
    })
}

impl SampleStore for SqliteSamples {
    async fn kept(&self) -> Result<Kept, StoreError> {
        let kept = kept(&self.readers).await;
        kept.map_err(|error| unavailable(&error))
    }

    async fn write(&self, batch: SampleBatch) -> Result<(), StoreError> {
        let mut past = self.past.lock().await;
        for (tier, before_ms) in &batch.forget.chunks {
            let before = past.entry(*tier).or_default();
            *before = (*before).max(*before_ms);
        }
        let written = write(&self.writer, &batch, &mut past).await;
        written.map_err(|error| unavailable(&error))
    }

    async fn read(
        &self,
        tier: Tier,
        series: &[u64],
        from_ms: u64,
        before_ms: u64,
    ) -> Result<Vec<Chunk>, StoreError> {
        let mut numbers = series.to_vec();
        numbers.sort_unstable();
        let mut chunks = Vec::new();
        for some in numbers.chunks(SERIES_AT_ONCE) {
            let read = read(&self.readers, tier, some, from_ms..before_ms).await;
            chunks.extend(read.map_err(|error| unavailable(&error))?);
        }
        Ok(chunks)
    }
}

async fn kept(readers: &SqlitePool) -> Result<Kept, sqlx::Error> {
    let meta = sqlx::query("SELECT settled_ms FROM sample_meta");
    let settled_ms = whole(&meta.fetch_one(readers).await?, 0)?;
    let series = sqlx::query("SELECT number, name, seen_ms FROM sample_series ORDER BY number");
    let mut kept = Kept {
        settled_ms,
        ..Kept::default()
    };
    for row in series.fetch_all(readers).await? {
        // A name that cannot be read is no reason to lose the others.
        let Ok(name) = from_text::<SeriesName>(row.try_get(1)?) else {
            tracing::warn!("the name of a stored series cannot be read; it is left out");
            continue;
        };
        kept.series.push(KeptSeries {
            number: whole(&row, 0)?,
            name,
            seen_ms: whole(&row, 2)?,
        });
    }
    // More may have come since some were forgotten last.
    let pushes = sqlx::query(
        "SELECT id, time_ms, accepted FROM (SELECT id, time_ms, accepted FROM sample_pushes \
         ORDER BY time_ms DESC, id DESC LIMIT ?) ORDER BY id",
    );
    let pushes = pushes.bind(i64::try_from(PUSHES_KEPT_MAX).unwrap_or(i64::MAX));
    for row in pushes.fetch_all(readers).await? {
        kept.pushes.push(KeptPush {
            id: row.try_get(0)?,
            time_ms: whole(&row, 1)?,
            accepted: whole(&row, 2)?,
        });
    }
    Ok(kept)
}

fn whole(row: &sqlx::sqlite::SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column).map(i64::cast_unsigned)
}

async fn read(
    readers: &SqlitePool,
    tier: Tier,
    series: &[u64],
    span: std::ops::Range<u64>,
) -> Result<Vec<Chunk>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT series, start_ms, data FROM sample_chunks WHERE tier = ",
    );
    query.push_bind(tier.number());
    query
        .push(" AND start_ms >= ")
        .push_bind(stored(span.start));
    query.push(" AND start_ms < ").push_bind(stored(span.end));
    query.push(" AND series IN (");
    let mut numbers = query.separated(", ");
    for number in series {
        numbers.push_bind(number.cast_signed());
    }
    query.push(") ORDER BY series, start_ms");
    let rows = query.build().fetch_all(readers).await?;
    let chunk = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Chunk {
            tier,
            series: whole(row, 0)?,
            start_ms: whole(row, 1)?,
            data: row.try_get(2)?,
        })
    };
    rows.iter().map(chunk).collect()
}

async fn write(
    writer: &SqlitePool,
    batch: &SampleBatch,
    past: &mut BTreeMap<Tier, u64>,
) -> Result<(), sqlx::Error> {
    let mut connection = writer.acquire().await?;
    let written = transact(&mut connection, batch, past).await;
    if written.is_err() {
        // What state an error leaves a connection in depends on the error: take a new one.
        connection.close().await.ok();
    }
    written
}

async fn transact(
    connection: &mut SqliteConnection,
    batch: &SampleBatch,
    past: &mut BTreeMap<Tier, u64>,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    add_series(&mut transaction, &batch.series).await?;
    add_chunks(&mut transaction, &batch.chunks).await?;
    add_pushes(&mut transaction, &batch.pushes).await?;
    if let Some(settled_ms) = batch.settled_ms {
        let settled = "UPDATE sample_meta SET settled_ms = max(settled_ms, ?)";
        let settled = sqlx::query(settled).bind(stored(settled_ms));
        settled.execute(&mut *transaction).await?;
    }
    forget(&mut transaction, &batch.forget).await?;
    let mut done = Vec::new();
    for (tier, before_ms) in &*past {
        if !forget_some(&mut transaction, *tier, *before_ms).await? {
            done.push(*tier);
        }
    }
    transaction.commit().await?;
    past.retain(|tier, _| !done.contains(tier));
    Ok(())
}

async fn add_series(
    connection: &mut SqliteConnection,
    series: &[KeptSeries],
) -> Result<(), sqlx::Error> {
    execute(
        connection,
        series,
        "INSERT INTO sample_series (number, name, seen_ms) ",
        |row, series| {
            row.push_bind(series.number.cast_signed())
                .push_bind(to_text(&series.name))
                .push_bind(stored(series.seen_ms));
        },
        " ON CONFLICT (number) DO UPDATE SET name = excluded.name, seen_ms = excluded.seen_ms",
    )
    .await
}

async fn add_chunks(
    connection: &mut SqliteConnection,
    chunks: &[Chunk],
) -> Result<(), sqlx::Error> {
    execute(
        connection,
        chunks,
        "INSERT INTO sample_chunks (tier, series, start_ms, data) ",
        |row, chunk| {
            row.push_bind(chunk.tier.number())
                .push_bind(chunk.series.cast_signed())
                .push_bind(stored(chunk.start_ms))
                .push_bind(chunk.data.clone());
        },
        " ON CONFLICT (tier, series, start_ms) DO UPDATE SET data = excluded.data",
    )
    .await
}

async fn add_pushes(
    connection: &mut SqliteConnection,
    pushes: &[KeptPush],
) -> Result<(), sqlx::Error> {
    execute(
        connection,
        pushes,
        "INSERT INTO sample_pushes (id, time_ms, accepted) ",
        |row, push| {
            row.push_bind(push.id.clone())
                .push_bind(stored(push.time_ms))
                .push_bind(stored(push.accepted));
        },
        " ON CONFLICT (id) DO UPDATE SET time_ms = excluded.time_ms, \
         accepted = excluded.accepted",
    )
    .await
}

/// The series are named so that the whole key is searched: by tier and time alone each hour would
/// walk all that is kept, while nothing else can be written.
const FORGET_CHUNKS: &str = "DELETE FROM sample_chunks WHERE (tier, series, start_ms) IN \
     (SELECT tier, series, start_ms FROM sample_chunks WHERE tier = ? AND start_ms < ? \
      AND series IN (SELECT number FROM sample_series) LIMIT ?)";

/// Some of what is past its time; says whether there may be more.
async fn forget_some(
    connection: &mut SqliteConnection,
    tier: Tier,
    before_ms: u64,
) -> Result<bool, sqlx::Error> {
    let chunks = sqlx::query(FORGET_CHUNKS).bind(tier.number());
    let chunks = chunks.bind(stored(before_ms)).bind(FORGOTTEN_AT_ONCE);
    let forgotten = chunks.execute(connection).await?.rows_affected();
    Ok(forgotten >= u64::from(FORGOTTEN_AT_ONCE))
}

async fn forget(connection: &mut SqliteConnection, forget: &Forget) -> Result<(), sqlx::Error> {
    for number in &forget.series {
        for tier in Tier::ALL {
            let chunks = "DELETE FROM sample_chunks WHERE tier = ? AND series = ?";
            let chunks = sqlx::query(chunks).bind(tier.number());
            let chunks = chunks.bind(number.cast_signed());
            chunks.execute(&mut *connection).await?;
        }
        let series = sqlx::query("DELETE FROM sample_series WHERE number = ?");
        let series = series.bind(number.cast_signed());
        series.execute(&mut *connection).await?;
    }
    if forget.pushes_before_ms > 0 {
        let pushes = sqlx::query("DELETE FROM sample_pushes WHERE time_ms < ?");
        let pushes = pushes.bind(stored(forget.pushes_before_ms));
        pushes.execute(&mut *connection).await?;
    }
    if let Some(count) = forget.pushes_past {
        let pushes = sqlx::query(
            "DELETE FROM sample_pushes WHERE (time_ms, id) <= (SELECT time_ms, id \
             FROM sample_pushes ORDER BY time_ms DESC, id DESC LIMIT 1 OFFSET ?)",
        );
        let pushes = pushes.bind(i64::try_from(count).unwrap_or(i64::MAX));
        pushes.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that takes its folder away with it.
    struct Temporary(
        SqliteSamples,
        #[allow(dead_code, reason = "held")] tempfile::TempDir,
    );

    impl SampleStore for Temporary {
        async fn kept(&self) -> Result<Kept, StoreError> {
            self.0.kept().await
        }

        async fn write(&self, batch: SampleBatch) -> Result<(), StoreError> {
            self.0.write(batch).await
        }

        async fn read(
            &self,
            tier: Tier,
            series: &[u64],
            from_ms: u64,
            before_ms: u64,
        ) -> Result<Vec<Chunk>, StoreError> {
            self.0.read(tier, series, from_ms, before_ms).await
        }
    }

    async fn empty() -> Temporary {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteSamples::open(folder.path().join("samples.db")).await;
        Temporary(store.expect("opens"), folder)
    }

    crate::sample_store_conformance!(empty);

    #[tokio::test]
    async fn what_was_written_is_there_after_it_is_opened_again_by_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("samples.db");
        let store = SqliteSamples::open(&file).await.expect("opens");
        let batch = SampleBatch {
            settled_ms: Some(7),
            ..SampleBatch::default()
        };
        store.write(batch).await.expect("writes");
        let second = SqliteSamples::open(&file).await;
        assert!(matches!(second, Err(StoreError::InUse { .. })));
        store.close().await;
        drop(store);
        let store = SqliteSamples::open(&file).await.expect("opens");
        assert_eq!(store.kept().await.expect("reads").settled_ms, 7);
    }

    #[tokio::test]
    async fn what_is_past_its_time_is_found_by_the_whole_key() {
        let store = empty().await;
        let plan = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {FORGET_CHUNKS}"));
        let plan = sqlx::query(plan).bind(1).bind(2).bind(3);
        let steps = plan.fetch_all(&store.0.writer).await.expect("plans");
        let steps = steps.iter().map(|step| step.get::<String, _>(3));
        let searches: Vec<_> = steps
            .filter(|step| step.contains("sample_chunks"))
            .collect();
        let is_whole_key = |step: &String| {
            step.ends_with("(tier=? AND series=? AND start_ms<?)")
                || step.ends_with("(tier=? AND series=? AND start_ms=?)")
        };
        assert_eq!(searches.len(), 2, "{searches:?}");
        assert!(searches.iter().all(is_whole_key), "{searches:?}");
    }

    async fn chunks_left(store: &SqliteSamples) -> i64 {
        let count = sqlx::query("SELECT count(*) FROM sample_chunks");
        let count = count.fetch_one(&store.readers).await.expect("counts");
        count.get(0)
    }

    #[tokio::test]
    async fn of_much_that_is_past_its_time_some_goes_with_each_batch() {
        let Temporary(store, _folder) = empty().await;
        let name = SeriesName {
            name: "load".to_owned(),
            labels: [].into(),
        };
        let chunks = (0..10_000).map(|minute| Chunk {
            tier: Tier::Samples,
            series: 1,
            start_ms: minute * 60_000,
            data: vec![1],
        });
        let batch = SampleBatch {
            series: vec![KeptSeries {
                number: 1,
                name,
                seen_ms: 0,
            }],
            chunks: chunks.collect(),
            ..SampleBatch::default()
        };
        store.write(batch).await.expect("writes");
        let mut batch = SampleBatch::default();
        batch.forget.chunks = vec![(Tier::Samples, 9_990 * 60_000)];
        let mut left = Vec::new();
        for _ in 0..4 {
            store
                .write(std::mem::take(&mut batch))
                .await
                .expect("writes");
            left.push(chunks_left(&store).await);
        }
        assert_eq!(left, [5_904, 1_808, 10, 10]);
        assert!(store.past.lock().await.is_empty());
    }

    #[tokio::test]
    async fn a_newer_and_a_foreign_file_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("samples.db");
        let store = SqliteSamples::open(&file).await.expect("opens");
        let newer = sqlx::query("UPDATE sample_meta SET format = 2");
        newer.execute(&store.writer).await.expect("writes");
        store.close().await;
        drop(store);
        let refused = SqliteSamples::open(&file).await;
        assert!(matches!(refused, Err(StoreError::Newer { found: 2, .. })));
        std::fs::write(&file, vec![7; 40_000]).expect("writes");
        let refused = SqliteSamples::open(&file).await;
        assert!(matches!(refused, Err(StoreError::Damaged { .. })));
    }
}
