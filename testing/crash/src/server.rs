//! The real server as a child process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_mins(1);

/// A server's binary and folder, and where it listens.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
}

impl Server {
    /// One that does not run yet; it takes a free port at its first start, and stays there.
    pub fn new(program: &Path, data: &Path) -> Self {
        Self {
            program: program.to_owned(),
            data: data.to_owned(),
            address: ([127, 0, 0, 1], 0).into(),
            process: None,
        }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}/rt", self.address)
    }

    /// The file of its boards.
    pub fn file(&self) -> PathBuf {
        self.data.join("driftless.db")
    }

    /// Starts it, and does not wait for anything.
    pub fn begin(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--no-host-metrics", "--log", "error"])
            .args(["--listen", &self.address.to_string(), "--data"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let process = command.spawn();
        let process = process.with_context(|| format!("{} starts", self.program.display()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Starts it, and waits until it listens.
    pub async fn start(&mut self) -> Result<()> {
        self.begin()?;
        let process = self.process.as_mut().context("it was started")?;
        let out = process.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        let mut out = BufReader::new(out);
        let reading = tokio::time::timeout(START_MAX, out.read_line(&mut line));
        reading.await.context("it does not listen")??;
        let Some(address) = line.trim().strip_prefix("driftless listening on http://") else {
            bail!("the server ended instead of listening; its error stands above");
        };
        self.address = address.parse()?;
        Ok(())
    }

    /// What `kill -9` does.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await.context("it is killed")?;
        }
        Ok(())
    }
}
