//! What the machine has, and Debian's packages where we may install them.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::process;

/// The first executable of this name on the search path.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
        .find(|file| file.is_file())
}

/// True where Debian's packages can be installed: apt-get is there and we are root.
pub fn can_install() -> bool {
    find_program("apt-get").is_some() && is_root()
}

fn is_root() -> bool {
    process::output_of(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

/// Installs Debian packages, saying so first. Only after [`can_install`].
pub fn install(packages: &[&str]) -> Result<()> {
    println!("Installing Debian packages: {}", packages.join(" "));
    process::run(&mut apt(&["update", "-qq"]))?;
    let mut command = apt(&["install", "-y", "-qq", "--no-install-recommends"]);
    process::run(command.args(packages))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    command.stdout(Stdio::null());
    command
}
