use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::redb::backends::{FileBackend, InMemoryBackend};
use ::redb::{Database, StorageBackend, TableDefinition};
use driftless_model::ClientId;
use driftless_protocol::durable::{Key, ReplicaRow, Row};
use driftless_sync::replica::storage::{Committed, Transaction, Write};
use tempfile::TempDir;

use super::worker::Worker;
use super::{Redb, RedbError, file};
use crate::replica::{ReplicaStore, ReplicaStoreError, conformance};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("replica.redb");
    (folder, path)
}

fn row(term: u64) -> Row {
    Row::Replica(ReplicaRow {
        client: ClientId(7),
        user: None,
        token: None,
        former: None,
        term,
        history: 0,
    })
}

fn put(term: u64) -> Transaction {
    Transaction {
        expect: Vec::new(),
        writes: vec![Write::Put(row(term))],
    }
}

#[test]
fn redb_conforms() {
    for case in conformance::cases() {
        let (_folder, path) = place();
        let shared = Redb::open(&path).expect("a new file");
        let reopen = || std::future::ready(Ok(shared.clone()));
        block_on(case.run(reopen)).unwrap_or_else(|failure| panic!("{failure}"));
        // A file is one client's at a time, so that each case had clones: this is the file itself.
        let left = block_on(shared.load());
        drop(shared);
        let again = Redb::open(&path).expect("it was closed");
        assert_eq!(block_on(again.load()), left, "{}", case.name);
    }
}

#[test]
fn what_was_committed_is_in_the_file() {
    let (_folder, path) = place();
    let first = Redb::open(&path).expect("a new file");
    assert_eq!(block_on(first.commit(put(3))), Ok(Committed::Yes));
    drop(first);
    let second = Redb::open(&path).expect("it was closed");
    assert_eq!(block_on(second.load()), Ok(vec![row(3)]));
    assert_eq!(second.volatile(), None);
}

