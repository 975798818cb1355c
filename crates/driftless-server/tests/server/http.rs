use driftless_server::{Driftless, StaticTokens};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::person::{Server, titled};

/// One request; the status and the body.
async fn get(server: &Server, path: &str, headers: &str) -> (u16, String) {
    let stream = tokio::net::TcpStream::connect(server.address).await;
    let mut stream = stream.expect("connects");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    let status = answer.split(' ').nth(1).expect("a status").parse();
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    (status.expect("a number"), body.to_owned())
}

#[tokio::test]
async fn a_running_server_is_healthy_and_ready_until_it_stops() {
    let server = Server::start(Driftless::builder()).await;
    assert_eq!(get(&server, "/healthz", "").await, (200, "ok".to_owned()));
    assert_eq!(get(&server, "/readyz", "").await, (200, "ready".to_owned()));
    server.driftless.shutdown().await;
    assert_eq!(get(&server, "/healthz", "").await.0, 200);
    assert_eq!(
        get(&server, "/readyz", "").await,
        (503, "stopping".to_owned())
    );
}

#[tokio::test]
async fn boards_are_listed_for_whoever_may_read_them() {
    let tokens = StaticTokens::parse("0123456789abcdef Ann editor").expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    let mut ann = server.follower(1, "0123456789abcdef").await;
    ann.settle(titled(1, 1, 0, "board", "Plant")).await;
    assert_eq!(get(&server, "/api/boards", "").await.0, 401);
    let bearer = "Authorization: Bearer 0123456789abcdef\r\n";
    let (status, body) = get(&server, "/api/boards", bearer).await;
    assert_eq!(status, 200);
    assert_eq!(body, r#"[{"board":"home","title":"Plant","version":1}]"#);
    let foreign = format!("{bearer}Origin: http://evil.test\r\n");
    assert_eq!(get(&server, "/api/boards", &foreign).await.0, 403);
}

#[cfg(feature = "host-metrics")]
#[tokio::test]
async fn a_new_server_has_the_board_of_this_machine_and_an_old_one_makes_no_second() {
    let store = driftless_store::server::MemoryBoards::new();
    for _ in 0..2 {
        let builder = Driftless::builder().store(store.clone()).host_metrics();
        let server = Server::start(builder).await;
        let (_, body) = get(&server, "/api/boards", "").await;
        let board = r#"[{"board":"this-machine","title":"This machine","version":1}]"#;
        assert_eq!(body, board);
        server.driftless.shutdown().await;
    }
}
