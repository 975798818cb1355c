use driftless_model::limits;
use driftless_sync::room::{BoardImage, Stored};
use tempfile::TempDir;

use super::*;
use crate::server::BoardStore as _;
use crate::server::conformance::Script;

const BY: &str = "root at the command line";

struct Stage {
    folder: TempDir,
    accounts: Accounts,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let accounts = Accounts::open(folder.path().join("boards.db")).await;
        Self {
            folder,
            accounts: accounts.expect("opens"),
        }
    }

    async fn role(&self, name: &str, at: &str) -> Role {
        let role = self.accounts.role(&user(name), &board(at)).await;
        role.expect("is known")
    }

    async fn give(&self, name: Option<&str>, at: Option<&str>, role: Role) {
        let grant = Grant {
            user: name.map(user),
            board: at.map(board),
            role,
        };
        let given = self.accounts.set_role(&grant, BY).await;
        given.expect("is given");
    }

    async fn actions(&self) -> Vec<(String, String)> {
        let rows = self.accounts.audit(0, 100).await.expect("reads");
        assert!(rows.iter().all(|row| row.actor == BY), "{rows:?}");
        let said = |row: AuditRow| (row.action, row.detail);
        rows.into_iter().map(said).collect()
    }
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user")
}

fn board(name: &str) -> BoardId {
    BoardId::new(name).expect("a board")
}

fn token(byte: u8, name: &str, role: Option<Role>) -> NewToken {
    NewToken {
        hash: [byte; 32],
        user: user(name),
        is_link: false,
        role: role.map(|role| (None, role)),
        expires_ms: None,
    }
}

#[tokio::test]
async fn a_token_stands_for_its_user_until_it_is_revoked_and_its_number_is_never_given_again() {
    let stage = Stage::new().await;
    let accounts = &stage.accounts;
    assert_eq!(accounts.are_in_use().await, Ok(false));
    let new = token(1, "Ann", Some(Role::Editor));
    let number = accounts.add_token(&new, BY).await.expect("is kept");
    let row = accounts.token(&[1; 32]).await.expect("reads");
    let row = row.expect("is there");
    assert_eq!((row.number, row.user.as_str()), (number, "Ann"));
    assert_eq!((row.is_link, row.revoked_ms), (false, None));
    assert_eq!(accounts.token(&[2; 32]).await, Ok(None));
    assert_eq!(accounts.revoke(number, BY).await, Ok(true));
    assert_eq!(accounts.revoke(number, BY).await, Ok(false));
    let row = accounts.token_numbered(number).await.expect("reads");
    assert!(row.expect("is there").revoked_ms.is_some());
    assert_eq!(
        accounts.revoke(99, BY).await,
        Err(AccountError::NoToken(99))
    );
    let second = accounts.add_token(&token(2, "Ann", None), BY).await;
    assert!(second.expect("is kept") > number);
    // Whoever had a token once is not let in without one after it is gone.
    assert_eq!(accounts.are_in_use().await, Ok(true));
    accounts.close().await;
    assert!(are_in_use(&stage.folder.path().join("boards.db")).await);
    assert!(!are_in_use(&stage.folder.path().join("none.db")).await);
    assert!(!stage.folder.path().join("none.db").exists());
}

#[tokio::test]
async fn the_nearest_role_counts_and_share_links_are_not_everybody() {
    let stage = Stage::new().await;
    assert_eq!(stage.role("Ann", "home").await, Role::None);
    stage.give(None, None, Role::Viewer).await;
    stage.give(None, Some("plant"), Role::Editor).await;
    assert_eq!(stage.role("Ann", "home").await, Role::Viewer);
    assert_eq!(stage.role("Ann", "plant").await, Role::Editor);
    stage.give(Some("Ann"), None, Role::None).await;
    assert_eq!(stage.role("Ann", "plant").await, Role::None);
    stage.give(Some("Ann"), Some("plant"), Role::Owner).await;
    assert_eq!(stage.role("Ann", "plant").await, Role::Owner);
    let link = NewToken {
        is_link: true,
        role: Some((Some(board("home")), Role::Editor)),
        ..token(3, "Wall (link)", None)
    };
    stage.accounts.add_token(&link, BY).await.expect("is kept");
    assert_eq!(stage.role("Wall (link)", "home").await, Role::Editor);
    assert_eq!(stage.role("Wall (link)", "plant").await, Role::None);
    let ann = user("Ann");
    let taken = stage.accounts.withdraw_role(Some(&ann), None, BY).await;
    assert_eq!(taken, Ok(true));
    let taken = stage.accounts.withdraw_role(Some(&ann), None, BY).await;
    assert_eq!(taken, Ok(false));
    assert_eq!(stage.role("Ann", "home").await, Role::Viewer);
}

