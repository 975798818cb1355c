//! `cargo xtask demo`: from a clone to an open board.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::app::{self, Build};
use crate::machine;
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;

const START_MAX: Duration = Duration::from_secs(30);
const DRAIN_MAX: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
/// How long a killed server stays down: long enough to see that editing goes on.
const DOWN: Duration = Duration::from_secs(6);

/// The options of `cargo xtask demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// The port on this machine.
    #[arg(long, default_value_t = 4747)]
    port: u16,
    /// Where the boards are kept [default: demo-data in the target folder].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Don't open the browser.
    #[arg(long)]
    no_open: bool,
    /// Build as it ships: minutes slower to build, smaller and faster to use.
    #[arg(long)]
    release: bool,
}

/// Builds, serves and stays until Ctrl-C.
pub fn run(repo: &Repo, options: &DemoOptions) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    ensure_free(address)?;
    let stop = stop_requests()?;

    stage(1, "Rust for the browser");
    let wasm = WasmTarget::ensure(repo)?;
    stage(
        2,
        "building the web app and the server (minutes the first time, seconds after that)",
    );
    let build = if options.release {
        Build::Release
    } else {
        Build::Fast
    };
    let outcome = app::build(repo, &wasm, build);
    // Ctrl-C reaches cargo too: its failure is then no news.
    if stop.try_recv().is_ok() {
        return Ok(());
    }
    let app = outcome?;

    let data = options
        .data
        .clone()
        .unwrap_or_else(|| repo.target().join("demo-data"));
    stage(
        3,
        &format!("starting the server; its data is in {}", data.display()),
    );
    let serving = Serving {
        server: &app.server,
        web: &app.web,
        address,
        data: &data,
        more: &["--demo"],
        no_open: options.no_open,
    };
    serving.run(&stop, |url| {
        stage(
            4,
            &format!("ready: {url}  (two persons side by side: {url}demo)  Ctrl-C stops it"),
        );
    })
}

/// A server for pages on this machine.
pub struct Serving<'a> {
    /// The server's executable.
    pub server: &'a Path,
    /// The folder that it serves.
    pub web: &'a Path,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its boards are.
    pub data: &'a Path,
    /// More of its command line.
    pub more: &'a [&'a str],
    /// Whether the browser is left alone.
    pub no_open: bool,
}

impl Serving<'_> {
    /// Serves until Ctrl-C; says when it is ready, and where. A server that is killed is started
    /// again.
    pub fn run(&self, stop: &Receiver<()>, ready: impl FnOnce(&str)) -> Result<()> {
        let mut server = self.start()?;
        let outcome = self.stay(&mut server, stop, ready);
        stop_server(&mut server)?;
        outcome
    }

    fn stay(
        &self,
        server: &mut Child,
        stop: &Receiver<()>,
        ready: impl FnOnce(&str),
    ) -> Result<()> {
        if !wait_until_healthy(server, self.address, stop)? {
            return Ok(());
        }
        let url = format!("http://{}/", self.address);
        ready(&url);
        if !self.no_open {
            open_browser(&url);
        }
        while wait_until_killed(server, stop)? {
            println!(
                "The server was killed. It is started again in {} s",
                DOWN.as_secs()
            );
            if stop.recv_timeout(DOWN) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            *server = self.start()?;
            if !wait_until_healthy(server, self.address, stop)? {
                return Ok(());
            }
            println!("The server is back");
        }
        Ok(())
    }

    /// In a process group of its own: Ctrl-C reaches it through us, once.
    fn start(&self) -> Result<Child> {
        std::fs::create_dir_all(self.data)
            .with_context(|| format!("cannot create {}", self.data.display()))?;
        let mut command = Command::new(self.server);
        command
            .args(["serve", "--listen", &self.address.to_string(), "--data"])
            .arg(self.data)
            .arg("--web")
            .arg(self.web)
            .args(self.more)
            .stdin(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
            .spawn()
            .with_context(|| format!("cannot start {}", self.server.display()))
    }
}

fn stage(number: u8, what: &str) {
    println!("[{number}/4] {what}");
}

