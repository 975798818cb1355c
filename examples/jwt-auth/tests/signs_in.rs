//! People who sign in at the application, and reach its boards with what it gave them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use driftless_client::model::Kind as _;
use driftless_client::model::builtin::{Note, TITLE};
use driftless_client::view::Connection;
use driftless_client::{Client, EditError};
use driftless_protocol::Code;
use futures::StreamExt as _;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

struct App {
    address: String,
    _folder: tempfile::TempDir,
}

impl App {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret of thirty-two bytes or more\n").expect("writes");
        let app = jwt_auth::app(&folder.path().join("boards.db"), &secret).await;
        let app = app.expect("starts");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("listens");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            _folder: folder,
        }
    }

    /// What the application answers to a name and a password: the status and the token.
    async fn sign_in(&self, query: &str, password: &str) -> (String, String) {
        let request = format!(
            "POST /sign-in?{query} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{password}",
            password.len()
        );
        let address = self.address.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("connects");
            stream.write_all(request.as_bytes()).expect("sends");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("reads");
            answer
        });
        let answer = asking.await.expect("asks");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).expect("a status");
        (status.to_owned(), body.to_owned())
    }

    fn client(&self, token: &str) -> Client {
        Client::builder(format!("ws://{}/rt", self.address))
            .token(Some(token.to_owned()))
            .start()
    }
}

async fn until(client: &Client, holds: impl Fn(&Connection) -> bool) {
    let mut statuses = client.watch_status();
    let waiting =
        async { while !holds(&statuses.next().await.expect("the client runs").connection) {} };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "it never came to be: {:?}", client.status());
}

fn is_refused(connection: &Connection) -> bool {
    matches!(connection, Connection::Unauthorised { .. })
}

fn add_note(client: &Client) -> driftless_client::EditHandle {
    let made = client.board("home").edit("Add a note", |edit| {
        edit.create("note", Note::NAME, []);
        edit.set("note", TITLE, "Lunch");
    });
    made.expect("is valid")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_edits_who_may_only_look_is_told_and_strangers_are_refused() {
    let app = App::start().await;
    assert_eq!(app.sign_in("name=Ann", "guessed").await.0, "401");
    let (status, token) = app.sign_in("name=Ann", "correct horse").await;
    assert_eq!(status, "200");
    let ann = app.client(&token);
    let applied = add_note(&ann).applied().await;
    assert_eq!(applied.expect("is applied").0, 1);

    let (_, token) = app.sign_in("name=Bo", "battery staple").await;
    let Err(EditError::Rejected { code, .. }) = add_note(&app.client(&token)).applied().await
    else {
        panic!("not rejected");
    };
    assert_eq!(code, Code::Forbidden);

    let forged = format!("{token}x");
    until(&app.client(&forged), is_refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_costs_no_edit_and_a_fresh_one_sends_it() {
    let app = App::start().await;
    // A token that is over as it is issued.
    let (_, expired) = app.sign_in("name=Ann&for_s=0", "correct horse").await;
    let ann = app.client(&expired);
    until(&ann, is_refused).await;
    let edit = add_note(&ann);
    edit.stored().await.expect("is safe on the device");
    assert_eq!(ann.status().pending, 1);
    let (_, fresh) = app.sign_in("name=Ann", "correct horse").await;
    ann.set_token(Some(fresh));
    assert_eq!(edit.applied().await.expect("is applied").0, 1);
}