#[tokio::test]
async fn a_token_changes_no_role_and_a_link_is_no_person() {
    let stage = Stage::new().await;
    let accounts = &stage.accounts;
    let none = accounts.add_token(&token(1, "Ann", None), BY).await;
    assert_eq!(none, Err(AccountError::NoRole("Ann".to_owned())));
    assert_eq!(accounts.users().await, Ok(vec![]), "nothing is left of it");
    let owner = token(1, "Ann", Some(Role::Owner));
    accounts.add_token(&owner, BY).await.expect("is kept");
    let viewer = token(2, "Ann", Some(Role::Viewer));
    let error = accounts.add_token(&viewer, BY).await;
    let error = error.expect_err("is refused");
    assert!(error.to_string().contains("driftless role set"), "{error}");
    let link = NewToken {
        is_link: true,
        ..token(3, "Ann", Some(Role::Owner))
    };
    let error = accounts.add_token(&link, BY).await.expect_err("is refused");
    assert!(error.to_string().contains("a person"), "{error}");
    assert_eq!(stage.role("Ann", "home").await, Role::Owner);
}

#[tokio::test]
async fn a_removed_user_has_no_token_and_no_role_and_all_of_it_is_told() {
    let stage = Stage::new().await;
    let accounts = &stage.accounts;
    let new = token(1, "Ann", Some(Role::Editor));
    accounts.add_token(&new, BY).await.expect("is kept");
    accounts.remove_user(&user("Ann"), BY).await.expect("goes");
    let row = accounts.token(&[1; 32]).await.expect("reads");
    assert!(row.expect("is there").revoked_ms.is_some());
    assert_eq!(stage.role("Ann", "home").await, Role::None);
    assert_eq!(accounts.users().await.expect("reads")[0].tokens, 0);
    let nobody = accounts.remove_user(&user("Bo"), BY).await;
    assert_eq!(nobody, Err(AccountError::NoUser("Bo".to_owned())));
    let said = |action: &str, detail: &str| (action.to_owned(), detail.to_owned());
    let expected = [
        said("role set", "editor with a token"),
        said("token created", "token 1"),
        said("user removed", ""),
    ];
    assert_eq!(stage.actions().await, expected);
    assert_eq!(accounts.audit_end().await, Ok(3));
    assert_eq!(accounts.audit(2, 9).await.expect("reads").len(), 1);
}

#[tokio::test]
async fn a_removed_user_is_shut_out_until_they_are_given_a_role() {
    let stage = Stage::new().await;
    let accounts = &stage.accounts;
    stage.give(None, None, Role::Viewer).await;
    stage.give(Some("Ann"), None, Role::None).await;
    for _ in 0..2 {
        accounts.remove_user(&user("Ann"), BY).await.expect("goes");
        assert_eq!(stage.role("Ann", "home").await, Role::None);
    }
    let none = accounts.add_token(&token(1, "Ann", None), BY).await;
    assert_eq!(none, Err(AccountError::NoRole("Ann".to_owned())));
    let editor = token(1, "Ann", Some(Role::Editor));
    accounts.add_token(&editor, BY).await.expect("is kept");
    assert_eq!(stage.role("Ann", "home").await, Role::Editor);
}

