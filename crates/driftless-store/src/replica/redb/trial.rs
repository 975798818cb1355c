//! A file as it would be: read from the disk, and what is written to it forgotten.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::redb::StorageBackend;

/// Lets the library look over a file, and repair it as it does when it opens one, without a change
/// to the file.
#[derive(Debug)]
pub(super) struct Trial(Mutex<Tried>);

#[derive(Debug)]
struct Tried {
    file: File,
    /// How much of the file still counts.
    file_len: u64,
    len: u64,
    /// In the order in which they came. They are few: what a repair writes.
    writes: Vec<(u64, Vec<u8>)>,
}

impl Trial {
    pub(super) fn of(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self(Mutex::new(Tried {
            file,
            file_len: len,
            len,
            writes: Vec::new(),
        })))
    }

    fn tried(&self) -> MutexGuard<'_, Tried> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Trial {
    fn len(&self) -> io::Result<u64> {
        Ok(self.tried().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut tried = self.tried();
        if offset + out.len() as u64 > tried.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let on_disk = out.len().min(length(tried.file_len.saturating_sub(offset)));
        tried.file.seek(SeekFrom::Start(offset))?;
        tried.file.read_exact(&mut out[..on_disk])?;
        out[on_disk..].fill(0);
        for (at, bytes) in &tried.writes {
            overlay(out, offset, bytes, *at);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut tried = self.tried();
        tried.len = len;
        tried.file_len = tried.file_len.min(len);
        tried.writes.retain_mut(|(at, bytes)| {
            bytes.truncate(length(len.saturating_sub(*at)));
            !bytes.is_empty()
        });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.tried().writes.push((offset, data.to_vec()));
        Ok(())
    }
}

/// Puts what was written at `at` over what was read at `offset`.
fn overlay(out: &mut [u8], offset: u64, bytes: &[u8], at: u64) {
    let skipped = length(offset.saturating_sub(at)).min(bytes.len());
    let start = length(at.saturating_sub(offset)).min(out.len());
    for (out, byte) in out[start..].iter_mut().zip(&bytes[skipped..]) {
        *out = *byte;
    }
}

/// More than there can be in memory counts as that.
fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
