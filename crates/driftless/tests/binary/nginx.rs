//! The settings for nginx in `deploy/` with a real nginx between.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::proxied::{program, shipped, sockets_and_pages_go_through};
use crate::skipped::skip;
use crate::trusting::key_file;

const PLACES: [&str; 3] = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];

fn settings(folder: &Path, address: SocketAddr, server: SocketAddr) -> String {
    let shipped = shipped(
        "nginx.conf",
        &[
            ("server 127.0.0.1:4747;", &format!("server {server};")),
            ("listen 443 ssl;", &format!("listen {address} ssl;")),
            ("server_name boards.example.org;", "server_name localhost;"),
            ("/etc/ssl/boards.example.org.pem", &key_file("cert.pem")),
            ("/etc/ssl/boards.example.org.key", &key_file("key.pem")),
        ],
    );
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr warn;
        events {{ worker_connections 64; }}
        http {{
            access_log off;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
            scgi_temp_path {folder}/scgi;
            {shipped}
        }}"
    )
}

fn start(folder: &Path, address: SocketAddr, server: SocketAddr) -> Command {
    let file = folder.join("nginx.conf");
    std::fs::write(&file, settings(folder, address, server)).expect("writes");
    let mut command = Command::new(program(&PLACES).expect("is there"));
    command.arg("-p").arg(folder).arg("-c").arg(&file);
    command
}

#[tokio::test]
async fn sockets_and_pages_go_through_nginx_and_the_server_knows_who_asks() {
    if program(&PLACES).is_none() {
        return skip("boards behind nginx: nginx is missing");
    }
    sockets_and_pages_go_through(start).await;
}