#[tokio::test]
async fn whoever_has_no_board_to_read_is_told_from_whoever_has_one() {
    let stage = Stage::new().await;
    let may_read = async |name: &str| {
        let may_read = stage.accounts.may_read(&user(name)).await;
        may_read.expect("reads")
    };
    assert!(!may_read("Ann").await);
    stage.give(None, Some("plant"), Role::Viewer).await;
    assert!(may_read("Ann").await);
    stage.give(Some("Ann"), Some("home"), Role::None).await;
    assert!(may_read("Ann").await);
    stage.give(Some("Ann"), Some("plant"), Role::None).await;
    assert!(!may_read("Ann").await);
    stage.give(None, None, Role::Viewer).await;
    assert!(may_read("Ann").await);
    stage.give(Some("Ann"), None, Role::None).await;
    assert!(!may_read("Ann").await);
    stage.give(Some("Ann"), Some("home"), Role::Editor).await;
    assert!(may_read("Ann").await);
    let link = NewToken {
        is_link: true,
        role: Some((Some(board("home")), Role::Viewer)),
        ..token(3, "Wall (link)", None)
    };
    stage.accounts.add_token(&link, BY).await.expect("is kept");
    assert!(may_read("Wall (link)").await);
    let wall = user("Wall (link)");
    stage.accounts.remove_user(&wall, BY).await.expect("goes");
    assert!(!may_read("Wall (link)").await);
}

#[tokio::test]
async fn the_audit_log_keeps_as_many_lines_as_it_may_and_no_longer_ones() {
    let stage = Stage::new().await;
    let fill = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers
            WHERE n < ?)
        INSERT INTO audit (time_ms, actor, action, user, board, detail)
        SELECT n, 'a', 'b', '', '', '' FROM numbers";
    let rows = i64::try_from(limits::AUDIT_ROWS_MAX).expect("is small") - 1;
    let filled = sqlx::query(fill).bind(rows).execute(&stage.accounts.writer);
    filled.await.expect("fills");
    let long = "å".repeat(limits::AUDIT_DETAIL_BYTES_MAX);
    let both = [long.clone(), long];
    let noted = stage.accounts.note("sign-in refused", &both, BY).await;
    noted.expect("are noted");
    let first = stage.accounts.audit(0, 1).await.expect("reads");
    assert_eq!(first[0].number, 2);
    let end = stage.accounts.audit_end().await.expect("reads");
    let last = stage.accounts.audit(end - 1, 2).await.expect("reads");
    assert_eq!(last[0].detail.len(), limits::AUDIT_DETAIL_BYTES_MAX);
    assert_eq!(
        end,
        u64::try_from(limits::AUDIT_ROWS_MAX).expect("is small") + 1
    );
}

/// Whoever is refused again and again has their lines, and washes nobody else's out.
#[tokio::test]
async fn lines_that_change_nothing_are_forgotten_before_those_that_do() {
    let stage = Stage::new().await;
    stage.give(Some("Ann"), None, Role::Editor).await;
    let lines = vec!["from 192.0.2.7".to_owned(); 500];
    for _ in 0..=limits::AUDIT_NOTES_MAX / lines.len() {
        let noted = stage.accounts.note("sign-in refused", &lines, BY).await;
        noted.expect("are noted");
    }
    let kept = sqlx::query("SELECT count(*) FROM audit WHERE action = 'sign-in refused'");
    let kept = kept.fetch_one(&stage.accounts.writer).await.expect("reads");
    let kept: i64 = sqlx::Row::get(&kept, 0);
    let most = i64::try_from(limits::AUDIT_NOTES_MAX).expect("is small");
    assert_eq!(kept, most);
    let first = stage.accounts.audit(0, 1).await.expect("reads");
    assert_eq!(first[0].user, Some(user("Ann")));
}

