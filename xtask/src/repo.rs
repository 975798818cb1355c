//! Where things are: the repository, cargo's target folder, what the builds leave behind.

use std::env;
use std::path::{Path, PathBuf};

/// The paths that every subcommand starts from.
#[derive(Debug, Clone)]
pub struct Repo {
    root: PathBuf,
    target: PathBuf,
}

impl Repo {
    /// The repository whose `cargo xtask` this is. Honours `CARGO_TARGET_DIR`.
    pub fn locate() -> Self {
        // Asked when it runs: two clones that share a target folder share the executable too.
        let xtask = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = xtask
            .parent()
            .expect("xtask lies directly under the repository's root")
            .to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        Self { root, target }
    }

    /// The repository's top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The finished web app for one profile. Always inside the repository, since the binary's
    /// embedding names this folder relative to its source.
    pub fn web_output(&self, profile: &str) -> PathBuf {
        self.root.join("target/web").join(profile)
    }

    /// An executable that cargo built, in one profile's folder.
    pub fn executable(&self, profile_folder: &str, name: &str) -> PathBuf {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.target.join(profile_folder).join(file)
    }
}

/// True where a run must be complete: nothing may be skipped.
pub fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}
