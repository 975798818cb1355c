//! Owners share their boards over HTTP: links are made, listed and revoked, and nobody gets more
//! than they have.

use driftless_model::limits::{
    ACCESS_BYTES_MAX, ACCESS_ROWS_MAX, ACCESS_SECONDS_MAX, ACCESS_TOKENS_PER_BOARD_MAX,
};
use driftless_model::{BoardId, UserId};
use driftless_protocol::access::{Access, AccessList, HttpAnswer as _, HttpRefusal, MadeAccess};
use driftless_protocol::message::Outcome;
use driftless_protocol::{Code, ServerMessage};
use driftless_server::auth::Secret;
use driftless_server::{Driftless, OpenAuth, Role, SqliteBoards, StoredAuth, watch_rights};
use driftless_store::server::{Accounts, Grant, NewToken};
use tempfile::TempDir;

use crate::http::{ask, bytes_of};
use crate::person::{Server, titled};

const BY: &str = "a test";
/// The close code of somebody who is not signed in.
const NOT_SIGNED_IN: u16 = 4200;

struct Stage {
    server: Server,
    accounts: Accounts,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteBoards::open(folder.path().join("boards.db")).await;
        let store = store.expect("opens");
        let accounts = store.accounts();
        let auth = StoredAuth::new(accounts.clone()).open_until_first_token();
        let builder = Driftless::builder().store(store).auth(auth.clone());
        let server = Server::start_with(builder, Some(auth.clone())).await;
        tokio::spawn(watch_rights(auth, server.driftless.clone(), 0));
        Self {
            server,
            accounts,
            _folder: folder,
        }
    }

    /// Somebody with a role on a board, or on all of them; the number of their token, and it.
    async fn token(&self, name: &str, board: Option<&str>, role: Role) -> (u64, String) {
        let secret = Secret::random();
        let board = board.map(|board| BoardId::new(board).expect("a board"));
        let new = NewToken {
            hash: secret.hash(),
            user: UserId::new(name).expect("a user"),
            is_link: false,
            role: Some((board, role)),
            expires_ms: None,
        };
        let number = self.accounts.add_token(&new, BY).await;
        (number.expect("is kept"), secret.expose().to_owned())
    }

    async fn ask(&self, what: &str, token: &str, body: &str) -> (u16, String) {
        let headers = format!(
            "Authorization: Bearer {token}\r\nContent-Length: {}\r\n",
            body.len()
        );
        crate::http::ask_with(&self.server, what, &headers, body).await
    }

    async fn list(&self, token: &str) -> AccessList {
        let (status, body) = self.ask("GET /api/boards/home/access", token, "").await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("a list")
    }

    async fn make(&self, token: &str, body: &str) -> Result<MadeAccess, (u16, HttpRefusal)> {
        let (status, body) = self.ask("POST /api/boards/home/access", token, body).await;
        if status == 201 {
            return Ok(serde_json::from_str(&body).expect("a token"));
        }
        Err((status, refusal(&body)))
    }

    async fn revoke(&self, token: &str, number: u64) -> (u16, String) {
        let what = format!("DELETE /api/boards/home/access/{number}");
        self.ask(&what, token, "").await
    }

    async fn give(&self, token: &str, user: &str, role: &str) -> (u16, String) {
        let body = format!(r#"{{"user":"{user}","role":{role}}}"#);
        let what = "PUT /api/boards/home/access/role";
        self.ask(what, token, &body).await
    }

    async fn actions(&self) -> Vec<String> {
        let rows = self.accounts.audit(0, 100).await.expect("reads");
        let said = |row: driftless_store::server::AuditRow| {
            let user = row.user.map(|user| user.to_string()).unwrap_or_default();
            format!("{}: {} {user} {}", row.actor, row.action, row.detail)
        };
        rows.into_iter().map(said).collect()
    }
}

fn refusal(body: &str) -> HttpRefusal {
    let refusal = serde_json::from_str(body);
    refusal.unwrap_or_else(|error: serde_json::Error| panic!("{error}: {body}"))
}

fn find<'a>(list: &'a AccessList, name: &str) -> Option<&'a Access> {
    let is_named = |access: &&Access| {
        let user = access.user.as_ref();
        user.is_some_and(|user| user.as_str() == name)
    };
    list.people.iter().find(is_named)
}

