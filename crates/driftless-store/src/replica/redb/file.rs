//! Opening the file: for its owner alone, held against other processes, looked over, and of a
//! layout that this build knows.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::redb::backends::FileBackend;
use ::redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition, TableError};

use super::error::{RedbError, any, opening};
use super::trial::Trial;

/// A row's key as text, its bytes.
pub(super) const ROWS: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("rows");
/// What is true of the file as a whole.
const ABOUT: TableDefinition<'static, &'static str, u64> = TableDefinition::new("about");
/// The version of the file's layout, which is apart from the format of its rows.
const LAYOUT: &str = "layout";
const LAYOUT_KNOWN: u64 = 1;

/// What the library may keep of the file in memory. A replica keeps its rows in memory anyway.
const CACHE_BYTES: usize = 4 * 1024 * 1024;
/// The library's header: a file without anything behind it was never written to.
const HEADER_BYTES: u64 = 320;
/// The library makes no file shorter than this.
const LEAST_BYTES: u64 = 4096;
/// What a file of the library begins with is never this.
const NO_MAGIC: [u8; 9] = [0; 9];

/// Whether this process had the file open before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// No: it is made where there is none.
    First,
    /// Yes, and what was stored has to be in it: none is made in its place.
    Again,
}

/// Opens a file. What is refused is left as it is.
pub(super) fn open(path: &Path, turn: Turn) -> Result<Database, RedbError> {
    let of_system = |error: io::Error| RedbError::of_system(path, &error);
    let file = open_or_make(path, turn)?;
    look_over(path, &file, turn)?;
    // From here on it is known to be ours.
    #[cfg(unix)]
    make_private(&file).map_err(of_system)?;
    sync_folder(path).map_err(of_system)?;
    let backend = FileBackend::new(file).map_err(opening(path))?;
    open_on(path, backend, turn)
}

/// As [`open`], on any backend; `path` is what messages call it.
pub(super) fn open_on(
    path: &Path,
    backend: impl StorageBackend,
    turn: Turn,
) -> Result<Database, RedbError> {
    checked(path, backend, |database| {
        if is_laid_out(path, database)? {
            return Ok(());
        }
        if turn == Turn::Again {
            return Err(gone(path));
        }
        lay_out(database).map_err(|error| RedbError::of_library(path, error))
    })
}

fn checked(
    path: &Path,
    backend: impl StorageBackend,
    check: impl FnOnce(&Database) -> Result<(), RedbError>,
) -> Result<Database, RedbError> {
    let mut builder = Builder::new();
    // Every page is looked at: a damaged file is refused here, not met in the middle of a write.
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    let looked_over = catch_unwind(AssertUnwindSafe(|| {
        let database = builder.create_with_backend(backend);
        let database = database.map_err(opening(path))?;
        check(&database)?;
        Ok(database)
    }));
    // Built with debug assertions, the library panics on some of what it refuses otherwise.
    looked_over.unwrap_or_else(|_| {
        Err(RedbError::Corrupt {
            path: path.to_owned(),
            detail: "its pages make no sense".to_owned(),
        })
    })
}

fn open_or_make(path: &Path, turn: Turn) -> Result<File, RedbError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false);
    options.create(turn == Turn::First);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| match (turn, error.kind()) {
            (Turn::Again, io::ErrorKind::NotFound) => gone(path),
            _ => RedbError::of_system(path, &error),
        })
}

fn gone(path: &Path) -> RedbError {
    let path = path.to_owned();
    RedbError::Gone { path }
}

/// Edits and what boards say are for their owner alone, whatever the umask is, and also where the
/// file was copied.
#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mut rights = file.metadata()?.permissions();
    if rights.mode() & 0o077 != 0 {
        rights.set_mode(0o600);
        file.set_permissions(rights)?;
    }
    Ok(())
}

