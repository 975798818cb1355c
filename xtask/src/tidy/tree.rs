//! What tidy looks at: every file that git tracks or would track.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::repo::Repo;

/// One file of the repository.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// From the repository's root, with forward slashes.
    pub path: String,
    /// Its content; empty where it isn't UTF-8.
    pub text: String,
}

impl SourceFile {
    /// Whether the name ends in a dot and `extension`, case and all.
    pub fn has_extension(&self, extension: &str) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, after)| after == extension)
    }
}

/// The files of the repository, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: Vec<SourceFile>,
}

impl Tree {
    /// Reads what git lists: tracked files, and new ones that it doesn't ignore.
    pub fn read(repo: &Repo) -> Result<Self> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let listed = process::output_of(git.current_dir(repo.root()))
            .context("cannot list the files: git is missing, or this is not a clone")?;
        let mut files = Vec::new();
        for path in listed.lines() {
            // A tracked file may be deleted in the work tree.
            if let Ok(content) = fs::read(repo.root().join(path)) {
                let text = String::from_utf8(content).unwrap_or_default();
                files.push(SourceFile {
                    path: path.to_owned(),
                    text,
                });
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files })
    }

    /// Every file.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Every Rust source.
    pub fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.has_extension("rs"))
    }

    /// Whether a file or a folder of this path exists.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&folder))
    }

    /// The folders that hold a package: where a `Cargo.toml` names one.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().filter_map(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml")?;
            file.text.contains("[package]").then_some((folder, file))
        })
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of the given paths and contents.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        Self {
            files: files.iter().map(file).collect(),
        }
    }
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `path` or `path:line`.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    /// A finding about a whole file.
    pub fn file(path: &str, message: impl Into<String>) -> Self {
        Self {
            place: path.to_owned(),
            message: message.into(),
        }
    }

    /// A finding about one line, counted from 1.
    pub fn line(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            place: format!("{path}:{line}"),
            message: message.into(),
        }
    }
}
