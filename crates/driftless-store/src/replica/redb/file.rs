//! Opening the file: for its owner alone, held against other processes, looked over, and of a
//! layout that this build knows.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::redb::backends::FileBackend;
use ::redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition, TableError};

use super::error::{RedbError, any, opening};

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
/// The library's header, rounded up: a file without anything behind it was never written to.
const HEADER_BYTES: u64 = 4096;
/// What a file of the library begins with is never this.
const NO_MAGIC: [u8; 9] = [0; 9];

/// Opens a file; makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Database, RedbError> {
    let file = open_private(path).map_err(|error| RedbError::of_system(path, &error))?;
    begin_again_if_blank(path, &file)?;
    let backend = FileBackend::new(file).map_err(opening(path))?;
    open_on(path, backend)
}

/// As [`open`], on any backend; `path` is what messages call it.
pub(super) fn open_on(path: &Path, backend: impl StorageBackend) -> Result<Database, RedbError> {
    let mut builder = Builder::new();
    // Every page is looked at: a damaged file is refused here, not met in the middle of a write.
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    let looked_over = catch_unwind(AssertUnwindSafe(|| {
        let database = builder.create_with_backend(backend);
        let database = database.map_err(opening(path))?;
        check_layout(path, &database)?;
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

/// Edits and what boards say are for their owner alone, whatever the umask is, and also where the
/// file was made by another program or copied.
fn open_private(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    make_private(&file)?;
    if is_new {
        sync_folder(path)?;
    }
    Ok(file)
}

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
/// all that was saved since.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// A process that dies while the library makes the file leaves one of some size without a
/// beginning, which the library takes for somebody else's. Nothing was ever in it: it is made
/// empty.
fn begin_again_if_blank(path: &Path, file: &File) -> Result<(), RedbError> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let path = path.to_owned();
            return Err(RedbError::InUse { path });
        }
        Err(TryLockError::Error(error)) => return Err(RedbError::of_system(path, &error)),
    }
    let begun = match is_blank(file) {
        Ok(true) => file.set_len(0),
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    let unlocked = file.unlock();
    begun
        .and(unlocked)
        .map_err(|error| RedbError::of_system(path, &error))
}

/// Whether nothing but the library's header was ever written, and that not to its end.
fn is_blank(mut file: &File) -> io::Result<bool> {
    if file.metadata()?.len() < NO_MAGIC.len() as u64 {
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

fn check_layout(path: &Path, database: &Database) -> Result<(), RedbError> {
    let failed = |error| RedbError::of_library(path, error);
    match layout(database).map_err(failed)? {
        Some(LAYOUT_KNOWN) => Ok(()),
        Some(found) => Err(RedbError::Newer {
            path: path.to_owned(),
            found,
            known: LAYOUT_KNOWN,
        }),
        None => lay_out(path, database),
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

/// A file without a layout is new; one that has tables is another program's.
fn lay_out(path: &Path, database: &Database) -> Result<(), RedbError> {
    let failed = |error| RedbError::of_library(path, error);
    let is_new = || -> Result<bool, ::redb::Error> {
        let read = database.begin_read().map_err(any)?;
        Ok(read.list_tables().map_err(any)?.next().is_none())
    };
    if !is_new().map_err(failed)? {
        return Err(RedbError::Corrupt {
            path: path.to_owned(),
            detail: "it is a database of another program".to_owned(),
        });
    }
    let make = || -> Result<(), ::redb::Error> {
        let write = database.begin_write().map_err(any)?;
        write.open_table(ROWS).map_err(any)?;
        {
            let mut about = write.open_table(ABOUT).map_err(any)?;
            about.insert(LAYOUT, LAYOUT_KNOWN).map_err(any)?;
        }
        write.commit().map_err(any)
    };
    make().map_err(failed)
}
