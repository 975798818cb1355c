//! `driftless healthcheck` and `driftless doctor`: whether all is well, and what to do if not.

use std::io::{self, Write as _};
use std::path::Path;

use clap::Args;
use driftless_store::server::{are_in_use, look_over};
use serde_json::json;

use crate::data::{self, Common};
use crate::http_get::{GetError, Server};

/// How many files a server needs to be able to open: one for each connection.
#[cfg(target_os = "linux")]
const FILES_MIN: u64 = 4_096;
/// Below which free space there is a warning, in MiB.
#[cfg(target_os = "linux")]
const FREE_MIB_MIN: u64 = 1_024;

/// What to look over.
#[derive(Debug, Args)]
pub struct DoctorOptions {
    /// Where everything is, and how to answer.
    #[command(flatten)]
    pub common: Common,
    /// The server itself.
    #[command(flatten)]
    pub server: Server,
}

/// Why it is not well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// It does not answer.
    #[error(transparent)]
    Get(#[from] GetError),
    /// It answers that it cannot serve now.
    #[error("{url} is not ready: {status} {said}")]
    NotReady {
        /// Where.
        url: String,
        /// What it answered.
        status: u16,
        /// Why.
        said: String,
    },
    /// Something has to be done first.
    #[error("{0} of the checks failed; each says what to do")]
    Failed(usize),
    /// The answer cannot be written, or there is no runtime.
    #[error("the answer cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl HealthError {
    /// 2 for what the caller can put right on the command line, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Get(GetError::Ca(_)) => 2,
            _ => 1,
        }
    }
}

/// Asks a server whether it can serve.
pub fn healthcheck(server: &Server) -> Result<(), HealthError> {
    let (status, said) = server.readiness()?;
    if status == 200 {
        return Ok(());
    }
    Err(HealthError::NotReady {
        url: server.url.clone(),
        status,
        said,
    })
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Warning,
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

struct Check {
    what: &'static str,
    state: State,
    said: String,
}

fn check(what: &'static str, state: State, said: impl Into<String>) -> Check {
    let said = said.into();
    Check { what, state, said }
}

/// Looks over the folder, the file, who may sign in, the limits of this machine, and the server.
pub fn run(options: &DoctorOptions) -> Result<(), HealthError> {
    let data = &options.common.folder.data;
    let mut checks = vec![folder(data)];
    if let Ok(file) = data::existing(data) {
        data::runtime()?.block_on(look_at(&file, &mut checks));
    }
    #[cfg(target_os = "linux")]
    checks.extend([free_space(data), open_files()]);
    checks.push(match healthcheck(&options.server) {
        Ok(()) => check(
            "server",
            State::Good,
            format!("{} is ready", options.server.url),
        ),
        Err(error) => check("server", State::Failed, error.to_string()),
    });
    tell(&checks, options.common.json)?;
    let failed = checks.iter().filter(|check| check.state == State::Failed);
    match failed.count() {
        0 => Ok(()),
        count => Err(HealthError::Failed(count)),
    }
}

fn tell(checks: &[Check], is_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for Check { what, state, said } in checks {
        let state = state.name();
        if is_json {
            writeln!(
                out,
                "{}",
                json!({ "check": what, "state": state, "said": said })
            )?;
        } else {
            writeln!(out, "{state:7}  {what:10}  {said}")?;
        }
    }
    Ok(())
}

fn folder(folder: &Path) -> Check {
    let shown = folder.display();
    if data::existing(folder).is_err() {
        let said =
            format!("{shown} has no boards yet; `driftless serve` makes them, or name --data");
        return check("folder", State::Warning, said);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = folder
            .metadata()
            .map_or(0, |about| about.permissions().mode());
        if mode & 0o077 != 0 {
            let said = format!("{shown} can be read by others: chmod 700 {shown}");
            return check("folder", State::Warning, said);
        }
    }
    check(
        "folder",
        State::Good,
        format!("{shown} is for its owner alone"),
    )
}

/// Every page, and whether anybody may sign in; nothing is changed, also where the file is an older
/// one.
async fn look_at(file: &Path, checks: &mut Vec<Check>) {
    checks.push(match look_over(file).await {
        Ok(count) => check(
            "boards",
            State::Good,
            format!("{count}, every page is sound"),
        ),
        Err(error) => check("boards", State::Failed, error.to_string()),
    });
    checks.push(if are_in_use(file).await {
        check("sign-in", State::Good, "whoever has no token is a stranger")
    } else {
        let said = "nobody has a token: the server listens on this machine only, and lets everybody \
                    in; `driftless token create` changes both";
        check("sign-in", State::Warning, said)
    });
}

#[cfg(target_os = "linux")]
fn free_space(folder: &Path) -> Check {
    let place = if folder.exists() {
        folder
    } else {
        Path::new(".")
    };
    match rustix::fs::statvfs(place) {
        Ok(about) => {
            let mebibytes = about.f_bavail.saturating_mul(about.f_frsize) / (1024 * 1024);
            let said = format!("{mebibytes} MiB are free");
            if mebibytes < FREE_MIB_MIN {
                let said = format!("{said}; edits are refused on a full disk: make room");
                return check("disk", State::Warning, said);
            }
            check("disk", State::Good, said)
        }
        Err(error) => check(
            "disk",
            State::Warning,
            format!("its room is not known: {error}"),
        ),
    }
}

/// The server takes as many as the hard limit allows.
#[cfg(target_os = "linux")]
fn open_files() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    match limit {
        Some(files) if files < FILES_MIN => {
            let said = format!("{files} at once, one for each connection: ulimit -Hn 65536");
            check("files", State::Warning, said)
        }
        Some(files) => check("files", State::Good, format!("{files} at once")),
        None => check("files", State::Good, "without a limit"),
    }
}
