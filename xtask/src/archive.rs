//! A folder as one compressed archive, the same bytes for the same content; and back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, Header};

/// Writes `archive` (`.tar.gz`), in which everything is below `folder`'s own name.
pub fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let top = folder.file_name().context("a folder has a name")?;
    let file = File::create(archive);
    let file = file.with_context(|| format!("cannot write {}", archive.display()))?;
    let mut builder = Builder::new(GzEncoder::new(file, Compression::best()));
    for path in files(folder, Path::new(""))? {
        let content = fs::read(folder.join(&path))?;
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if is_executable(&folder.join(&path))? {
            0o755
        } else {
            0o644
        });
        header.set_mtime(0);
        builder.append_data(&mut header, Path::new(top).join(&path), &content[..])?;
    }
    builder.into_inner()?.finish()?.sync_all()?;
    Ok(())
}

/// The paths of what is in an archive.
pub fn names(archive: &Path) -> Result<Vec<PathBuf>> {
    let file = File::open(archive);
    let file = file.with_context(|| format!("cannot read {}", archive.display()))?;
    let mut archive = Archive::new(GzDecoder::new(file));
    let names = archive
        .entries()?
        .map(|entry| Ok(entry?.path()?.into_owned()));
    names.collect()
}

/// Unpacks an archive into a folder.
pub fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let file = File::open(archive);
    let file = file.with_context(|| format!("cannot read {}", archive.display()))?;
    Archive::new(GzDecoder::new(file)).unpack(folder)?;
    Ok(())
}

/// The files below a folder, in order.
fn files(folder: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.extend(files(folder, &path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(unix)]
fn is_executable(file: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(file)?.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> Result<bool> {
    Ok(file.extension().is_some_and(|extension| extension == "exe"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_twice_is_the_same_and_comes_out_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("thing-1.0");
        fs::create_dir_all(folder.join("deploy")).unwrap();
        fs::write(folder.join("README"), "read").unwrap();
        fs::write(folder.join("deploy/unit"), "run").unwrap();
        let archives = ["one.tar.gz", "two.tar.gz"].map(|name| place.path().join(name));
        for archive in &archives {
            pack(&folder, archive).unwrap();
        }
        let bytes = archives
            .each_ref()
            .map(|archive| fs::read(archive).unwrap());
        assert_eq!(bytes[0], bytes[1]);
        let names = names(&archives[0]).unwrap();
        let expected = ["README", "deploy/unit"].map(|name| Path::new("thing-1.0").join(name));
        assert_eq!(names, expected);
        let out = place.path().join("out");
        unpack(&archives[0], &out).unwrap();
        let unit = fs::read_to_string(out.join("thing-1.0/deploy/unit")).unwrap();
        assert_eq!(unit, "run");
    }
}
