//! What a first visit downloads: each file of the web app, raw and after brotli.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;

use crate::split;

/// One file's sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSize {
    /// Relative to the folder that was measured.
    pub path: PathBuf,
    /// As it lies on disk.
    pub raw_bytes: usize,
    /// At brotli's highest quality, 11.
    pub brotli_bytes: usize,
}

/// What a board is shown without: the page `/demo`, and panels.
const ON_DEMAND: [&str; 3] = ["demo.js", "demo.css", split::PANELS];

impl FileSize {
    /// Whether a board is shown before this is asked for.
    fn is_on_demand(&self) -> bool {
        let name = self.path.file_name();
        ON_DEMAND.iter().any(|file| name == Some(OsStr::new(file)))
    }
}

/// Measures every file of a folder, the largest first.
pub fn measure(folder: &Path) -> Result<Vec<FileSize>> {
    let mut sizes = Vec::new();
    for path in files_below(folder)? {
        let content = fs::read(folder.join(&path))
            .with_context(|| format!("cannot read {}", folder.join(&path).display()))?;
        let brotli_bytes = brotli_bytes(&content)?;
        sizes.push(FileSize {
            path,
            raw_bytes: content.len(),
            brotli_bytes,
        });
    }
    sizes.sort_by_key(|size| std::cmp::Reverse(size.brotli_bytes));
    Ok(sizes)
}

/// Prints the table and returns the sum after brotli: the first load, in bytes.
pub fn print(sizes: &[FileSize]) -> usize {
    println!("{:>10} {:>10}  file", "raw", "brotli");
    for size in sizes {
        println!(
            "{:>10} {:>10}  {}{}",
            size.raw_bytes,
            size.brotli_bytes,
            size.path.display(),
            if size.is_on_demand() {
                " (on demand)"
            } else {
                ""
            }
        );
    }
    let (later, first): (Vec<_>, Vec<_>) = sizes.iter().partition(|size| size.is_on_demand());
    let sum = |sizes: &[&FileSize], what: &str| {
        let raw: usize = sizes.iter().map(|size| size.raw_bytes).sum();
        let total: usize = sizes.iter().map(|size| size.brotli_bytes).sum();
        println!("{raw:>10} {total:>10}  {what}, in bytes");
        total
    };
    sum(&later, "on demand");
    sum(&first, "first load")
}

/// Every file below a folder, relative to it, in a stable order.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let absolute = folder.join(&relative);
        let entries = fs::read_dir(&absolute)
            .with_context(|| format!("cannot list {}", absolute.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = relative.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn brotli_bytes(content: &[u8]) -> io::Result<usize> {
    let parameters = BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut compressed, &parameters)?;
    Ok(compressed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_compresses_and_noise_does_not() {
        assert!(brotli_bytes(&[b'a'; 10_000]).unwrap() < 50);
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(1000)
        .collect();
        assert!(brotli_bytes(&noise).unwrap() > 500);
    }

    #[test]
    fn the_first_load_is_the_sum_after_brotli() {
        let size = |path: &str, brotli_bytes| FileSize {
            path: path.into(),
            raw_bytes: 100,
            brotli_bytes,
        };
        let sizes = [
            size("assets/0/a.wasm", 40),
            size("index.html", 2),
            size("assets/0/demo.js", 5),
            size("assets/0/split_panels.wasm", 9),
        ];
        assert_eq!(print(&sizes), 42);
    }
}
