//! Backups: made while servers run, and put back while none does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use crate::server::error::StoreError;
use crate::server::sqlite::carry::{carry_in, carry_out};
use crate::server::sqlite::connection::{close, open, open_to_read};
use crate::server::sqlite::copy::{part_of, remove, settle, sync_folder};
use crate::server::sqlite::lock::Lock;
use crate::server::sqlite::place::{beside, beside_dated, failure, place, samples_beside};
use crate::server::sqlite::schema;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// How many boards are in it.
    pub boards: u64,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// How many boards are in it.
    pub boards: u64,
    /// Where that is which was there before: the file, or its log where there was nothing else.
    pub set_aside: Option<PathBuf>,
}

/// Copies the boards of `file` to `to`, as of one moment, while servers go on, and with them the
/// history of feeds beside it ([`samples_beside`]), if there is any, as of another. The copy is
/// checked and synced. `to` must not exist yet.
pub async fn backup(file: &Path, to: &Path) -> Result<Backup, StoreError> {
    let failed = |error: io::Error| StoreError::Copy {
        from: place(file),
        to: place(to),
        reason: error.to_string(),
    };
    if to.symlink_metadata().is_ok() {
        return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
    }
    let mut connection = open(file, SqliteConnectOptions::new()).await?;
    ours(&mut connection, file).await?;
    let part = beside(to, ".part");
    part_of(&mut connection, file, &part).await?;
    close(connection, file).await?;
    let samples = samples_beside(file);
    if samples.is_file() {
        let carried = carry_in(&part, &samples).await;
        carried.inspect_err(|_| drop(remove(&part)))?;
    }
    settle(&part, to).map_err(failed)?;
    let boards = look_over(to).await?;
    let bytes = to.metadata().map_err(failed)?.len();
    Ok(Backup { boards, bytes })
}

/// Puts a backup in place of `file`, and the history of feeds in it in place of that beside it
/// ([`samples_beside`]). Nobody may be using them. What was there before is kept under other names,
/// write-ahead logs with it. A backup without history leaves what is there. The backup itself is
/// left as it is.
pub async fn restore(backup: &Path, file: &Path) -> Result<Restored, StoreError> {
    let _alone = Lock::take_alone(file)?;
    let failed = |error: io::Error| StoreError::Copy {
        from: place(backup),
        to: place(file),
        reason: error.to_string(),
    };
    let mut connection = open_to_read(backup).await?;
    ours(&mut connection, backup).await?;
    let ready = beside(file, ".restored");
    part_of(&mut connection, backup, &ready).await?;
    close(connection, backup).await?;
    let samples = samples_beside(file);
    let ready_samples = beside(&samples, ".restored");
    let has_history = carry_out(&ready, &ready_samples).await?;
    let boards = look_over(&ready).await?;
    // Boards last: until they have their name, it can be done all over again.
    if has_history {
        set_aside(&samples).await.map_err(failed)?;
        settle(&ready_samples, &samples).map_err(failed)?;
    }
    let set_aside = set_aside(file).await.map_err(failed)?;
    settle(&ready, file).map_err(failed)?;
    Ok(Restored { boards, set_aside })
}

/// Refuses what is no sound file of boards that this build knows.
async fn ours(connection: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let format = schema::inspect(connection, file).await?;
    format.map(|_| ()).ok_or_else(|| StoreError::Open {
        place: place(file),
        reason: "it is empty".to_owned(),
    })
}

/// Looks at every page of a file and counts its boards. Changes nothing, whatever its format.
pub async fn look_over(file: &Path) -> Result<u64, StoreError> {
    let mut connection = open_to_read(file).await?;
    ours(&mut connection, file).await?;
    let row = sqlx::query("SELECT count(*) FROM boards");
    let row = row.fetch_one(&mut connection).await;
    let count = row.and_then(|row| row.try_get::<i64, _>(0));
    let count = count.map_err(|error| failure(file, &error))?;
    close(connection, file).await?;
    Ok(count.cast_unsigned())
}

