//! What followers see of a commit and of what goes wrong with it.

use super::*;

#[tokio::test]
async fn when_nobody_knows_whether_a_commit_happened_its_followers_are_cut() {
    for answer in [Stored::Unknown, Stored::Conflict] {
        let store = Gated::new(1, Some(answer));
        let server = Server::new(store);
        let mut author = server.follower(1, None).await;
        let mut other = server.follower(2, None).await;
        resume(&mut author).await;
        resume(&mut other).await;
        author.push(push(1, "CPU")).await.expect("is taken");
        for follower in [&mut author, &mut other] {
            let delivery = take(follower, 1).await.remove(0);
            let Delivery::Close(closing) = delivery else {
                panic!("not cut: {delivery:?}");
            };
            assert_eq!(closing.code, CloseCode::Reset);
        }
        // It happened: whoever comes back finds it.
        let mut again = server.follower(1, None).await;
        let resume = resume(&mut again).await;
        assert_eq!((resume.cursor.version, resume.last_seq), (Version(1), 1));
    }
}

#[tokio::test]
async fn when_a_room_panics_its_followers_are_cut_and_the_board_is_read_again() {
    let store = Gated::new(1, Some(Stored::Failed));
    let panics = store.panics.clone();
    let server = Server::new(store);
    let mut author = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut other).await;
    // After a commit that failed the board is read again: there the room panics.
    panics.store(true, Ordering::Release);
    author.push(push(1, "CPU")).await.expect("is taken");
    let delivery = take(&mut other, 1).await.remove(0);
    let Delivery::Close(closing) = delivery else {
        panic!("not cut: {delivery:?}");
    };
    assert_eq!(closing.code, CloseCode::Reset);
    let refused = message(&mut author).await;
    assert!(
        matches!(refused, ServerMessage::Refused { .. }),
        "{refused:?}"
    );
    let delivery = take(&mut author, 1).await.remove(0);
    assert!(matches!(delivery, Delivery::Close(_)), "{delivery:?}");
    panics.store(false, Ordering::Release);
    let mut again = server.follower(2, None).await;
    resume(&mut again).await;
}

#[tokio::test]
async fn whoever_writes_past_the_room_is_found_out_and_read() {
    let store = MemoryBoards::new();
    let server = Server::new(store.clone());
    let elsewhere = Server::new(store);
    let mut here = server.follower(1, None).await;
    let mut there = elsewhere.follower(2, None).await;
    resume(&mut here).await;
    resume(&mut there).await;
    assert_eq!(applied(&mut there, push(1, "there")).await, Version(1));
    here.push(push(1, "here")).await.expect("is taken");
    let delivery = take(&mut here, 1).await.remove(0);
    assert!(matches!(delivery, Delivery::Close(_)), "{delivery:?}");
    let mut again = server.follower(1, None).await;
    assert_eq!(resume(&mut again).await.cursor.version, Version(1));
    assert_eq!(applied(&mut again, push(1, "here")).await, Version(2));
}

#[tokio::test]
async fn a_store_that_fails_is_a_transient_refusal_and_the_edit_passes_later() {
    let store = Gated::new(1, None);
    let failing = Gated {
        answer: Some(Stored::Failed),
        boards: MemoryBoards::new(),
        ..store
    };
    let server = Server::new(failing);
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    author.push(push(1, "CPU")).await.expect("is taken");
    let ServerMessage::Refused { seq, code, .. } = message(&mut author).await else {
        panic!("not refused");
    };
    assert_eq!((seq, code), (1, Code::Unavailable));
}

#[tokio::test]
async fn appends_that_wait_are_one_batch() {
    let store = Gated::new(0, None);
    let (committer, writing) = Committer::start(Arc::new(store.clone()), Arc::new(Metrics::new()));
    let append = |board: &str| Append {
        board: BoardId::new(board).expect("a board id"),
        expect: Cursor::default(),
        head: Cursor::default(),
        log: vec![],
        delta: driftless_sync::room::Delta::default(),
        ledger: vec![],
        prune: driftless_sync::room::Prune::default(),
    };
    let mut first = Box::pin(committer.clone().commit(append("a")));
    assert!(futures::poll!(&mut first).is_pending());
    while store.batches.lock().expect("not poisoned").is_empty() {
        tokio::task::yield_now().await;
    }
    // As many as a batch may have, and one more.
    let rest = (0..=limits::BOARDS_PER_BATCH_MAX).map(|number| format!("b{number}"));
    let rest = rest.map(|board| committer.clone().commit(append(&board)));
    // More than a task may poll before it has to yield.
    let rest = rest.map(|commit| Box::pin(tokio::task::unconstrained(commit)));
    let mut rest: Vec<_> = rest.collect();
    for commit in &mut rest {
        assert!(futures::poll!(commit).is_pending());
    }
    store.permits.add_permits(3);
    assert_eq!(first.await, Stored::Committed);
    let stored = futures::future::join_all(rest).await;
    assert!(stored.iter().all(|stored| *stored == Stored::Committed));
    let batches = [1, limits::BOARDS_PER_BATCH_MAX, 1];
    assert_eq!(*store.batches.lock().expect("not poisoned"), batches);
    drop(committer);
    writing.await.expect("ends by itself");
}
