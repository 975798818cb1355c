//! Several tabs of one replica: one leads, the others follow, all show and edit the same.

use driftless_client::platform::{Signal, SocketEvent};
use driftless_client::{Client, ClientBuilder, EditError};
use driftless_model::Version;
use driftless_protocol::tab::TAB_FORMAT;
use driftless_store::replica::ReplicaStoreError;
use driftless_sync::replica::view::{Connection, StorageVerdict};
use futures::FutureExt;

use crate::faulty::Disk;
use crate::stage::{Peer, Stage, Tab, builder, home, make_note, retitle, shown};

/// A frame, and what may have to be read in it.
const FRAME_MS: u64 = 100;

fn tab_of(stage: &mut Stage, builder: ClientBuilder) -> (Client, Tab) {
    let (client, tab) = stage.start_tab(builder);
    client.board(home());
    stage.settle();
    (client, tab)
}

/// A tab of somebody who has not said their name.
fn guests_tab(stage: &mut Stage, disk: &Disk) -> (Client, Tab) {
    let builder = builder().storage(disk.clone());
    tab_of(stage, builder.kept_token("Guest".to_owned()))
}

fn tab(stage: &mut Stage, disk: &Disk) -> (Client, Tab) {
    tab_of(stage, builder().storage(disk.clone()))
}

/// Two tabs, of which the first one leads and is connected.
fn two(stage: &mut Stage, disk: &Disk) -> ([(Client, Tab); 2], Peer) {
    let first = tab(stage, disk);
    let peer = stage.accept();
    let second = tab(stage, disk);
    stage.pass_ms(FRAME_MS);
    ([first, second], peer)
}

fn is_online(client: &Client) -> bool {
    matches!(client.status().connection, Connection::Online { .. })
}

#[test]
fn a_second_tab_follows_and_has_no_connection_of_its_own() {
    let mut stage = Stage::new();
    let ([(first, _), (second, _)], mut peer) = two(&mut stage, &Disk::default());
    assert!(stage.connection().is_none());
    assert!(is_online(&first) && is_online(&second));
    assert_eq!(second.status().storage, StorageVerdict::Durable);
    let edit = make_note(&second, "Followed");
    stage.settle();
    assert_eq!(stage.now(edit.stored()), Ok(()));
    let pushes = peer.pushes();
    peer.apply(&pushes[0], 1);
    stage.pass_ms(FRAME_MS);
    assert!(stage.now(edit.applied()).is_ok());
    for client in [&first, &second] {
        assert_eq!(shown(client).as_deref(), Some("Followed"));
        assert_eq!(client.status().pending, 0);
    }
}

#[test]
fn what_tabs_edit_without_a_connection_is_sent_once_and_in_one_order() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let ([(first, _), (second, _)], mut peer) = two(&mut stage, &disk);
    first.hold_network(true);
    make_note(&first, "One");
    stage.pass_ms(FRAME_MS);
    retitle(&second, "Two");
    stage.pass_ms(FRAME_MS);
    assert_eq!(
        [&first, &second].map(|client| (shown(client), client.status().pending)),
        [(Some("Two".to_owned()), 2), (Some("Two".to_owned()), 2)]
    );
    assert_eq!(peer.pushes().len(), 0);
    first.hold_network(false);
    stage.pass_ms(2_000);
    let mut peer = stage.accept();
    let pushes = peer.pushes();
    assert_eq!(pushes.len(), 1, "the second waits for the first");
    peer.apply(&pushes[0], 1);
    stage.pass_ms(FRAME_MS);
    let pushes = peer.pushes();
    peer.apply(&pushes[0], 2);
    stage.pass_ms(FRAME_MS);
    assert_eq!((peer.pushes().len(), second.status().pending), (0, 0));
}

#[test]
fn a_closed_leader_is_followed_by_the_next_tab() {
    let mut stage = Stage::new();
    let ([(first, _), (second, tab)], _peer) = two(&mut stage, &Disk::default());
    assert!(!tab.is_elected());
    drop(first);
    stage.settle();
    assert!(tab.is_elected());
    stage.accept();
    assert!(is_online(&second));
}

