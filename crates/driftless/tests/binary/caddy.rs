//! The settings for Caddy in `deploy/` with a real Caddy between.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::proxied::{program, shipped, sockets_and_pages_go_through};
use crate::skipped::skip;
use crate::trusting::key_file;

const PLACES: [&str; 2] = ["/usr/bin/caddy", "/usr/local/bin/caddy"];

/// With a certificate that is there already: no authority is asked for one.
fn settings(address: SocketAddr, server: SocketAddr) -> String {
    let (certificate, key) = (key_file("cert.pem"), key_file("key.pem"));
    let (ip, port) = (address.ip(), address.port());
    let site = format!("https://localhost:{port} {{\n\tbind {ip}\n\ttls {certificate} {key}\n");
    let server = format!("reverse_proxy {server} {{");
    let shipped = shipped(
        "Caddyfile",
        &[
            ("boards.example.org {\n", &site),
            ("reverse_proxy driftless:4747 {", &server),
        ],
    );
    format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{shipped}")
}

fn start(folder: &Path, address: SocketAddr, server: SocketAddr) -> Command {
    let file = folder.join("Caddyfile");
    std::fs::write(&file, settings(address, server)).expect("writes");
    let mut command = Command::new(program(&PLACES).expect("is there"));
    command.arg("run").arg("--config").arg(&file);
    // What it keeps between runs, and its log, are nobody's business.
    for place in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(place, folder);
    }
    command.stderr(Stdio::null());
    command
}

#[tokio::test]
async fn sockets_and_pages_go_through_caddy_and_the_server_knows_who_asks() {
    if program(&PLACES).is_none() {
        return skip("boards behind Caddy: Caddy is missing");
    }
    sockets_and_pages_go_through(start).await;
}