#[tokio::test]
async fn those_who_have_a_role_on_a_board_are_named_with_the_one_that_counts_there() {
    let stage = Stage::new().await;
    stage.give(None, None, Role::Viewer).await;
    stage.give(Some("Ann"), None, Role::Owner).await;
    stage.give(Some("Ann"), Some("plant"), Role::Viewer).await;
    stage.give(Some("Bo"), Some("plant"), Role::Editor).await;
    stage.give(Some("Cy"), Some("other"), Role::Owner).await;
    let holders = stage.accounts.holders(&board("plant"), 10).await;
    let holders = holders.expect("reads");
    let shown = |holder: &Holder| {
        let name = holder.grant.user.as_ref().map_or("all", UserId::as_str);
        let at = holder.grant.board.as_ref().map_or("all", BoardId::as_str);
        (name.to_owned(), at.to_owned(), holder.is_elsewhere)
    };
    let shown: Vec<_> = holders.iter().map(shown).collect();
    let is = |name: &str, at: &str, is_elsewhere| (name.to_owned(), at.to_owned(), is_elsewhere);
    assert_eq!(
        shown,
        [
            is("Ann", "plant", true),
            is("Bo", "plant", false),
            is("all", "all", true)
        ]
    );
    assert_eq!(holders[0].grant.role, Role::Viewer);
    let few = stage.accounts.holders(&board("plant"), 2).await;
    assert_eq!(few.expect("reads").len(), 2);
    let one = stage.accounts.holder(&user("Cy"), &board("plant")).await;
    assert_eq!(one, Ok(None));
}

#[tokio::test]
async fn a_token_is_shared_with_nobody_who_is_known_already() {
    let stage = Stage::new().await;
    stage.give(Some("Elsewhere"), None, Role::Owner).await;
    let shared = |byte, name| {
        let mut new = token(byte, name, None);
        new.role = Some((Some(board("plant")), Role::Viewer));
        new
    };
    let plant = board("plant");
    let new = shared(1, "Elsewhere");
    let told = stage.accounts.share(&new, &plant, BY).await;
    assert!(matches!(told, Err(AccountError::Taken(..))), "{told:?}");
    let new = shared(2, "Ann");
    let number = stage.accounts.share(&new, &plant, BY).await;
    let number = number.expect("is kept");
    let found = stage.accounts.tokens_on(&plant, 0, 10).await;
    let found = found.expect("reads");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].number, &found[0].user), (number, &user("Ann")));
    let told = stage.accounts.share(&shared(3, "Ann"), &plant, BY).await;
    assert!(matches!(told, Err(AccountError::Taken(..))), "{told:?}");
}

#[tokio::test]
async fn a_deleted_board_is_gone_and_cannot_begin_anew_until_its_name_is_given_free() {
    let stage = Stage::new().await;
    let store = crate::server::SqliteBoards::open(stage.folder.path().join("boards.db")).await;
    let store = store.expect("opens");
    let (mut script, mut other) = (Script::new("plant"), Script::new("other"));
    let both = vec![script.edit(1, &[]), other.edit(2, &[])];
    assert_eq!(store.append(both).await, [Stored::Committed; 2]);
    let (plant, nowhere) = (board("plant"), board("nowhere"));
    assert_eq!(stage.accounts.delete_board(&nowhere, BY).await, Ok(false));
    assert_eq!(store.is_deleted(&plant).await, Ok(false));
    assert_eq!(stage.accounts.delete_board(&plant, BY).await, Ok(true));
    assert_eq!(stage.accounts.delete_board(&plant, BY).await, Ok(false));
    assert_eq!(store.is_deleted(&plant).await, Ok(true));
    assert_eq!(store.load(&plant).await, Ok(BoardImage::default()));

    // What comes too late fails alone.
    let anew = Script::new("plant").edit(3, &[]);
    let batch = vec![anew.clone(), other.edit(4, &[])];
    assert_eq!(
        store.append(batch).await,
        [Stored::Failed, Stored::Committed]
    );
    assert_eq!(stage.accounts.reopen_board(&plant, BY).await, Ok(true));
    assert_eq!(stage.accounts.reopen_board(&plant, BY).await, Ok(false));
    assert_eq!(store.append(vec![anew]).await, [Stored::Committed]);
    let actions = stage.actions().await;
    let actions: Vec<_> = actions.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["board deleted", "board reopened"]);
}
