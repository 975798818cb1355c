//! Who follows what, and how much of it.

use super::*;

#[tokio::test]
async fn one_connection_cannot_fill_a_rooms_queue() {
    let store = Gated::new(0, None);
    let permits = store.permits.clone();
    let server = Server::new(store);
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    let limit = limits::UNANSWERED_PUSHES_MAX as u64;
    for seq in 1..=limit {
        author.push(push(seq, "x")).await.expect("is taken");
    }
    // What is said of screens answers no edit.
    let asked = author.ask_screens(&home(), Version(0)).await;
    asked.expect("it follows the board");
    let told = message(&mut author).await;
    assert!(matches!(told, ServerMessage::Screens(_)), "{told:?}");
    let refused = author
        .push(push(limit + 1, "x"))
        .await
        .expect_err("refused");
    assert!(
        matches!(
            *refused,
            ServerMessage::Refused {
                code: Code::RateLimited,
                retry_after_ms: limits::UNANSWERED_RETRY_MS,
                ..
            }
        ),
        "{refused:?}"
    );
    permits.add_permits(10);
    let outcomes = take(&mut author, limits::UNANSWERED_PUSHES_MAX).await;
    assert_eq!(outcomes.len(), limits::UNANSWERED_PUSHES_MAX);
    assert_eq!(
        applied(&mut author, push(limit + 1, "x")).await,
        Version(limit + 1)
    );
}

#[tokio::test]
async fn who_does_not_follow_a_board_is_told_nothing_of_its_screens() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    resume(&mut follower).await;
    follower.leave(&home()).await;
    let asked = follower.ask_screens(&home(), Version(0)).await;
    let error = asked.expect_err("it does not follow the board");
    let is_it = matches!(
        *error,
        ServerMessage::Error {
            code: Code::NotSubscribed,
            ..
        }
    );
    assert!(is_it, "{error:?}");
}

#[tokio::test]
async fn a_connection_follows_as_many_boards_as_it_may_and_not_one_more() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    let board = |number: usize| BoardId::new(format!("board-{number}")).expect("a board id");
    for number in 1..limits::BOARDS_PER_CONNECTION_MAX {
        let board = board(number);
        let begun = follower.follow(&board, member(ClientId(1)), None).await;
        begun.expect("is within the limit");
    }
    let error = follower.follow(&board(0), member(ClientId(1)), None).await;
    let error = error.expect_err("is one past the limit");
    assert!(
        matches!(
            *error,
            ServerMessage::Error {
                code: Code::TooLarge,
                ..
            }
        ),
        "{error:?}"
    );
    follower.leave(&home()).await;
    let begun = follower.follow(&board(0), member(ClientId(1)), None).await;
    begun.expect("there is room again");
}

#[tokio::test]
async fn letters_of_a_former_subscription_are_not_read() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    // The first resume is in the mailbox, unread, when the second subscription begins.
    tokio::time::timeout(PATIENCE, follower.mailbox().clone().rung())
        .await
        .expect("the resume comes");
    let begun = follower.follow(&home(), member(ClientId(1)), None).await;
    begun.expect("follows");
    resume(&mut follower).await;
    assert_eq!(applied(&mut follower, push(1, "CPU")).await, Version(1));
}

#[tokio::test]
async fn whoever_follows_a_board_again_and_again_has_one_resume_waiting() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut follower).await;
    resume(&mut other).await;
    for _ in 0..64 {
        let begun = follower.follow(&home(), member(ClientId(1)), None).await;
        begun.expect("follows");
    }
    // The room takes this after all of those.
    applied(&mut other, push(1, "CPU")).await;
    let letter = follower.mailbox().take();
    assert!(matches!(letter, Some(Letter::Board { .. })), "{letter:?}");
    assert!(follower.mailbox().take().is_none());
}

#[tokio::test]
async fn the_newest_connection_of_a_client_wins_and_others_are_left_alone() {
    let server = Server::new(MemoryBoards::new());
    let mut old = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut old).await;
    resume(&mut other).await;
    let stranger = UserId::new("Bo").expect("a user");
    let entered = server.connections.enter(ClientId(1), stranger, usize::MAX);
    let same_client_of_another_user = entered.expect("has room");
    let mut new = server.follower(1, None).await;
    resume(&mut new).await;
    let delivery = take(&mut old, 1).await.remove(0);
    let Delivery::Close(closing) = delivery else {
        panic!("not replaced: {delivery:?}");
    };
    assert_eq!(closing.code, CloseCode::Replaced);
    drop(old);
    assert_eq!(server.connections.count(), 3);
    assert!(same_client_of_another_user.mailbox.take().is_none());
    let mut more = Vec::new();
    other.deliver(10, &mut more).await;
    assert!(more.is_empty());
    assert_eq!(applied(&mut new, push(1, "CPU")).await, Version(1));
}

#[tokio::test]
async fn a_user_has_as_many_connections_as_they_may_and_not_one_more() {
    let connections: Arc<Connections> = Arc::default();
    let max = limits::CONNECTIONS_PER_USER_MAX;
    let enter = |number: u128, user: UserId| connections.enter(ClientId(number), user, max);
    let mut entries = Vec::new();
    for number in 0..max as u128 {
        entries.push(enter(number, ann()).expect("has room"));
    }
    assert!(enter(max as u128, ann()).is_err());
    // The same client again takes its own place, and somebody else has theirs.
    entries.push(enter(0, ann()).expect("has a place"));
    assert!(enter(max as u128, ann()).is_err());
    let bo = UserId::new("Bo").expect("a user");
    entries.push(enter(max as u128, bo).expect("has room"));
    // One that was replaced leaves no place.
    drop(entries.remove(0));
    assert!(enter(max as u128, ann()).is_err());
    drop(entries.remove(0));
    entries.push(enter(max as u128, ann()).expect("has room again"));
    drop(entries);
    assert_eq!(connections.count(), 0);
}