#[test]
fn a_file_is_one_clients_at_a_time() {
    let (_folder, path) = place();
    let first = Redb::open(&path).expect("a new file");
    let refused = Redb::open(&path).expect_err("it is open");
    assert_eq!(refused, RedbError::InUse { path: path.clone() });
    assert!(
        refused
            .to_string()
            .contains("give this one a file of its own")
    );
    assert_eq!(block_on(first.commit(put(1))), Ok(Committed::Yes));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_file() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let (_folder, path) = place();
    let mode = || metadata(&path).expect("a file").permissions().mode() & 0o777;
    drop(Redb::open(&path).expect("a new file"));
    assert_eq!(mode(), 0o600);
    set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
    drop(Redb::open(&path).expect("the same file"));
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_file_in_no_folder_is_refused() {
    let (folder, _) = place();
    let refused = Redb::open(folder.path().join("none/replica.redb"));
    assert!(
        matches!(refused, Err(RedbError::Open { .. })),
        "{refused:?}"
    );
}

/// The file is refused, and left as it was.
fn assert_refused(path: &Path) -> RedbError {
    let before = std::fs::read(path).expect("a file");
    let refused = Redb::open(path).expect_err("it is none of ours");
    assert!(
        std::fs::read(path).expect("a file") == before,
        "it was changed"
    );
    refused
}

#[test]
fn another_programs_file_is_refused_and_left_alone() {
    let (_folder, path) = place();
    std::fs::write(&path, "to do: water the plants").expect("a folder");
    let refused = assert_refused(&path);
    assert!(matches!(refused, RedbError::Corrupt { .. }), "{refused:?}");
    assert!(refused.to_string().contains("move it away to start anew"));
    for short in [&b"hm"[..], b"\0\0\0\0\0\0\0\0\0 begins like nothing"] {
        std::fs::write(&path, short).expect("a folder");
        assert!(matches!(assert_refused(&path), RedbError::Corrupt { .. }));
    }
}

#[test]
fn another_programs_database_is_refused() {
    let (_folder, path) = place();
    let others = Database::create(&path).expect("a new file");
    let write = others.begin_write().expect("it is open");
    write
        .open_table(TableDefinition::<&str, &[u8]>::new("rows"))
        .expect("a new table");
    write.commit().expect("it is open");
    drop(others);
    let refused = assert_refused(&path);
    assert!(refused.to_string().contains("another program"), "{refused}");
}

/// Other programs' tables, as they are while it is open, or once it has died.
fn others_unclean(path: &Path) {
    let open = path.with_extension("open");
    let others = Database::create(&open).expect("a new file");
    for name in ["one", "two"] {
        let write = others.begin_write().expect("it is open");
        write
            .open_table(TableDefinition::<&str, &[u8]>::new(name))
            .expect("a new table");
        write.commit().expect("it is open");
    }
    std::fs::copy(&open, path).expect("a folder");
}

#[cfg(unix)]
#[test]
fn another_programs_database_is_not_repaired_nor_taken_from_others() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let (_folder, path) = place();
    others_unclean(&path);
    set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
    let refused = assert_refused(&path);
    assert!(refused.to_string().contains("another program"), "{refused}");
    let mode = metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn what_was_not_closed_is_repaired() {
    let (_folder, path) = place();
    let (folder, copy) = place();
    let store = Redb::open(&path).expect("a new file");
    assert_eq!(block_on(store.commit(put(3))), Ok(Committed::Yes));
    std::fs::copy(&path, &copy).expect("a folder");
    let second = Redb::open(&copy).expect("as after a crash");
    assert_eq!(block_on(second.load()), Ok(vec![row(3)]));
    drop((second, folder));
}

#[test]
fn a_damaged_file_is_refused() {
    let (_folder, path) = place();
    let store = Redb::open(&path).expect("a new file");
    for term in 0..20 {
        assert_eq!(block_on(store.commit(put(term))), Ok(Committed::Yes));
    }
    drop(store);
    let mut bytes = std::fs::read(&path).expect("a file");
    let rows = bytes.windows(4).position(|bytes| bytes == b"term");
    let rows = rows.expect("rows are stored as they are encoded");
    for byte in &mut bytes[rows..] {
        *byte ^= 0x55;
    }
    std::fs::write(&path, bytes).expect("a folder");
    let refused = assert_refused(&path);
    assert!(matches!(refused, RedbError::Corrupt { .. }), "{refused:?}");
}

#[test]
fn no_damage_takes_the_process_down() {
    let (_folder, path) = place();
    let store = Redb::open(&path).expect("a new file");
    for term in 0..5 {
        assert_eq!(block_on(store.commit(put(term))), Ok(Committed::Yes));
    }
    drop(store);
    let sound = std::fs::read(&path).expect("a file");
    let used = sound.iter().rposition(|byte| *byte != 0).expect("rows");
    for place in (0..=used).step_by(used / 80) {
        let mut bytes = sound.clone();
        bytes[place] ^= 0xff;
        std::fs::write(&path, bytes).expect("a folder");
        // What was not in use does not matter; all else is refused, or repaired.
        if let Ok(store) = Redb::open(&path) {
            // As it was, or without the newest transaction, which looks as if it was cut short.
            let rows = block_on(store.load());
            assert!(
                [3, 4].iter().any(|term| rows == Ok(vec![row(*term)])),
                "byte {place}: {rows:?}"
            );
        }
    }
}

#[test]
fn a_newer_layout_is_refused_and_kept() {
    let (_folder, path) = place();
    drop(Redb::open(&path).expect("a new file"));
    let newer = Database::create(&path).expect("it is closed");
    let write = newer.begin_write().expect("it is open");
    write
        .open_table(TableDefinition::<&str, u64>::new("about"))
        .expect("the same table")
        .insert("layout", 2)
        .expect("it is open");
    write.commit().expect("it is open");
    drop(newer);
    let refused = assert_refused(&path);
    let (found, known) = (2, 1);
    assert_eq!(refused, RedbError::Newer { path, found, known });
    assert!(refused.to_string().contains("update this build"));
}

#[test]
fn a_newer_row_is_refused_and_kept() {
    let (_folder, path) = place();
    drop(Redb::open(&path).expect("a new file"));
    let newer = Database::create(&path).expect("it is closed");
    let write = newer.begin_write().expect("it is open");
    write
        .open_table(file::ROWS)
        .expect("the same table")
        // {"format": 4}
        .insert(
            Key::Replica.to_string().as_str(),
            &b"\x81\xa6format\x04"[..],
        )
        .expect("it is open");
    write.commit().expect("it is open");
    drop(newer);
    let store = Redb::open(&path).expect("the layout is known");
    let loaded = block_on(store.load());
    assert!(
        matches!(loaded, Err(ReplicaStoreError::Newer { .. })),
        "{loaded:?}"
    );
}

#[test]
fn a_file_whose_making_was_cut_short_begins_again() {
    let (_folder, path) = place();
    drop(Redb::open(&path).expect("a new file"));
    let length = std::fs::metadata(&path).expect("a file").len();
    // As the library leaves it: its size, then its header, then its first bytes.
    let mut bytes = vec![0; usize::try_from(length).expect("a small file")];
    for header in [0, 200] {
        bytes[9..9 + header].fill(0x11);
        std::fs::write(&path, &bytes).expect("a folder");
        drop(Redb::open(&path).expect("nothing was ever in it"));
    }
    // With anything behind the header it was more than begun.
    bytes[6_000] = 1;
    std::fs::write(&path, &bytes).expect("a folder");
    assert!(matches!(assert_refused(&path), RedbError::Corrupt { .. }));
}

/// A disk that can be full, or fail.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<DiskState>);

#[derive(Debug)]
struct DiskState {
    bytes: Box<dyn StorageBackend>,
    is_full: AtomicBool,
    /// It takes what is written, and then cannot say that it did.
    is_mute: AtomicBool,
}

impl Default for DiskState {
    fn default() -> Self {
        Self {
            bytes: Box::new(InMemoryBackend::new()),
            is_full: AtomicBool::new(false),
            is_mute: AtomicBool::new(false),
        }
    }
}

impl Disk {
    /// A disk with a real file.
    fn with(path: &Path) -> Self {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = FileBackend::new(file.open(path).expect("a folder"));
        Self(Arc::new(DiskState {
            bytes: Box::new(file.expect("nobody has it")),
            ..DiskState::default()
        }))
    }

    fn check(&self) -> Result<(), io::Error> {
        let is_full = self.0.is_full.load(Ordering::Relaxed);
        if is_full {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.check()?;
        self.0.bytes.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        if self.0.is_mute.load(Ordering::Relaxed) {
            return Err(io::Error::other("input/output error"));
        }
        self.check()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.check()?;
        self.0.bytes.write(offset, data)
    }
}

fn worker_on(disk: &Disk) -> Worker {
    let opened = disk.clone();
    let path = Path::new("replica.redb");
    let open = move |turn| file::open_on(path, opened.clone(), turn);
    Worker::start(Box::new(open)).expect("there is room")
}

#[test]
fn a_full_disk_is_said_and_goes_on_once_there_is_room() {
    let disk = Disk::default();
    let worker = worker_on(&disk);
    let commit = |term| block_on(worker.commit(put(term)));
    assert_eq!(commit(1), Ok(Committed::Yes));
    disk.0.is_full.store(true, Ordering::Relaxed);
    let refused = commit(2);
    assert!(
        matches!(refused, Err(ReplicaStoreError::Full { .. })),
        "{refused:?}"
    );
    // The library opens the file again, and that writes.
    let refused = commit(2);
    assert!(
        matches!(refused, Err(ReplicaStoreError::Failed { .. })),
        "{refused:?}"
    );
    disk.0.is_full.store(false, Ordering::Relaxed);
    assert_eq!(commit(3), Ok(Committed::Yes));
    let rows = block_on(worker.load()).expect("it is there");
    assert_eq!(rows, [row(3).encode()]);
}

/// One claim after another, as a replica does.
fn succeed(before: u64, term: u64) -> Transaction {
    Transaction {
        expect: vec![(Key::Replica, Some(row(before)))],
        ..put(term)
    }
}

#[test]
fn what_may_have_been_written_can_be_tried_again() {
    let disk = Disk::default();
    let worker = worker_on(&disk);
    let commit = |transaction| block_on(worker.commit(transaction));
    assert_eq!(commit(put(1)), Ok(Committed::Yes));
    disk.0.is_mute.store(true, Ordering::Relaxed);
    // The first fails as it is committed, the second as the file is opened again.
    for _ in 0..2 {
        let failed = commit(succeed(1, 2));
        assert!(
            matches!(failed, Err(ReplicaStoreError::Failed { .. })),
            "{failed:?}"
        );
    }
    disk.0.is_mute.store(false, Ordering::Relaxed);
    assert_eq!(commit(succeed(1, 3)), Ok(Committed::Yes));
    // It is known again.
    assert_eq!(commit(succeed(1, 4)), Ok(Committed::Conflict));
    assert_eq!(commit(succeed(2, 4)), Ok(Committed::Conflict));
    assert_eq!(commit(succeed(3, 4)), Ok(Committed::Yes));
}

#[test]
fn what_was_read_since_is_what_is_expected() {
    let disk = Disk::default();
    let worker = worker_on(&disk);
    let commit = |transaction| block_on(worker.commit(transaction));
    assert_eq!(commit(put(1)), Ok(Committed::Yes));
    disk.0.is_mute.store(true, Ordering::Relaxed);
    assert!(commit(succeed(1, 2)).is_err());
    disk.0.is_mute.store(false, Ordering::Relaxed);
    // The end that is not known: it had got there.
    assert_eq!(block_on(worker.load()), Ok(vec![row(2).encode()]));
    assert_eq!(commit(succeed(1, 3)), Ok(Committed::Conflict));
    assert_eq!(commit(succeed(2, 3)), Ok(Committed::Yes));
}

/// A replica whose disk failed with one row stored: its next job opens the file again.
fn failed_on(path: &Path) -> Worker {
    let disk = Disk::with(path);
    let (file, mut opened) = (path.to_owned(), Some(disk.clone()));
    let open = move |turn| match opened.take() {
        Some(disk) => file::open_on(&file, disk, turn),
        None => file::open(&file, turn),
    };
    let worker = Worker::start(Box::new(open)).expect("there is room");
    assert_eq!(block_on(worker.commit(put(1))), Ok(Committed::Yes));
    disk.0.is_mute.store(true, Ordering::Relaxed);
    assert!(block_on(worker.commit(put(2))).is_err());
    worker
}

fn assert_gone(worker: &Worker) {
    let says = [
        block_on(worker.load()).expect_err("it is not there"),
        block_on(worker.commit(put(3))).expect_err("it is not there"),
    ];
    for said in says {
        assert!(matches!(said, ReplicaStoreError::Failed { .. }), "{said:?}");
        let said = said.to_string();
        assert!(said.contains("is gone"), "{said}");
        assert!(
            said.contains("keep a copy of what its outbox has"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_is_gone_after_an_error_is_not_made_anew() {
    let (folder, path) = place();
    let worker = failed_on(&path);
    let aside = folder.path().join("aside.redb");
    std::fs::rename(&path, &aside).expect("one folder");
    assert_gone(&worker);
    assert!(!path.exists(), "it was made");
    // The disk is back.
    std::fs::rename(&aside, &path).expect("one folder");
    assert_eq!(block_on(worker.commit(put(4))), Ok(Committed::Yes));
    assert_eq!(block_on(worker.load()), Ok(vec![row(4).encode()]));
}

#[test]
fn a_file_that_is_empty_after_an_error_is_left_as_it_is() {
    for bytes in [0, 8192] {
        let (_folder, path) = place();
        let worker = failed_on(&path);
        std::fs::remove_file(&path).expect("it is there");
        std::fs::write(&path, vec![0; bytes]).expect("a folder");
        assert_gone(&worker);
        let left = std::fs::read(&path).expect("it is there");
        assert_eq!(left, vec![0; bytes], "it was written to");
    }
}

#[test]
fn a_database_that_is_empty_after_an_error_is_not_ours() {
    let (_folder, path) = place();
    let worker = failed_on(&path);
    std::fs::remove_file(&path).expect("it is there");
    drop(Database::create(&path).expect("a new file"));
    assert_gone(&worker);
}