/// Fails where somebody else listens, and says what to do.
pub fn ensure_free(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {} is in use: stop what listens there, or choose another with --port",
            address.port()
        ),
        Err(error) => bail!("cannot listen on {address} ({error}): choose another with --port"),
    }
}

/// One message for each Ctrl-C or request to end.
pub fn stop_requests() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    // When the receiver is gone the demo is ending anyway.
    ctrlc::set_handler(move || {
        sender.send(()).ok();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(receiver)
}

/// False if somebody asked to stop first.
fn wait_until_healthy(
    server: &mut Child,
    address: SocketAddr,
    stop: &Receiver<()>,
) -> Result<bool> {
    let started = Instant::now();
    while !is_healthy(address) {
        ensure_running(server)?;
        if started.elapsed() > START_MAX {
            bail!(
                "the server did not answer on {address} within {} s",
                START_MAX.as_secs()
            );
        }
        if stop.recv_timeout(POLL) != Err(RecvTimeoutError::Timeout) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_healthy(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        // In one piece: a server that answers sooner than the whole is there resets the connection.
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// Whether the server was killed; false if somebody asked to stop first.
fn wait_until_killed(server: &mut Child, stop: &Receiver<()>) -> Result<bool> {
    while stop.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
        let ended = server.try_wait().context("cannot watch the server")?;
        if ended.is_some_and(was_killed) {
            return Ok(true);
        }
        ensure_running(server)?;
    }
    Ok(false)
}

/// By the page `/demo`, or by whoever tries `kill -9`. A server that ends in another way has said
/// why, and would do so again.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    const SIGKILL: i32 = 9;
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGKILL)
}

#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    // What `abort` leaves on Windows.
    status.code() == Some(0xC000_0409_u32.cast_signed())
}

fn ensure_running(server: &mut Child) -> Result<()> {
    match server.try_wait().context("cannot watch the server")? {
        Some(status) => bail!("the server stopped by itself ({status}); its reason is above"),
        None => Ok(()),
    }
}

/// Passes Ctrl-C on and waits for the server to drain; one that does not end is killed.
fn stop_server(server: &mut Child) -> Result<()> {
    if server
        .try_wait()
        .context("cannot watch the server")?
        .is_some()
    {
        return Ok(());
    }
    println!("Stopping the server");
    interrupt(server);
    let asked = Instant::now();
    while server
        .try_wait()
        .context("cannot watch the server")?
        .is_none()
    {
        if asked.elapsed() > DRAIN_MAX {
            println!(
                "It did not stop within {} s: ending it",
                DRAIN_MAX.as_secs()
            );
            server.kill().context("cannot end the server")?;
            server.wait().context("cannot wait for the server")?;
            break;
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn interrupt(server: &mut Child) {
    let asked = cfg!(unix)
        && Command::new("kill")
            .args(["-INT", &server.id().to_string()])
            .status()
            .is_ok_and(|status| status.success());
    if !asked {
        // It may have ended by itself just now.
        server.kill().ok();
    }
}

/// Opens the page where the desktop has a way to; a machine without one is no error.
fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    if let Some(program) = machine::find_program(opener) {
        let mut command = Command::new(program);
        command
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_names_the_option_that_changes_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let error = ensure_free(taken.local_addr().unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("is in use") && error.contains("--port"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_server_that_was_killed_is_one_to_start_again_and_one_that_ended_is_not() {
        use std::os::unix::process::ExitStatusExt as _;

        assert!(was_killed(ExitStatus::from_raw(9)));
        let (failed, interrupted) = (ExitStatus::from_raw(1 << 8), ExitStatus::from_raw(2));
        assert!(!was_killed(failed) && !was_killed(interrupted));
    }

    #[test]
    fn only_a_200_is_healthy() {
        for (answer, healthy) in [("200 OK", true), ("503 Service Unavailable", false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                // In one piece: whoever asked closes once they have the status.
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
                request.starts_with(b"GET /healthz ")
            });
            assert_eq!(is_healthy(address), healthy);
            assert!(server.join().unwrap());
        }
    }
}
