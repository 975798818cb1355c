//! A proxy before the server, as `deploy/` has it: what has to go through, and what must not.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use driftless_model::ClientId;
use driftless_protocol::message::Hello;
use driftless_protocol::{ClientMessage, Codec, PROTOCOL};
use futures::{SinkExt as _, StreamExt as _};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message as Frame};

use crate::process::{PATIENCE, Running, driftless};
use crate::trusting::connector;

/// A proxy that runs; killed when dropped.
pub struct Proxy {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What starts a proxy in a folder of its own: at this address, before that server.
pub type Start = fn(folder: &Path, address: SocketAddr, server: SocketAddr) -> Command;

impl Proxy {
    fn before(server: SocketAddr, start: Start) -> Self {
        // Somebody else may take the port before the proxy does.
        for _ in 0..5 {
            if let Some(running) = Self::try_before(server, start) {
                return running;
            }
        }
        panic!("the proxy does not start");
    }

    fn try_before(server: SocketAddr, start: Start) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let mut command = start(folder.path(), address, server);
        let mut process = command.stdin(Stdio::null()).spawn().expect("starts");
        loop {
            if process.try_wait().expect("is known").is_some() {
                return None;
            }
            if std::net::TcpStream::connect(address).is_ok() {
                break;
            }
            std::thread::yield_now();
        }
        Some(Self {
            process,
            address,
            _folder: folder,
        })
    }

    /// A connection from another address of this machine than the proxy's own.
    async fn connect(&self) -> TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().expect("a socket");
        let from = "127.0.0.7:0".parse().expect("an address");
        socket.bind(from).expect("is ours");
        let socket = socket.connect(self.address).await.expect("connects");
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = connector().connect(name, socket);
        connected.await.expect("shakes hands")
    }

    /// Says hello through the proxy with a token; what comes first.
    async fn hello(&self, origin: &str, token: &str) -> Result<String, String> {
        let uri = format!("wss://localhost:{}/rt", self.address.port());
        let request = ClientRequestBuilder::new(uri.parse().expect("a URL"))
            .with_sub_protocol(Codec::Json.subprotocol())
            .with_header("Origin", origin)
            .with_header("X-Forwarded-For", "203.0.113.9");
        let stream = self.connect().await;
        let connected = tokio_tungstenite::client_async(request, stream).await;
        let (mut socket, _) = connected.map_err(|error| error.to_string())?;
        let hello = ClientMessage::Hello(Hello {
            protocol: PROTOCOL,
            client: ClientId(1),
            token: Some(token.to_owned()),
            build: "test".to_owned(),
            boards: vec![],
        });
        let text = String::from_utf8(Codec::Json.encode_client(&hello)).expect("text");
        socket.send(Frame::text(text)).await.expect("sends");
        let first = tokio::time::timeout(PATIENCE, socket.next()).await;
        let first = first.expect("comes").expect("a frame").expect("a frame");
        Ok(first.into_text().expect("text").to_string())
    }
}

/// The settings that are shipped, with the places that are somebody's own filled in.
pub fn shipped(file: &str, filled_in: &[(&str, &str)]) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let mut shipped = std::fs::read_to_string(shipped.join(file)).expect("reads");
    for (place, own) in filled_in {
        assert!(shipped.contains(place), "{place}");
        shipped = shipped.replace(place, own);
    }
    shipped
}

/// The first of these places where there is a program: proxies are often on nobody's path.
pub fn program(places: &[&str]) -> Option<PathBuf> {
    let mut places = places.iter().map(PathBuf::from);
    places.find(|place| place.is_file())
}

fn run(data: &Path, arguments: &[&str]) -> String {
    let data = data.to_str().expect("text");
    let output = driftless(arguments).args(["--data", data]).output();
    String::from_utf8(output.expect("runs").stdout).expect("text")
}

/// Pages and sockets go through a proxy, and the server knows who asks and from which page.
pub async fn sockets_and_pages_go_through(start: Start) {
    let folder = tempfile::tempdir().expect("a folder");
    let create = [
        "token", "create", "--name", "Ann", "--role", "owner", "--json",
    ];
    let made: serde_json::Value = serde_json::from_str(&run(folder.path(), &create)).expect("JSON");
    let token = made["token"].as_str().expect("a token");
    let trusting = ["--trusted-proxy", "127.0.0.1"];
    let mut server = Running::start(folder.path(), &trusting);
    let proxy = Proxy::before(server.address, start);
    let origin = format!("https://localhost:{}", proxy.address.port());

    let mut page = proxy.connect().await;
    let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    page.write_all(request).await.expect("sends");
    let mut answer = String::new();
    page.read_to_string(&mut answer).await.ok();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let welcome = proxy.hello(&origin, token).await.expect("goes through");
    assert!(welcome.contains(r#""user":"Ann""#), "{welcome}");
    let elsewhere = proxy.hello("https://evil.example.org", token).await;
    assert!(elsewhere.expect_err("is refused").contains("403"));
    let refused = proxy.hello(&origin, "driftless_forged").await;
    assert!(refused.expect("goes through").contains("unauthorised"));

    server.signal("-TERM");
    server.process.wait().expect("ends");
    let audit = run(folder.path(), &["audit", "--json"]);
    assert!(
        audit.contains("1 from 127.0.0.7: nobody has this token"),
        "{audit}"
    );
}
