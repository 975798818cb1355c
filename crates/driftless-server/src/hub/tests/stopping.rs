//! What ends: a server, a room that nobody needs, and one whose board was replaced.

use super::*;

#[tokio::test]
async fn stopping_waits_for_what_was_pushed() {
    let store = Gated::new(0, None);
    let (boards, permits) = (store.boards.clone(), store.permits.clone());
    let server = Server::new(store);
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    author.push(push(1, "CPU")).await.expect("is taken");
    drop(author);
    let mut stopping = Box::pin(server.boards.stop());
    assert!(futures::poll!(&mut stopping).is_pending());
    permits.add_permits(1);
    tokio::time::timeout(PATIENCE, stopping)
        .await
        .expect("stops");
    assert_eq!(boards.load_now(&home()).head.version, Version(1));
    assert!(server.boards.open(&home()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_room_that_nobody_needs_is_dropped_and_opened_again() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    assert_eq!(applied(&mut author, push(1, "CPU")).await, Version(1));
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(server.boards.count(), 1);
    drop(author);
    // Time only moves when everything waits, so this is no race.
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(server.boards.count(), 0);
    let mut again = server.follower(1, None).await;
    assert_eq!(resume(&mut again).await.cursor.version, Version(1));
}

/// Whoever opened the board between what another process did and its being noticed shares the room
/// with everybody who comes after that.
#[tokio::test]
async fn a_board_that_another_process_replaced_is_read_again_and_has_one_room() {
    let store = MemoryBoards::new();
    let server = Server::new(store.clone());
    let mut early = server.follower(1, None).await;
    assert_eq!(resume(&mut early).await.cursor.version, Version(0));
    let mut elsewhere = Server::new(store).follower(2, None).await;
    resume(&mut elsewhere).await;
    applied(&mut elsewhere, push(1, "CPU")).await;

    server.boards.start_over(&home()).await;
    match take(&mut early, 1).await.remove(0) {
        Delivery::Close(closing) => assert_eq!(closing.code, CloseCode::Reset),
        other => panic!("not closed: {other:?}"),
    }
    early
        .follow(&home(), member(ClientId(1)), None)
        .await
        .expect("follows");
    assert_eq!(resume(&mut early).await.cursor.version, Version(1));
    let mut late = server.follower(3, None).await;
    resume(&mut late).await;
    assert_eq!(applied(&mut late, push(1, "Disk")).await, Version(2));
    let event = message(&mut early).await;
    assert!(matches!(event, ServerMessage::Event(event) if event.version == Version(2)));
    assert_eq!(server.boards.count(), 1);
}