/// Keeps what is there under another name, beside itself, and leaves no log that a new file would
/// be taken to have: not the log of a file that somebody deleted either. Until the new file has its
/// name the old one keeps it too, so that no crash leaves a server without any.
async fn set_aside(file: &Path) -> io::Result<Option<PathBuf>> {
    let is_there = file.symlink_metadata().is_ok();
    let aside = beside_dated(file, "before-restore");
    if is_there {
        // Opening and closing folds the log in, if the file is sound.
        if let Ok(connection) = open(file, SqliteConnectOptions::new()).await {
            fold(connection).await.ok();
        }
        fs::hard_link(file, &aside).or_else(|_| fs::copy(file, &aside).map(|_| ()))?;
    }
    let mut kept = is_there.then(|| aside.clone());
    for end in LOGS {
        let (log, log_aside) = (beside(file, end), beside(&aside, end));
        if log.symlink_metadata().is_ok() {
            fs::rename(log, &log_aside)?;
            kept.get_or_insert(log_aside);
        }
    }
    remove(&beside(file, "-shm"))?;
    sync_folder(file)?;
    Ok(kept)
}

/// What `SQLite` reads into a file that it opens, because of the name alone: the write-ahead log,
/// and the journal of a crash before there was one.
const LOGS: [&str; 2] = ["-wal", "-journal"];

async fn fold(mut connection: SqliteConnection) -> Result<(), sqlx::Error> {
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    checkpoint.execute(&mut connection).await?;
    connection.close().await
}

#[cfg(test)]
mod tests {
    use driftless_model::{Effect, KindName, Op, RecordId};
    use driftless_sync::room::Stored;
    use tempfile::TempDir;

    use super::*;
    use crate::server::conformance::Script;
    use driftless_protocol::SeriesName;

    use crate::server::{
        BoardStore, KeptSeries, SampleBatch, SampleStore, SqliteBoards, SqliteSamples,
    };

    struct Files {
        folder: TempDir,
        script: Script,
    }

    impl Files {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().expect("a folder"),
                script: Script::new("home"),
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        async fn open(&self) -> SqliteBoards {
            let opened = SqliteBoards::open(self.path("boards.db")).await;
            opened.expect("opens")
        }

        async fn add(&mut self, store: &SqliteBoards, record: &str) {
            let create = Effect {
                record: RecordId::new(record).expect("a record id"),
                op: Op::Create {
                    kind: KindName::new("chart").expect("a kind"),
                    leaves: [].into(),
                },
            };
            let append = self.script.edit(1, &[create]);
            assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
        }
    }

    #[tokio::test]
    async fn a_backup_of_a_running_store_is_put_back_with_the_old_file_set_aside() {
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let then = files.script.image().clone();
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        let made = backup(&file, &kept).await.expect("is made");
        assert_eq!(made.boards, 1);
        files.add(&store, "net").await;
        let error = restore(&kept, &file).await.expect_err("is in use");
        assert!(matches!(error, StoreError::InUse { .. }), "{error}");
        store.close().await;
        drop(store);
        let restored = restore(&kept, &file).await.expect("is put back");
        let store = files.open().await;
        let image = store.load(files.script.board()).await;
        assert_eq!(image, Ok(then));
        let aside = restored.set_aside.expect("was there");
        let before = SqliteBoards::open(aside).await.expect("opens");
        let image = before.load(files.script.board()).await;
        assert_eq!(image.as_ref(), Ok(files.script.image()));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn boards_and_backups_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        backup(&file, &kept).await.expect("is made");
        let restored = files.path("restored.db");
        restore(&kept, &restored).await.expect("is put back");
        for file in [beside(&file, "-wal"), file, kept, restored] {
            let about = std::fs::metadata(&file).expect("is there");
            assert_eq!(about.permissions().mode() & 0o777, 0o600, "{file:?}");
        }
    }

    #[tokio::test]
    async fn a_restore_takes_the_log_of_a_killed_server_away_with_its_file() {
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        backup(&file, &kept).await.expect("is made");
        let then = files.script.image().clone();
        files.add(&store, "net").await;
        // What `kill -9` leaves behind: the file and its log as they are now.
        let killed = files.path("killed.db");
        for end in ["", "-wal"] {
            std::fs::copy(beside(&file, end), beside(&killed, end)).expect("copies");
        }
        restore(&kept, &killed).await.expect("is put back");
        let store = SqliteBoards::open(&killed).await.expect("opens");
        assert_eq!(store.load(files.script.board()).await, Ok(then));
    }