#[test]
fn a_tab_that_shuts_down_leaves_the_others_connected() {
    let mut stage = Stage::new();
    let ([(first, _), (second, _)], mut peer) = two(&mut stage, &Disk::default());
    make_note(&second, "Last words");
    let stopping = second.shutdown().shared();
    assert_eq!(stopping.clone().now_or_never(), None);
    stage.pass_ms(FRAME_MS);
    stage.now(stopping);
    assert!(is_online(&first) && !peer.is_closed());
    assert_eq!(shown(&first).as_deref(), Some("Last words"));
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn a_tab_that_is_put_away_lets_others_lead_and_follows_when_it_comes_back() {
    let mut stage = Stage::new();
    let ([(first, away), (second, tab)], peer) = two(&mut stage, &Disk::default());
    away.say(Signal::Away(true));
    stage.settle();
    assert!(peer.is_gone() && tab.is_elected());
    let mut peer = stage.accept();
    make_note(&second, "Meanwhile");
    stage.settle();
    let pushes = peer.pushes();
    peer.apply(&pushes[0], 1);
    stage.pass_ms(FRAME_MS);
    assert_eq!(shown(&first), None);
    make_note(&first, "By a page that nobody sees");
    stage.pass_ms(FRAME_MS);
    assert_eq!(second.status().pending, 0, "it stands still");
    away.say(Signal::Away(false));
    away.say(Signal::Visible(true));
    stage.pass_ms(FRAME_MS);
    assert!(is_online(&first) && tab.is_elected());
    assert_eq!(second.status().pending, 1, "a second note of that id");
    let pushes = peer.pushes();
    peer.apply(&pushes[0], 2);
    stage.pass_ms(FRAME_MS);
    assert_eq!(shown(&first), shown(&second));
}

#[test]
fn a_page_that_is_put_away_while_its_storage_is_busy_can_be_stopped() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let ([(first, away), _second], _peer) = two(&mut stage, &disk);
    disk.hold();
    let edit = make_note(&first, "Last words");
    stage.settle();
    away.say(Signal::Away(true));
    stage.settle();
    let mut stopping = Box::pin(first.shutdown());
    assert!(stopping.as_mut().now_or_never().is_none());
    stage.settle();
    disk.let_go();
    stage.pass_ms(FRAME_MS);
    stage.now(stopping);
    assert_eq!(edit.stored().now_or_never(), Some(Ok(())));
}

#[test]
fn whoever_signs_in_and_stops_at_once_has_their_edit_stored() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (_first, _) = guests_tab(&mut stage, &disk);
    let _guests = stage.accept_as("Guest");
    let (second, _) = guests_tab(&mut stage, &disk);
    stage.pass_ms(FRAME_MS);
    second.set_token(Some("Zoë".to_owned()));
    let edit = make_note(&second, "Zoë's");
    let mut stopping = Box::pin(second.shutdown());
    assert!(stopping.as_mut().now_or_never().is_none());
    stage.pass_ms(FRAME_MS);
    stage.now(stopping);
    assert_eq!(edit.stored().now_or_never(), Some(Ok(())));
}

#[test]
fn a_leader_that_was_replaced_follows_and_its_edits_are_sent_by_the_new_one() {
    let mut stage = Stage::new();
    let ([(first, frozen), (second, _)], _peer) = two(&mut stage, &Disk::default());
    stage.deafen(true);
    second.take_over();
    stage.settle();
    assert!(!frozen.is_elected());
    stage.deafen(false);
    let edit = make_note(&first, "Thawed");
    stage.pass_ms(FRAME_MS);
    assert_eq!(stage.now(edit.stored()), Ok(()));
    assert_eq!(shown(&second).as_deref(), Some("Thawed"));
    let mut peer = stage.accept();
    assert_eq!(peer.pushes().len(), 1);
    assert!(stage.connection().is_none(), "one connection for all tabs");
}

#[test]
fn what_is_no_message_of_a_tab_is_ignored() {
    let mut stage = Stage::new();
    let ([_first, (second, tab)], _peer) = two(&mut stage, &Disk::default());
    let own = |message: &[u8]| [&[TAB_FORMAT, 0], message].concat();
    for garbage in [vec![], vec![7], own(&[]), own(&[7; 8]), own(&[0xc1; 64])] {
        tab.say(Signal::Told(garbage));
    }
    stage.pass_ms(FRAME_MS);
    assert!(is_online(&second));
}