/// That the file exists is in its folder: without this a crash of the machine may forget it, with
/// all that was saved since. Each time: whoever made it may not have come as far.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// The library repairs a file as it opens it, and only then can be asked what is in it. So it opens
/// the file on trial first.
fn look_over(path: &Path, file: &File, turn: Turn) -> Result<(), RedbError> {
    let of_system = |error: io::Error| RedbError::of_system(path, &error);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let path = path.to_owned();
            return Err(RedbError::InUse { path });
        }
        Err(TryLockError::Error(error)) => return Err(of_system(error)),
    }
    let looked_over = begin(path, file, turn).and_then(|()| try_out(path, file));
    let unlocked = file.unlock().map_err(of_system);
    looked_over.and(unlocked)
}

/// A process that dies while the library makes the file leaves one of some size without a
/// beginning, which the library takes for somebody else's. Nothing was ever in it: it is made
/// empty. Where there was something before, that is gone.
fn begin(path: &Path, file: &File, turn: Turn) -> Result<(), RedbError> {
    let of_system = |error: io::Error| RedbError::of_system(path, &error);
    let is_blank = is_blank(file).map_err(of_system)?;
    match turn {
        Turn::First if is_blank => file.set_len(0).map_err(of_system),
        Turn::Again if is_blank || file.metadata().map_err(of_system)?.len() == 0 => {
            Err(gone(path))
        }
        _ => Ok(()),
    }
}

fn try_out(path: &Path, file: &File) -> Result<(), RedbError> {
    let of_system = |error: io::Error| RedbError::of_system(path, &error);
    if file.metadata().map_err(of_system)?.len() == 0 {
        return Ok(());
    }
    let trial = file.try_clone().and_then(Trial::of).map_err(of_system)?;
    checked(path, trial, |database| {
        is_laid_out(path, database).map(|_| ())
    })?;
    Ok(())
}

/// Whether nothing but the library's header was ever written, and that not to its end.
fn is_blank(mut file: &File) -> io::Result<bool> {
    if file.metadata()?.len() < LEAST_BYTES {
        return Ok(false);
    }
    let mut magic = NO_MAGIC;
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic)?;
    if magic != NO_MAGIC {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(HEADER_BYTES))?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(true),
            bytes if chunk[..bytes].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

/// Whether a file has the layout that this build knows. One without any is new; one that has
/// tables all the same is another program's.
fn is_laid_out(path: &Path, database: &Database) -> Result<bool, RedbError> {
    let failed = |error| RedbError::of_library(path, error);
    match layout(database).map_err(failed)? {
        Some(LAYOUT_KNOWN) => Ok(true),
        Some(found) => Err(RedbError::Newer {
            path: path.to_owned(),
            found,
            known: LAYOUT_KNOWN,
        }),
        None if has_tables(database).map_err(failed)? => Err(RedbError::Corrupt {
            path: path.to_owned(),
            detail: "it is a database of another program".to_owned(),
        }),
        None => Ok(false),
    }
}

/// The layout that the file says; `None` where it says none.
fn layout(database: &Database) -> Result<Option<u64>, ::redb::Error> {
    let read = database.begin_read().map_err(any)?;
    let about = match read.open_table(ABOUT) {
        Ok(about) => about,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(any(error)),
    };
    let layout = about.get(LAYOUT).map_err(any)?;
    Ok(layout.map(|layout| layout.value()))
}

fn has_tables(database: &Database) -> Result<bool, ::redb::Error> {
    let read = database.begin_read().map_err(any)?;
    Ok(read.list_tables().map_err(any)?.next().is_some())
}

fn lay_out(database: &Database) -> Result<(), ::redb::Error> {
    let write = database.begin_write().map_err(any)?;
    write.open_table(ROWS).map_err(any)?;
    {
        let mut about = write.open_table(ABOUT).map_err(any)?;
        about.insert(LAYOUT, LAYOUT_KNOWN).map_err(any)?;
    }
    write.commit().map_err(any)
}
