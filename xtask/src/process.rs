//! Child processes: run, run and read along, run and keep the output.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::repo::Repo;

/// What `cargo run` tells an xtask about itself. Build scripts that watch such a variable would
/// run again whenever a person's own cargo and ours take turns.
const ABOUT_XTASK: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// The cargo that runs this xtask, so that nested builds use the same toolchain.
pub fn cargo(repo: &Repo) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(repo.root());
    forget_xtask(&mut command);
    command
}

/// Keeps from a nested cargo what the outer one said about this xtask.
pub fn forget_xtask(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ABOUT_XTASK.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}

/// Runs to the end with the terminal's own streams; a non-zero exit is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    check(status, command)
}

/// Runs to the end, hands each line of standard output to `read` and also prints it.
/// The exit status is the caller's to judge: a test run that failed still has its counts.
pub fn run_reading(command: &mut Command, mut read: impl FnMut(&str)) -> Result<ExitStatus> {
    command.stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let output = child
        .stdout
        .take()
        .expect("standard output was asked to be piped");
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines
        .read_until(b'\n', &mut line)
        .context("cannot read the command's output")?
        > 0
    {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        read(text.trim_end());
        line.clear();
    }
    child
        .wait()
        .with_context(|| format!("cannot wait for {}", shown(command)))
}

/// Runs silently and returns standard output; `None` if it cannot start or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The error for a command that ended badly.
pub fn check(status: ExitStatus, command: &Command) -> Result<()> {
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// The command as a person would type it, the program without its folder.
fn shown(command: &Command) -> String {
    let program = command.get_program();
    let program = std::path::Path::new(program).file_name().unwrap_or(program);
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_its_folder() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["build", "-p", "driftless"]);
        assert_eq!(shown(&command), "cargo build -p driftless");
    }

    #[test]
    fn every_line_is_read_and_the_status_is_kept() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let status = run_reading(&mut command, |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = run(Command::new("sh").args(["-c", "exit 4"])).unwrap_err();
        assert!(
            error.to_string().starts_with("sh -c exit 4 failed"),
            "{error}"
        );
    }
}