#[test]
fn a_tab_with_another_token_takes_the_lead_once() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let token = |name: &str| builder().storage(disk.clone()).token(Some(name.to_owned()));
    let (first, older) = tab_of(&mut stage, token("Ann"));
    let _first_peer = stage.accept();
    let (_same, same) = tab_of(&mut stage, token("Ann"));
    stage.pass_ms(FRAME_MS);
    assert!(older.is_elected() && !same.is_elected());
    let (_second, newer) = tab_of(&mut stage, token("Bob"));
    stage.pass_ms(FRAME_MS);
    assert!(newer.is_elected());
    let second_peer = stage.accept();
    let hello = second_peer.hello.as_ref().expect("a hello");
    assert_eq!(hello.token.as_deref(), Some("Bob"));
    stage.pass_ms(FRAME_MS);
    assert!(newer.is_elected(), "the older one does not take it back");
    first.set_token(Some("Ann, renewed".to_owned()));
    stage.pass_ms(FRAME_MS);
    assert!(older.is_elected());
}

#[test]
fn a_tab_that_nobody_signed_in_at_takes_nothing_and_goes_on_as_the_leader_was() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (first, older) = tab_of(
        &mut stage,
        builder().storage(disk.clone()).token("secret".to_owned()),
    );
    let _peer = stage.accept();
    let guest = builder().storage(disk.clone());
    let (_second, guest) = tab_of(&mut stage, guest.kept_token("Guest".to_owned()));
    stage.pass_ms(FRAME_MS);
    assert!(older.is_elected() && stage.connection().is_none());
    first.set_token(Some("renewed".to_owned()));
    stage.pass_ms(FRAME_MS);
    let _peer = stage.accept();
    stage.pass_ms(FRAME_MS);
    assert!(older.is_elected() && stage.connection().is_none());
    drop(first);
    stage.pass_ms(FRAME_MS);
    assert!(guest.is_elected());
    let hello = stage.accept().hello.expect("a hello");
    assert_eq!(hello.token.as_deref(), Some("renewed"));
}

#[test]
fn what_is_made_right_after_a_sign_in_at_a_tab_that_follows_is_made_under_that_name() {
    for has_network in [true, false] {
        let mut stage = Stage::new();
        let disk = Disk::default();
        let (first, _older) = guests_tab(&mut stage, &disk);
        let _guests = stage.accept_as("Guest");
        let (second, newer) = guests_tab(&mut stage, &disk);
        stage.pass_ms(FRAME_MS);
        assert_eq!(second.status().user, first.status().user);
        second.set_token(Some("Zoë".to_owned()));
        let edit = make_note(&second, "Zoë's");
        if !has_network {
            second.hold_network(true);
        }
        stage.pass_ms(FRAME_MS);
        assert!(newer.is_elected());
        assert_eq!(second.status().user, None);
        assert_eq!(edit.stored().now_or_never(), Some(Ok(())));
        second.hold_network(false);
        stage.pass_ms(5_000);
        let mut peer = stage.accept_as("Zoë");
        stage.pass_ms(FRAME_MS);
        let hello = peer.hello.as_ref().expect("a hello");
        assert_eq!(hello.token.as_deref(), Some("Zoë"));
        if peer.is_gone() {
            // A copy of her own has an identity of its own.
            peer = stage.accept_as("Zoë");
            stage.pass_ms(FRAME_MS);
        }
        assert!(is_online(&first) && is_online(&second));
        let pushes = peer.pushes();
        assert_eq!(pushes.len(), 1);
        peer.apply(&pushes[0], 1);
        assert_eq!(stage.now(edit.applied()), Ok(Version(1)));
        let zoe = second.status().user.expect("she is known");
        assert_eq!(zoe.as_str(), "Zoë");
    }
}

