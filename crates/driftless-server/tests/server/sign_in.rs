//! Sign-in with the tokens and roles that the store keeps, changed while the server runs.

use driftless_model::{BoardId, UserId};
use driftless_protocol::message::Outcome;
use driftless_protocol::{ClientMessage, Code, ServerMessage};
use driftless_server::auth::Secret;
use driftless_server::{
    AuthError, Authenticator, Driftless, Role, SignedIn, SqliteBoards, StoredAuth, watch_rights,
};
use driftless_store::server::{Accounts, Grant, NewToken};
use tempfile::TempDir;

use crate::person::{Person, Server, home, titled};

/// The close code of somebody who is not signed in.
const NOT_SIGNED_IN: u16 = 4200;
const BY: &str = "a test";

struct Stage {
    server: Server,
    accounts: Accounts,
    _folder: TempDir,
}

impl Stage {
    /// A server whose accounts may change; open until the first token if `is_open`.
    async fn new(is_open: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("boards.db");
        let store = SqliteBoards::open(&file).await.expect("opens");
        let auth = StoredAuth::new(store.accounts());
        let auth = if is_open {
            auth.open_until_first_token()
        } else {
            auth
        };
        let builder = Driftless::builder().store(store).auth(auth.clone());
        let server = Server::start(builder).await;
        tokio::spawn(watch_rights(auth, server.driftless.clone(), 0));
        // As another process has them.
        let accounts = Accounts::open(&file).await.expect("opens");
        Self {
            server,
            accounts,
            _folder: folder,
        }
    }

    async fn token(&self, name: &str, role: Role, expires_ms: Option<u64>) -> (u64, Secret) {
        let secret = Secret::random();
        let new = NewToken {
            hash: secret.hash(),
            user: UserId::new(name).expect("a user"),
            is_link: false,
            role: Some((None, role)),
            expires_ms,
        };
        let number = self.accounts.add_token(&new, BY).await;
        (number.expect("is kept"), secret)
    }

    async fn give(&self, name: &str, board: Option<BoardId>, role: Role) {
        let user = UserId::new(name).ok();
        let grant = Grant { user, board, role };
        let given = self.accounts.set_role(&grant, BY).await;
        given.expect("is given");
    }
}

async fn is_applied(person: &mut Person, seq: u64) -> bool {
    let settled = person.settle(titled(seq, seq.into(), seq - 1, "cpu", "A"));
    matches!(settled.await.outcome, Outcome::Applied { .. })
}

#[tokio::test]
async fn samples_are_pushed_by_those_who_may_edit_every_board() {
    let stage = Stage::new(false).await;
    let auth = StoredAuth::new(stage.accounts.clone());
    stage.token("Ann", Role::Editor, None).await;
    stage.token("Bo", Role::Viewer, None).await;
    stage.give("Bo", Some(home()), Role::Editor).await;
    for (name, may) in [("Ann", true), ("Bo", false), ("Cy", false)] {
        let user = UserId::new(name).expect("a user");
        assert_eq!(auth.may_push(&user).await, Ok(may), "{name}");
    }
    stage.accounts.close().await;
    let ann = UserId::new("Ann").expect("a user");
    let told = auth.may_push(&ann).await;
    assert!(
        matches!(told, Err(AuthError::Unavailable { .. })),
        "{told:?}"
    );
    let open = Stage::new(true).await;
    let auth = StoredAuth::new(open.accounts.clone()).open_until_first_token();
    let cy = UserId::new("Cy").expect("a user");
    assert_eq!(auth.may_push(&cy).await, Ok(true));
}