const VIEWER: &str = r#"{"name":"Wall","role":"viewer","is_link":true,"expires_s":3600}"#;

#[tokio::test]
async fn an_owner_makes_a_link_somebody_uses_it_and_is_cut_off_when_it_is_revoked() {
    let stage = Stage::new().await;
    let (number, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    let made = stage.make(&ann, VIEWER).await.expect("is made");
    assert_eq!(made.user.as_str(), "Wall (link)");
    let mut guest = stage.server.follower(7, &made.token).await;
    let list = stage.list(&ann).await;
    assert!(!list.may_invite && !list.is_cut, "{list:?}");
    let wall = find(&list, "Wall (link)").expect("is listed");
    assert!(wall.is_link && !wall.is_everywhere && wall.role == "viewer");
    assert!(wall.tokens[0].may_revoke && wall.tokens[0].expires_ms.is_some());
    let own = find(&list, "Ann").expect("is listed");
    assert!(own.tokens[0].is_own && !own.tokens[0].may_revoke);

    assert_eq!(stage.revoke(&ann, made.number).await.0, 204);
    let (code, said) = guest.last_words().await;
    assert_eq!(code, NOT_SIGNED_IN);
    assert!(said.contains("was revoked"), "{said}");
    assert_eq!(find(&stage.list(&ann).await, "Wall (link)"), None);
    // Its edits keep its name: the next one of that name has a number.
    let again = stage.make(&ann, VIEWER).await.expect("is made");
    assert_eq!(again.user.as_str(), "Wall 2 (link)");

    let (status, body) = stage.revoke(&ann, number).await;
    assert_eq!((status, refusal(&body).code), (400, Code::Invalid));
    let said = stage.actions().await;
    let line = format!(
        "Ann over HTTP: token revoked Wall (link) token {}",
        made.number
    );
    assert!(said.contains(&line), "{said:?}");
    assert!(said.iter().all(|line| !line.contains(&made.token)));
}

#[tokio::test]
async fn who_owns_one_board_lets_nobody_in_elsewhere_and_is_nobody_else() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    let (bo, _) = stage.token("Bo", None, Role::Viewer).await;
    let person = r#"{"name":"Cy","role":"viewer","is_link":false}"#;
    let (status, said) = stage.make(&ann, person).await.expect_err("is refused");
    assert_eq!((status, said.code), (403, Code::Forbidden));
    let (status, body) = stage.revoke(&ann, bo).await;
    assert_eq!((status, refusal(&body).code), (403, Code::Forbidden));
    let owner = r#"{"name":"Cy","role":"owner","is_link":true}"#;
    let (status, said) = stage.make(&ann, owner).await.expect_err("is refused");
    assert_eq!((status, said.code), (400, Code::Invalid));
    let (status, body) = stage.ask("GET /api/boards/other/access", &ann, "").await;
    assert_eq!((status, refusal(&body).code), (403, Code::Forbidden));
    assert_eq!(stage.revoke(&ann, 999).await.0, 400);

    let (_, root) = stage.token("Root", None, Role::Owner).await;
    assert!(stage.list(&root).await.may_invite);
    for name in ["Bo", "Ann"] {
        let body = format!(r#"{{"name":"{name}","role":"viewer","is_link":false}}"#);
        let (status, said) = stage.make(&root, &body).await.expect_err("is taken");
        assert_eq!((status, said.code), (400, Code::Invalid), "{name}");
    }
    let cy = stage.make(&root, person).await.expect("is made");
    assert_eq!(cy.user.as_str(), "Cy");
    assert_eq!(stage.revoke(&root, bo).await.0, 204);
    assert_eq!(stage.revoke(&root, cy.number).await.0, 204);
}

#[tokio::test]
async fn an_owner_gives_a_person_another_role_at_once_and_takes_it_away() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    let (_, bo) = stage.token("Bo", Some("home"), Role::Editor).await;
    let mut at_work = stage.server.follower(7, &bo).await;
    let settled = at_work.settle(titled(1, 1, 0, "cpu", "CPU")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
    assert!(
        find(&stage.list(&ann).await, "Bo")
            .expect("is listed")
            .may_change
    );

    assert_eq!(stage.give(&ann, "Bo", r#""viewer""#).await.0, 204);
    let refused = at_work.settle(titled(2, 2, 1, "cpu", "Load")).await;
    let Outcome::Rejected { code, .. } = refused.outcome else {
        panic!("not rejected: {refused:?}");
    };
    assert_eq!(code, Code::Forbidden);
    assert_eq!(
        find(&stage.list(&ann).await, "Bo").expect("is there").role,
        "viewer"
    );
    assert_eq!(stage.give(&ann, "Bo", r#""none""#).await.0, 204);
    let ServerMessage::Error { code, board, .. } = at_work.message().await else {
        panic!("no withdrawal");
    };
    assert_eq!((code, board), (Code::Forbidden, BoardId::new("home").ok()));
    assert_eq!(
        find(&stage.list(&ann).await, "Bo").expect("is there").role,
        "none"
    );
    assert_eq!(stage.give(&ann, "Bo", r#""owner""#).await.0, 204);
    // Between owners it goes both ways; and whoever has no role here any more is not listed.
    assert_eq!(stage.give(&bo, "Ann", "null").await.0, 204);
    assert_eq!(find(&stage.list(&bo).await, "Ann"), None);
    assert_eq!(
        stage.ask("GET /api/boards/home/access", &ann, "").await.0,
        403
    );
    let said = stage.actions().await;
    for line in [
        "Ann over HTTP: role set Bo viewer",
        "Ann over HTTP: role set Bo none",
        "Ann over HTTP: role set Bo owner",
        "Bo over HTTP: role withdrawn Ann ",
    ] {
        assert!(said.iter().any(|own| own == line), "no {line} in {said:?}");
    }
}

#[tokio::test]
async fn roles_that_are_not_an_owners_to_give_stay_as_they_are() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    let (_, ed) = stage.token("Ed", Some("home"), Role::Editor).await;
    stage.token("Bo", None, Role::Viewer).await;
    stage.token("Cy", Some("other"), Role::Viewer).await;
    stage.make(&ann, VIEWER).await.expect("is made");
    let before = stage.accounts.grants().await.expect("reads");
    for (user, role, code) in [
        ("Ann", r#""viewer""#, Code::Forbidden),
        ("Bo", r#""editor""#, Code::Forbidden),
        ("Wall (link)", r#""editor""#, Code::Forbidden),
        ("Cy", r#""viewer""#, Code::Invalid),
        ("Nobody", r#""viewer""#, Code::Invalid),
        ("Ed", r#""admin""#, Code::Invalid),
        ("Ed", "7", Code::Malformed),
        ("", "null", Code::Malformed),
    ] {
        let (_, body) = stage.give(&ann, user, role).await;
        assert_eq!(refusal(&body).code, code, "{user} {role}: {body}");
        assert_eq!(stage.give(&ed, user, role).await.0, 403, "{user} {role}");
    }
    let list = stage.list(&ann).await;
    let changeable: Vec<_> = list
        .people
        .iter()
        .filter(|access| access.may_change)
        .collect();
    assert_eq!(changeable.len(), 1, "{changeable:?}");
    assert_eq!(stage.accounts.grants().await.expect("reads"), before);
}

#[tokio::test]
async fn nobody_but_an_owner_sees_or_shares_anything() {
    let stage = Stage::new().await;
    let what = "GET /api/boards/home/access";
    let (status, body) = stage.ask(what, "Guest", "").await;
    let said = refusal(&body);
    assert_eq!((status, said.code), (403, Code::Forbidden));
    assert!(said.detail.contains("driftless token create"), "{said:?}");

    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    for (name, role) in [("Ed", Role::Editor), ("Vi", Role::Viewer)] {
        let (_, token) = stage.token(name, Some("home"), role).await;
        let (status, body) = stage.ask(what, &token, "").await;
        assert_eq!((status, refusal(&body).code), (403, Code::Forbidden));
        assert!(stage.make(&token, VIEWER).await.is_err(), "{name}");
        assert_eq!(stage.revoke(&token, 1).await.0, 403, "{name}");
    }
    assert_eq!(stage.ask(what, "driftless_guess", "").await.0, 401);
    let foreign = format!("Authorization: Bearer {ann}\r\nOrigin: http://evil.test\r\n");
    assert_eq!(ask(&stage.server, what, &foreign).await.0, 403);
    assert_eq!(stage.list(&ann).await.people.len(), 3);
}

#[tokio::test]
async fn a_browser_is_answered_in_message_pack_refusals_too() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    let path = |board: &str| format!("/api/boards/{board}/access");
    let headers = format!("Authorization: Bearer {ann}\r\nAccept: application/msgpack\r\n");
    let get = async |board: &str| bytes_of(&stage.server, &path(board), &headers).await;
    let list = get("home").await;
    let list = AccessList::from_message_pack(&list).expect("a list");
    assert_eq!(list.user.as_str(), "Ann");
    let refusal = get("other").await;
    let refusal = HttpRefusal::from_message_pack(&refusal).expect("a refusal");
    assert_eq!(refusal.code, Code::Forbidden);
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_what_is_wrong_with_it() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    let link = |name: &str, seconds: u64| {
        format!(r#"{{"name":"{name}","role":"viewer","is_link":true,"expires_s":{seconds}}}"#)
    };
    let refused = [
        ("{}".to_owned(), Code::Malformed),
        (VIEWER.replace("expires_s", "expires"), Code::Malformed),
        (VIEWER.replace("viewer", "admin"), Code::Invalid),
        (VIEWER.replace("viewer", "none"), Code::Invalid),
        (link("", 60), Code::Invalid),
        (link("Wall (link)", 60), Code::Invalid),
        (link("Wall", 59), Code::Invalid),
        (link("Wall", ACCESS_SECONDS_MAX + 1), Code::Invalid),
        (" ".repeat(ACCESS_BYTES_MAX + 1), Code::TooLarge),
    ];
    for (body, code) in refused {
        let (_, said) = stage.make(&ann, &body).await.expect_err("is refused");
        assert_eq!(said.code, code, "{body:.80}");
    }
    let longest = link("Wall", ACCESS_SECONDS_MAX);
    let padded = format!("{longest}{}", " ".repeat(ACCESS_BYTES_MAX - longest.len()));
    stage.make(&ann, &padded).await.expect("is made");
}

#[tokio::test]
async fn a_board_has_a_bounded_number_of_tokens_made_over_http_revoked_ones_of_today_too() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    // Her own is one of them.
    for number in 1..ACCESS_TOKENS_PER_BOARD_MAX {
        let body = format!(r#"{{"name":"L{number}","role":"viewer","is_link":true}}"#);
        let made = stage.make(&ann, &body).await.expect("is made");
        if number == 1 {
            assert_eq!(stage.revoke(&ann, made.number).await.0, 204);
        }
    }
    let (status, said) = stage.make(&ann, VIEWER).await.expect_err("is refused");
    assert_eq!((status, said.code), (429, Code::RateLimited));
    let list = stage.list(&ann).await;
    assert_eq!(list.people.len(), ACCESS_TOKENS_PER_BOARD_MAX - 1);
}

#[tokio::test]
async fn a_server_that_knows_nobody_says_where_that_is_decided() {
    let server = Server::start(Driftless::builder().auth(OpenAuth)).await;
    let (status, body) = ask(&server, "GET /api/boards/home/access", "").await;
    let said = refusal(&body);
    assert_eq!((status, said.code), (403, Code::Forbidden));
    assert!(said.detail.contains("--tokens"), "{said:?}");
}

#[tokio::test]
async fn a_list_that_is_too_long_says_that_there_are_more() {
    let stage = Stage::new().await;
    let (_, ann) = stage.token("Ann", Some("home"), Role::Owner).await;
    for number in 2..=ACCESS_ROWS_MAX {
        let grant = Grant {
            user: UserId::new(format!("P{number}")).ok(),
            board: None,
            role: Role::Viewer,
        };
        let given = stage.accounts.set_role(&grant, BY).await;
        given.expect("is given");
    }
    let list = stage.list(&ann).await;
    assert_eq!((list.people.len(), list.is_cut), (ACCESS_ROWS_MAX, false));
    stage.token("One more", Some("home"), Role::Viewer).await;
    let list = stage.list(&ann).await;
    assert_eq!((list.people.len(), list.is_cut), (ACCESS_ROWS_MAX, true));
}
