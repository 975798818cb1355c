//! Node and npm: the browser tests run on them, and what shrinks the web app comes as packages.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{machine, process};

/// True if both `node` and `npm` can be run.
pub fn present() -> bool {
    machine::find_program("node").is_some() && machine::find_program("npm").is_some()
}

/// Makes sure that node and npm are there, from Debian's packages if need be.
pub fn ensure() -> Result<()> {
    if present() {
        return Ok(());
    }
    if !machine::can_install() {
        bail!("node and npm are missing: install Node.js 18.19 or later");
    }
    machine::install(&["nodejs", "npm"])
}

/// Installs a folder's locked packages, unless the lockfile has not changed since the last time.
pub fn install_locked(folder: &Path) -> Result<()> {
    let lockfile = std::fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lockfile");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lockfile) {
        return Ok(());
    }
    println!("Installing the locked npm packages in {}", folder.display());
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder);
    process::run(&mut npm)?;
    std::fs::write(stamp, lockfile)?;
    Ok(())
}
