//! The connection: what the device, the application and the server do to it.

use driftless_client::platform::SocketEvent;
use driftless_sync::replica::view::Connection;

use crate::faulty::Disk;
use crate::stage::{Stage, builder, home, make_note, shown};

#[test]
fn it_connects_by_itself_unless_told_not_to() {
    let mut stage = Stage::new();
    let client = stage.start(builder().auto_connect(false));
    assert!(stage.connection().is_none());
    assert_eq!(client.status().connection, Connection::Idle);
    client.connect();
    assert!(stage.connection().is_some());
}

#[test]
fn the_token_is_in_the_first_message() {
    let mut stage = Stage::new();
    let _client = stage.start(builder().token(Some("secret".to_owned())));
    let peer = stage.accept();
    assert_eq!(
        peer.hello.and_then(|hello| hello.token).as_deref(),
        Some("secret")
    );
}

#[test]
fn a_lost_connection_comes_back_by_itself_and_edits_arrive_once() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let edit = make_note(&client, "One");
    stage.settle();
    let lost = peer.pushes();
    assert_eq!(lost.len(), 1);
    peer.event(SocketEvent::Closed {
        code: Some(1006),
        reason: "lost".to_owned(),
    });
    stage.settle();
    assert!(matches!(
        client.status().connection,
        Connection::Waiting { .. }
    ));
    stage.pass_ms(60_000);
    let mut peer = stage.accept();
    assert_eq!(peer.pushes(), lost, "the same seq, id and content");
    peer.apply(&lost[0], 1);
    assert!(stage.now(edit.applied()).is_ok());
}

#[test]
fn a_frame_that_is_no_message_ends_the_connection_and_another_follows() {
    let mut stage = Stage::new();
    let (client, peer) = stage.online(Disk::default());
    peer.event(SocketEvent::Frame(vec![0xc1]));
    stage.settle();
    assert!(peer.is_gone());
    assert!(matches!(
        client.status().connection,
        Connection::Waiting { .. }
    ));
    stage.pass_ms(60_000);
    stage.accept();
    assert!(matches!(
        client.status().connection,
        Connection::Online { .. }
    ));
}

#[test]
fn a_pulled_cable_cuts_without_farewell_and_nothing_connects_until_it_is_back() {
    let mut stage = Stage::new();
    let (client, peer) = stage.online(Disk::default());
    client.hold_network(true);
    stage.settle();
    assert!(peer.is_gone() && !peer.is_closed());
    assert!(client.status().network_held);
    assert_eq!(client.status().connection, Connection::Offline);
    make_note(&client, "One");
    client.connect();
    stage.pass_ms(600_000);
    assert!(stage.connection().is_none());
    assert_eq!(
        (shown(&client).as_deref(), client.status().pending),
        (Some("One"), 1)
    );
    client.hold_network(false);
    let mut peer = stage.accept();
    assert!(!client.status().network_held);
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn the_cable_and_the_application_both_have_to_say_yes() {
    let mut stage = Stage::new();
    let (client, peer) = stage.online(Disk::default());
    client.set_online(false);
    client.hold_network(true);
    client.hold_network(false);
    stage.pass_ms(60_000);
    assert!(peer.is_gone() && stage.connection().is_none());
    client.set_online(true);
    assert!(stage.connection().is_some());
}

#[test]
fn disconnecting_says_farewell_and_stays_away() {
    let mut stage = Stage::new();
    let (client, peer) = stage.online(Disk::default());
    client.disconnect();
    stage.pass_ms(600_000);
    assert!(peer.is_closed() && stage.connection().is_none());
    assert_eq!(client.status().connection, Connection::Idle);
}

#[test]
fn silence_is_asked_about_and_then_given_up() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    peer.heard();
    for _ in 0..8 {
        stage.pass_ms(crate::stage::HEARTBEAT_MS / 4);
    }
    let is_ping = |message: &driftless_protocol::ClientMessage| {
        matches!(message, driftless_protocol::ClientMessage::Ping { .. })
    };
    assert!(peer.heard().iter().any(is_ping));
    assert!(peer.is_gone());
    assert!(!matches!(
        client.status().connection,
        Connection::Online { .. }
    ));
}

#[test]
fn only_the_followed_boards_are_asked_for() {
    let mut stage = Stage::new();
    let client = stage.start(builder().auto_connect(false));
    client.board(home());
    client.board(driftless_model::BoardId::new("other").expect("an id"));
    client.unfollow(home());
    client.connect();
    let peer = stage.accept();
    let asked = peer.hello.expect("accepted").boards;
    assert_eq!(
        asked
            .iter()
            .map(|ask| ask.board.as_str())
            .collect::<Vec<_>>(),
        ["other"]
    );
}
