//! Rights that change while people are connected.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use driftless_model::{BoardId, UserId, Version};
use driftless_protocol::message::{Outcome, Subscribe};
use driftless_protocol::{ClientMessage, Code, ServerMessage};
use driftless_server::{AuthError, Authenticator, Driftless, Role, SignedIn};
use tokio::sync::Semaphore;

use crate::person::{PATIENCE, Person, Server, home, titled};

/// An application's own rights: everybody may edit, unless it was said otherwise.
#[derive(Clone)]
struct Doors {
    roles: Arc<Mutex<BTreeMap<UserId, Role>>>,
    /// Closed while an answer is to take long.
    gate: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
}

impl Doors {
    fn open() -> Self {
        Self {
            roles: Arc::default(),
            gate: Arc::new(Semaphore::new(1)),
            asked: Arc::default(),
        }
    }

    fn set(&self, name: &str, role: Role) {
        let mut roles = self.roles.lock().expect("not poisoned");
        roles.insert(user(name), role);
    }

    async fn asked_more_than(&self, times: usize) {
        let asked = async {
            while self.asked.load(Ordering::Relaxed) <= times {
                tokio::task::yield_now().await;
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asked).await;
        asked.expect("the rights are asked for");
    }
}

impl Authenticator for Doors {
    async fn authenticate(&self, token: Option<&str>) -> Result<SignedIn, AuthError> {
        Ok(user(token.unwrap_or("guest")).into())
    }

    async fn role(&self, user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _open = self.gate.acquire().await.expect("never closed for good");
        let roles = self.roles.lock().expect("not poisoned");
        Ok(roles.get(user).copied().unwrap_or(Role::Editor))
    }
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user")
}

async fn server() -> (Server, Doors) {
    let doors = Doors::open();
    let server = Server::start(Driftless::builder().auth(doors.clone())).await;
    (server, doors)
}

fn is_forbidden(message: &ServerMessage) -> bool {
    let ServerMessage::Error { code, board, .. } = message else {
        return false;
    };
    (*code, board) == (Code::Forbidden, &Some(home()))
}

/// Everything that comes before the answer to a ping.
async fn until_pong(person: &mut Person) -> Vec<ServerMessage> {
    person.send(ClientMessage::Ping { nonce: 99 }).await;
    let mut messages = Vec::new();
    loop {
        match person.message().await {
            ServerMessage::Pong { nonce: 99 } => return messages,
            message => messages.push(message),
        }
    }
}

#[tokio::test]
async fn who_loses_the_right_to_read_is_told_and_gets_nothing_more() {
    let (server, doors) = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    doors.set("Bo", Role::None);
    server.driftless.rights_changed(Some(&user("Bo")), None);
    ann.settle(titled(1, 1, 0, "cpu", "Secret")).await;
    assert!(is_forbidden(&bo.message().await));
    ann.settle(titled(2, 2, 1, "net", "Secret, too")).await;
    assert_eq!(until_pong(&mut bo).await, []);
}

/// While the application takes its time to answer, nobody else waits; what was published meanwhile
/// does not go out.
#[tokio::test]
async fn a_slow_answer_holds_up_nobody_else_and_lets_nothing_out() {
    let (server, doors) = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    let closed = doors.gate.clone().acquire_owned().await.expect("is open");
    let asked = doors.asked.load(Ordering::Relaxed);
    doors.set("Bo", Role::None);
    server
        .driftless
        .rights_changed(Some(&user("Bo")), Some(&home()));
    doors.asked_more_than(asked).await;
    for seq in 1..=3 {
        let settled = ann.settle(titled(seq, seq.into(), seq, "cpu", "A")).await;
        assert!(matches!(settled.outcome, Outcome::Applied { .. }));
    }
    drop(closed);
    assert!(is_forbidden(&bo.message().await));
    assert_eq!(until_pong(&mut bo).await, []);
}

#[tokio::test]
async fn who_loses_the_right_to_edit_reads_on_and_is_refused_for_good() {
    let (server, doors) = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    doors.set("Bo", Role::Viewer);
    server.driftless.rights_changed(None, Some(&home()));
    let settled = bo.settle(titled(1, 21, 0, "net", "B")).await;
    let Outcome::Rejected { code, .. } = settled.outcome else {
        panic!("not refused: {settled:?}");
    };
    assert_eq!(code, Code::Forbidden);
    ann.settle(titled(1, 11, 0, "cpu", "A")).await;
    assert_eq!(bo.event().await.version, Version(1));
    doors.set("Bo", Role::Owner);
    server.driftless.rights_changed(Some(&user("Bo")), None);
    let settled = bo.settle(titled(2, 22, 1, "net", "B")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
}

/// Every push that comes in after the rights changed is decided by the new ones.
#[tokio::test]
async fn pushes_without_a_right_to_read_are_answered_and_go_on_where_they_stopped() {
    let (server, doors) = server().await;
    let mut bo = server.follower(2, "Bo").await;
    doors.set("Bo", Role::None);
    server.driftless.rights_changed(None, None);
    bo.push(titled(1, 21, 0, "net", "B")).await;
    let told = until_pong(&mut bo).await;
    assert!(told.iter().any(is_forbidden), "{told:?}");
    bo.push(titled(1, 21, 0, "net", "B")).await;
    let told = until_pong(&mut bo).await;
    let [ServerMessage::Error { code, .. }] = &told[..] else {
        panic!("not one answer: {told:?}");
    };
    assert_eq!(*code, Code::NotSubscribed);
    let subscribe = Subscribe {
        board: home(),
        cursor: None,
    };
    bo.send(ClientMessage::Subscribe(subscribe)).await;
    assert!(is_forbidden(&bo.message().await));
    doors.set("Bo", Role::Editor);
    assert_eq!(bo.subscribe(None).await.last_seq, 0);
    let settled = bo.settle(titled(1, 21, 0, "net", "B")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
}

#[tokio::test]
async fn only_those_whose_rights_may_have_changed_are_asked_about() {
    let (server, doors) = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    let asked = doors.asked.load(Ordering::Relaxed);
    server.driftless.rights_changed(Some(&user("Ann")), None);
    let elsewhere = BoardId::new("elsewhere").expect("an id");
    server.driftless.rights_changed(None, Some(&elsewhere));
    assert_eq!(until_pong(&mut ann).await, []);
    assert_eq!(until_pong(&mut bo).await, []);
    assert_eq!(doors.asked.load(Ordering::Relaxed), asked + 1);
}

/// Knows everybody, and has revoked every token by the time that it is asked again.
struct RevokedMeanwhile;

impl Authenticator for RevokedMeanwhile {
    async fn authenticate(&self, _token: Option<&str>) -> Result<SignedIn, AuthError> {
        Ok(user("Ann").into())
    }

    async fn confirm(&self, _signed_in: &SignedIn) -> Result<(), AuthError> {
        Err(AuthError::unauthorised("the token was revoked"))
    }

    async fn role(&self, _user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        Ok(Role::Editor)
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_while_its_user_comes_in_opens_nothing() {
    let server = Server::start(Driftless::builder().auth(RevokedMeanwhile)).await;
    let (code, said) = server.refused("Ann").await;
    assert_eq!(code, 4200, "{said}");
}

#[tokio::test]
async fn a_fresh_token_has_the_rights_asked_for_again() {
    let (server, doors) = server().await;
    let mut bo = server.follower(2, "Bo").await;
    doors.set("Bo", Role::None);
    let token = "Bo".to_owned();
    bo.send(ClientMessage::Token { token }).await;
    assert!(is_forbidden(&bo.message().await));
}
