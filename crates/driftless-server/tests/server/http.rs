use driftless_model::{BoardId, UserId};
use driftless_server::{AuthError, Authenticator, Driftless, Role, SignedIn, StaticTokens};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::person::{Server, titled};

/// One request without a body; the status and the body of the answer.
pub async fn get(server: &Server, path: &str, headers: &str) -> (u16, String) {
    ask(server, &format!("GET {path}"), headers).await
}

pub async fn ask(server: &Server, what: &str, headers: &str) -> (u16, String) {
    ask_with(server, what, headers, "").await
}

/// One request; `headers` say how long its body is.
pub async fn ask_with(server: &Server, what: &str, headers: &str, body: &str) -> (u16, String) {
    let answer = raw(server, what, headers, body).await;
    let answer = String::from_utf8(answer).expect("text");
    let status = answer.split(' ').nth(1).expect("a status").parse();
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    (status.expect("a number"), body.to_owned())
}

/// The body of the answer to a GET.
pub async fn bytes_of(server: &Server, path: &str, headers: &str) -> Vec<u8> {
    let answer = raw(server, &format!("GET {path}"), headers, "").await;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    answer[end.expect("a body") + 4..].to_vec()
}

async fn raw(server: &Server, what: &str, headers: &str, body: &str) -> Vec<u8> {
    let stream = tokio::net::TcpStream::connect(server.address).await;
    let mut stream = stream.expect("connects");
    let request = format!(
        "{what} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        server.address
    );
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads");
    answer
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
async fn a_request_that_is_no_web_socket_is_told_so() {
    let server = Server::start(Driftless::builder()).await;
    let (status, text) = get(&server, "/rt", "").await;
    assert!([400, 426].contains(&status), "{status}: {text}");
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

#[tokio::test]
async fn with_sign_in_only_owners_read_the_metrics() {
    let tokens = "0123456789abcdef Ann owner\nfedcba9876543210 Bo editor";
    let tokens = StaticTokens::parse(tokens).expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    let ask = async |headers: &str| get(&server, "/metrics", headers).await;
    let (status, text) = ask("").await;
    assert_eq!(status, 401);
    assert!(!text.contains("driftless_"), "{text}");
    let wrong = "Authorization: Bearer 0000000000000000\r\n";
    assert_eq!(ask(wrong).await.0, 401);
    let editor = "Authorization: Bearer fedcba9876543210\r\n";
    let (status, text) = ask(editor).await;
    assert_eq!(status, 403);
    assert_eq!(
        text,
        "Bo may not read the metrics; use the token of an owner"
    );
    let owner = "Authorization: Bearer 0123456789abcdef\r\n";
    assert_eq!(ask(owner).await.0, 200);
    let foreign = format!("{owner}Origin: http://evil.test\r\n");
    assert_eq!(ask(&foreign).await.0, 403);
}

/// Knows everybody, and cannot tell now what they may do.
struct Busy;

fn busy<T>() -> Result<T, AuthError> {
    let reason = "the file is in use".to_owned();
    Err(AuthError::Unavailable { reason })
}

impl Authenticator for Busy {
    async fn authenticate(&self, _token: Option<&str>) -> Result<SignedIn, AuthError> {
        Ok(UserId::new("Ann").expect("a user").into())
    }

    async fn role(&self, _user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        busy()
    }

    async fn may_push(&self, _user: &UserId) -> Result<bool, AuthError> {
        busy()
    }

    async fn may_see_metrics(&self, _user: &UserId) -> Result<bool, AuthError> {
        busy()
    }
}

#[tokio::test]
async fn while_rights_cannot_be_told_nobody_is_refused_for_good() {
    let server = Server::start(Driftless::builder().auth(Busy)).await;
    for what in ["GET /metrics", "POST /api/push/prometheus"] {
        let (status, text) = ask(&server, what, "").await;
        assert_eq!(status, 503, "{what}");
        assert!(text.contains("try again later"), "{text}");
    }
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