#[test]
fn a_token_that_the_leader_has_too_holds_nothing_up() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let token = || builder().storage(disk.clone()).token("Ann".to_owned());
    let (first, older) = tab_of(&mut stage, token());
    let _peer = stage.accept_as("Ann");
    let (second, _) = tab_of(&mut stage, token());
    stage.pass_ms(FRAME_MS);
    first.hold_network(true);
    // It waits: so nobody knows yet whether whoever has the new token is Ann.
    make_note(&first, "Ann's");
    stage.pass_ms(FRAME_MS);
    for client in [&first, &second] {
        client.set_token(Some("renewed".to_owned()));
        // Until tabs that follow have asked.
        stage.pass_ms(10_000);
    }
    let edit = retitle(&second, "Hers too");
    stage.pass_ms(FRAME_MS);
    assert!(older.is_elected());
    assert_eq!(edit.stored().now_or_never(), Some(Ok(())));
}

#[test]
fn a_leader_that_is_not_let_in_is_replaced_by_a_tab_with_another_token_once() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let kept = |name: &str| {
        let builder = builder().storage(disk.clone());
        builder.kept_token(name.to_owned())
    };
    let refuse = |stage: &mut Stage| {
        let mut peer = stage.connection().expect("a connection");
        peer.event(SocketEvent::Opened);
        stage.settle();
        assert_eq!(peer.heard().len(), 1);
        peer.event(SocketEvent::Closed {
            code: Some(4200),
            reason: "no such token".to_owned(),
        });
        stage.pass_ms(FRAME_MS);
    };
    let (_guest, guest) = tab_of(&mut stage, kept("Guest"));
    refuse(&mut stage);
    let (_ann, ann) = tab_of(&mut stage, kept("Ann's"));
    stage.pass_ms(FRAME_MS);
    assert!(ann.is_elected());
    refuse(&mut stage);
    stage.pass_ms(FRAME_MS);
    assert!(ann.is_elected() && !guest.is_elected());
    assert!(stage.connection().is_none());
}

#[test]
fn tabs_of_a_device_that_keeps_nothing_are_apart() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let detail = "private mode".to_owned();
    disk.fail(Some(ReplicaStoreError::Refused { detail }));
    for _ in 0..2 {
        let (client, _) = tab(&mut stage, &disk);
        stage.accept();
        let storage = client.status().storage;
        assert!(matches!(storage, StorageVerdict::MemoryOnly { .. }));
        assert!(is_online(&client));
    }
}

#[test]
fn storage_that_cannot_be_read_again_is_said_and_read_later() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let ([(first, _), (second, _)], mut peer) = two(&mut stage, &disk);
    let detail = "a bad day".to_owned();
    disk.fail(Some(ReplicaStoreError::Failed { detail }));
    let edit = make_note(&second, "One");
    stage.pass_ms(FRAME_MS);
    let storage = second.status().storage;
    assert!(matches!(storage, StorageVerdict::NotSaved { .. }));
    disk.fail(None);
    stage.pass_ms(5_000);
    stage.pass_ms(FRAME_MS);
    assert_eq!(stage.now(edit.stored()), Ok(()));
    assert_eq!(peer.pushes().len(), 1);
    for client in [&first, &second] {
        assert_eq!(client.status().storage, StorageVerdict::Durable);
    }
}

#[test]
fn what_is_pending_stays_visible_when_the_storage_was_cleared_underneath() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let ([(first, tab), (second, other)], _peer) = two(&mut stage, &disk);
    first.hold_network(true);
    make_note(&first, "Kept");
    stage.pass_ms(FRAME_MS);
    disk.fail(Some(ReplicaStoreError::Cleared));
    let late = retitle(&first, "Late");
    stage.pass_ms(FRAME_MS);
    let StorageVerdict::Unusable { reason } = first.status().storage else {
        panic!("unusable: {:?}", first.status().storage);
    };
    assert!(reason.contains("export what is pending, then reload"));
    assert!(!tab.is_elected() && !other.is_elected());
    assert_eq!(first.board(home()).outbox().len(), 2);
    drop(late);
    let refused = retitle(&first, "Refused");
    let refused = stage.now(refused.applied());
    assert!(matches!(refused, Err(EditError::Refused { .. })));
    assert_eq!(second.board(home()).outbox().len(), 1);
}
