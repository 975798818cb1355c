//! The real binary as a child process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The command, not started yet.
pub fn driftless(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The command that serves a folder on a free port, not started yet.
pub fn serve(data: &Path, more: &[&str]) -> Command {
    serve_at("127.0.0.1:0", data, more)
}

/// The command that serves a folder at an address, not started yet.
pub fn serve_at(address: &str, data: &Path, more: &[&str]) -> Command {
    let data = data.to_str().expect("a path of text");
    let arguments = ["serve", "--listen", address, "--data", data];
    driftless(&[&arguments, more].concat())
}

/// Runs a server that is expected to end by itself.
pub fn refused(arguments: &[&str]) -> Output {
    let arguments = [&["serve"], arguments].concat();
    driftless(&arguments).output().expect("runs")
}

pub fn error_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A server that runs; killed when dropped.
pub struct Running {
    pub process: Child,
    pub address: SocketAddr,
}

impl Running {
    /// Serves the folder on a free port.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::launch(&mut serve(data, &[&["--log", "warn"], more].concat()))
    }

    /// Serves the folder on a free port that other machines could reach.
    pub fn everywhere(data: &Path) -> Self {
        Self::launch(&mut serve_at("0.0.0.0:0", data, &["--log", "warn"]))
    }

    /// Serves the folder where another server listened before.
    pub fn again(address: SocketAddr, data: &Path, more: &[&str]) -> Self {
        let more = [&["--log", "warn"], more].concat();
        Self::launch(&mut serve_at(&address.to_string(), data, &more))
    }

    /// Starts a command that becomes a server, and waits until it listens.
    pub fn launch(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("starts");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("is piped");
        BufReader::new(out).read_line(&mut line).expect("reads");
        let mut schemes = ["http://", "https://"].into_iter();
        let address = schemes
            .find_map(|scheme| {
                line.strip_prefix("driftless listening on ")?
                    .strip_prefix(scheme)
            })
            .unwrap_or_else(|| panic!("unexpected first line: {line:?}"))
            .trim();
        let address = address.parse().expect("an address");
        Self { process, address }
    }

    /// One request; the head and the body.
    pub fn get(&self, path: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).expect("connects");
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("reads");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("a head");
        let head = String::from_utf8(answer[..end].to_vec()).expect("text");
        (head.to_ascii_lowercase(), answer[end + 4..].to_vec())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let process = self.process.id().to_string();
        let told = Command::new("kill").args([signal, &process]).status();
        assert!(told.expect("kill runs").success());
    }

    /// What `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill().expect("is killed");
        self.process.wait().expect("is gone");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