#[tokio::test]
async fn a_revoked_token_ends_its_connections_and_nobody_elses() {
    let stage = Stage::new(false).await;
    let (number, ann) = stage.token("Ann", Role::Editor, None).await;
    let (_, bo) = stage.token("Bo", Role::Editor, None).await;
    let mut ann_here = stage.server.follower(1, ann.expose()).await;
    let mut bo_here = stage.server.follower(2, bo.expose()).await;
    assert!(is_applied(&mut ann_here, 1).await);
    let revoked = stage.accounts.revoke(number, BY).await;
    assert_eq!(revoked, Ok(true));
    // Bo's client hears what Ann wrote, and that is all.
    let (code, said) = ann_here.last_words().await;
    assert_eq!(code, NOT_SIGNED_IN);
    assert!(said.contains("was revoked"), "{said}");
    let (code, said) = stage.server.refused(ann.expose()).await;
    assert_eq!(code, NOT_SIGNED_IN);
    assert!(said.contains("ask for a new link"), "{said}");
    bo_here.event().await;
    let settled = bo_here.settle(titled(1, 21, 1, "net", "B")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
}

#[tokio::test]
async fn a_role_that_another_process_takes_back_is_gone_within_the_session() {
    let stage = Stage::new(false).await;
    let (_, ann) = stage.token("Ann", Role::Editor, None).await;
    let (_, bo) = stage.token("Bo", Role::Owner, None).await;
    let mut ann = stage.server.follower(1, ann.expose()).await;
    let mut bo = stage.server.follower(2, bo.expose()).await;
    assert!(is_applied(&mut ann, 1).await);
    bo.event().await;
    stage.give("Ann", Some(home()), Role::None).await;
    let ServerMessage::Error { code, board, .. } = ann.message().await else {
        panic!("not forbidden");
    };
    assert_eq!((code, board), (Code::Forbidden, Some(home())));
    let settled = bo.settle(titled(1, 21, 1, "net", "B")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
    stage.give("Ann", Some(home()), Role::Editor).await;
    ann.subscribe(None).await;
    assert!(is_applied(&mut ann, 2).await);
}

/// An application whose tokens say how long they count: the time in milliseconds since 1970.
struct Until;

impl Authenticator for Until {
    async fn authenticate(&self, token: Option<&str>) -> Result<SignedIn, AuthError> {
        let until_ms = token.and_then(|token| token.parse().ok());
        let user = UserId::new("Ann").expect("a user");
        Ok(SignedIn::from(user).until(until_ms))
    }

    async fn role(&self, _user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        Ok(Role::Editor)
    }
}

#[tokio::test]
async fn a_token_whose_time_is_over_ends_the_session_and_a_fresh_one_keeps_it() {
    let server = Server::start(Driftless::builder().auth(Until)).await;
    let mut over = server.person(1, "1").await;
    let mut fresh = server.person(2, "1").await;
    let mut bystander = server.follower(3, "forever").await;
    over.send(ClientMessage::Ping { nonce: 1 }).await;
    let (code, said) = over.last_words().await;
    assert_eq!(code, NOT_SIGNED_IN);
    assert!(said.contains("has expired"), "{said}");
    let token = u64::MAX.to_string();
    fresh.send(ClientMessage::Token { token }).await;
    fresh.subscribe(None).await;
    assert!(is_applied(&mut fresh, 1).await);
    bystander.event().await;
}

#[tokio::test]
async fn a_kept_token_whose_time_is_over_lets_nobody_in() {
    let stage = Stage::new(false).await;
    let (_, over) = stage.token("Ann", Role::Editor, Some(1)).await;
    let (code, said) = stage.server.refused(over.expose()).await;
    assert_eq!(code, NOT_SIGNED_IN);
    assert!(said.contains("has expired"), "{said}");
    let (_, long) = stage.token("Ann", Role::Editor, Some(u64::MAX)).await;
    stage.server.follower(1, long.expose()).await;
}

#[tokio::test]
async fn with_the_first_token_guests_are_strangers() {
    let stage = Stage::new(true).await;
    let mut guest = stage.server.follower(1, "Guest").await;
    assert!(is_applied(&mut guest, 1).await);
    let (_, owner) = stage.token("Ann", Role::Owner, None).await;
    let (code, said) = guest.last_words().await;
    assert_eq!(code, NOT_SIGNED_IN);
    assert!(said.contains("a token is needed"), "{said}");
    let (code, _) = stage.server.refused("Guest").await;
    assert_eq!(code, NOT_SIGNED_IN);
    stage.server.follower(2, owner.expose()).await;
}

#[tokio::test]
async fn refused_sign_ins_are_in_the_audit_log_without_what_was_tried() {
    let stage = Stage::new(false).await;
    let auth = StoredAuth::new(stage.accounts.clone());
    let server = Server::start(Driftless::builder().auth(auth.clone())).await;
    let forged = Secret::random();
    for token in [forged.expose(), forged.expose(), "secret-of-another-server"] {
        assert_eq!(server.refused(token).await.0, NOT_SIGNED_IN);
    }
    auth.note_refusals().await.expect("are noted");
    let lines = stage.accounts.audit(0, 9).await.expect("reads");
    let refused: Vec<_> = lines
        .iter()
        .filter(|line| line.action == StoredAuth::REFUSED)
        .collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    let twice = "2 from 127.0.0.1: nobody has this token";
    assert!(
        refused.iter().any(|line| line.detail.starts_with(twice)),
        "{refused:?}"
    );
    assert!(
        refused
            .iter()
            .all(|line| !line.detail.contains("secret-of"))
    );
}
