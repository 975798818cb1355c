//! What is measured: a server that is started for it, the floor, or one that runs already.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::bench::error::BenchError;
use crate::bench::machine::{self, Cores, Usage};
use crate::bench::options::CommonOptions;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Driftless.
    Driftless,
    /// The floor: it relays.
    Floor,
    /// The floor that also syncs before it relays.
    DurableFloor,
}

impl Side {
    /// Its name in figures and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Driftless => "driftless",
            Self::Floor => "floor",
            Self::DurableFloor => "durable_floor",
        }
    }
}

/// A server that takes load. One that was started for it is stopped with its last handle.
#[derive(Debug)]
pub struct Target {
    /// What it is.
    pub side: Side,
    /// Host and port.
    pub host: String,
    /// The path of its socket.
    pub path: String,
    /// Who the load signs in as.
    pub token: Option<String>,
    process: Option<u32>,
    child: Option<Child>,
}

impl Target {
    /// Starts a server on its processor, with what it stores in `folder`; or takes the one that
    /// runs already.
    pub fn start(
        side: Side,
        common: &CommonOptions,
        folder: &Path,
        cores: Option<Cores>,
    ) -> Result<Self, BenchError> {
        if let (Side::Driftless, Some(url)) = (side, &common.url) {
            let (host, path) = parse(url).ok_or_else(|| BenchError::Url(url.clone()))?;
            return Ok(Self {
                side,
                host,
                path,
                token: common.token.clone(),
                process: common.server_pid,
                child: None,
            });
        }
        let mut command = Command::new(std::env::current_exe()?);
        match side {
            Side::Driftless => command
                .args(["serve", "--listen", "127.0.0.1:0", "--no-host-metrics"])
                .args(["--log", "error", "--data"])
                .arg(folder.join("boards")),
            Side::Floor => command.args(["bench", "relay"]),
            Side::DurableFloor => command
                .args(["bench", "relay", "--commit"])
                .arg(folder.join("relayed")),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = machine::on_core(cores.map(|cores| cores.server), || command.spawn())?;
        let host = announced(&mut child);
        let target = Self {
            side,
            host: host.clone().unwrap_or_default(),
            path: "/rt".to_owned(),
            token: None,
            process: Some(child.id()),
            child: Some(child),
        };
        let reason = "it ended before it listened".to_owned();
        host.map(|_| target).ok_or(BenchError::Start { reason })
    }

    /// What the server's process has used so far, where that is known.
    pub fn usage(&self) -> Option<Usage> {
        machine::usage(self.process?)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// The address in the first line of a server's output.
fn announced(child: &mut Child) -> Option<String> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut()?)
        .read_line(&mut line)
        .ok()?;
    let address = line.trim().strip_prefix("driftless listening on http://")?;
    Some(address.to_owned())
}

/// Host with port, and path.
fn parse(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("ws://")?;
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    if host.is_empty() || host.contains('@') {
        return None;
    }
    let port = if host.contains(':') { "" } else { ":80" };
    let path = if path.is_empty() { "/rt" } else { path };
    Some((format!("{host}{port}"), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_others_are_refused() {
        let parsed = |host: &str, path: &str| Some((host.to_owned(), path.to_owned()));
        assert_eq!(parse("ws://a:1/x"), parsed("a:1", "/x"));
        assert_eq!(parse("ws://a"), parsed("a:80", "/rt"));
        for url in [
            "http://a",
            "wss://a",
            "ws:///rt",
            "ws://name:word@a/rt",
            "a",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