    #[tokio::test]
    async fn a_restore_takes_the_log_of_a_deleted_file_away() {
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        backup(&file, &kept).await.expect("is made");
        let then = files.script.image().clone();
        files.add(&store, "net").await;
        // The server was killed, and somebody deleted the file but not its log.
        let lost = files.path("lost.db");
        let log = std::fs::read(beside(&file, "-wal")).expect("reads");
        std::fs::write(beside(&lost, "-wal"), &log).expect("writes");
        std::fs::write(beside(&lost, "-journal"), &log).expect("writes");
        std::fs::write(beside(&lost, "-shm"), vec![0; 32_768]).expect("writes");
        let restored = restore(&kept, &lost).await.expect("is put back");
        for end in ["-wal", "-journal", "-shm"] {
            assert!(!beside(&lost, end).exists(), "{end}");
        }
        let aside = restored.set_aside.expect("was there");
        assert!(aside.to_string_lossy().ends_with("-wal"), "{aside:?}");
        assert_eq!(std::fs::read(aside).expect("reads"), log);
        let store = SqliteBoards::open(&lost).await.expect("opens");
        assert_eq!(store.load(files.script.board()).await, Ok(then));
        // Where there was nothing, nothing is said to be kept.
        let restored = restore(&kept, &files.path("new.db")).await;
        assert_eq!(restored.expect("is put back").set_aside, None);
    }

    #[tokio::test]
    async fn a_damaged_file_can_be_replaced_and_a_damaged_backup_replaces_nothing() {
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        backup(&file, &kept).await.expect("is made");
        store.close().await;
        drop(store);
        let broken = files.path("broken.db");
        std::fs::write(&broken, vec![7; 40_000]).expect("writes");
        let before = std::fs::read(&file).expect("reads");
        let error = restore(&broken, &file).await.expect_err("is refused");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert_eq!(std::fs::read(&file).expect("reads"), before);
        restore(&kept, &broken).await.expect("is put back");
        let store = SqliteBoards::open(&broken).await.expect("opens");
        let image = store.load(files.script.board()).await;
        assert_eq!(image.as_ref(), Ok(files.script.image()));
    }

    fn seen(number: u64) -> SampleBatch {
        let name = SeriesName {
            name: format!("load{number}"),
            labels: [].into(),
        };
        let series = KeptSeries {
            number,
            name,
            seen_ms: 1,
        };
        SampleBatch {
            series: vec![series],
            ..SampleBatch::default()
        }
    }

    async fn series(file: &Path) -> usize {
        let store = SqliteSamples::open(samples_beside(file)).await;
        let kept = store.expect("opens").kept().await.expect("reads");
        kept.series.len()
    }

    #[tokio::test]
    async fn a_backup_has_the_history_of_feeds_and_a_restore_puts_it_back() {
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        let without = files.path("without.db");
        backup(&file, &without).await.expect("is made");
        let samples = SqliteSamples::open(samples_beside(&file)).await;
        let samples = samples.expect("opens");
        samples.write(seen(1)).await.expect("writes");
        // While the server has it open.
        backup(&file, &kept).await.expect("is made");
        samples.write(seen(2)).await.expect("writes");
        store.close().await;
        samples.close().await;
        drop((store, samples));
        restore(&without, &file).await.expect("is put back");
        assert_eq!(series(&file).await, 2, "a backup without history");
        for to in [&file, &files.path("new.db")] {
            restore(&kept, to).await.expect("is put back");
            assert_eq!(series(to).await, 1);
            let store = SqliteBoards::open(to).await.expect("opens");
            let image = store.load(files.script.board()).await;
            assert_eq!(image.as_ref(), Ok(files.script.image()));
            let tables = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name LIKE 'sample%'");
            let tables = tables.fetch_all(&store.readers).await.expect("reads");
            assert!(tables.is_empty(), "boards and history lie apart again");
            store.close().await;
        }
        // A restored server can be backed up in its turn.
        backup(&file, &files.path("again.db"))
            .await
            .expect("is made");
    }

    #[tokio::test]
    async fn a_backup_is_never_written_over() {
        let mut files = Files::new();
        let store = files.open().await;
        files.add(&store, "cpu").await;
        let (file, kept) = (files.path("boards.db"), files.path("backup.db"));
        std::fs::write(&kept, "somebody's").expect("writes");
        let error = backup(&file, &kept).await.expect_err("is refused");
        assert!(matches!(error, StoreError::Copy { .. }), "{error}");
        assert_eq!(std::fs::read(&kept).expect("reads"), b"somebody's");
        let nowhere = backup(&files.path("none.db"), &files.path("b.db")).await;
        assert!(matches!(nowhere, Err(StoreError::Open { .. })));
    }
}
