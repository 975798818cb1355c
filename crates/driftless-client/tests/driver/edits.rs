//! An edit on its way: checked, shown, stored, sent, settled.

use std::time::Duration;

use driftless_client::{ClientEvent, EditError};
use driftless_model::{Invalid, RecordId, StaleLeaf, UserId, Value, Version};
use driftless_protocol::Code;
use driftless_protocol::message::Outcome;
use driftless_sync::replica::view::{EntryProgress, RecordView, Resolution};
use futures::{FutureExt, StreamExt};

use crate::faulty::Disk;
use crate::stage::{Stage, drain, home, make_note, note, retitle, shown, title};

#[test]
fn an_edit_is_shown_at_once_stored_sent_and_applied() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let edit = make_note(&client, "One");
    assert_eq!(edit.applied().now_or_never(), None);
    stage.settle();
    assert_eq!(shown(&client).as_deref(), Some("One"));
    assert_eq!(client.status().pending, 1);
    assert_eq!(stage.now(edit.stored()), Ok(()));
    let pushes = peer.pushes();
    assert_eq!(
        pushes
            .iter()
            .map(|push| (push.seq, push.id))
            .collect::<Vec<_>>(),
        [(1, edit.id())]
    );
    let mut events = client.events();
    peer.apply(&pushes[0], 1);
    assert_eq!(stage.now(edit.applied()), Ok(Version(1)));
    assert_eq!(client.board(home()).version(), Version(1));
    assert_eq!(
        (client.status().pending, shown(&client).as_deref()),
        (0, Some("One"))
    );
    let applied = ClientEvent::EditApplied {
        board: home(),
        id: edit.id(),
        label: "Add a note".to_owned(),
        version: Version(1),
    };
    assert!(drain(&mut events).contains(&applied));
}

#[test]
fn nothing_is_sent_before_it_is_stored() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, mut peer) = stage.online(disk.clone());
    disk.hold();
    let edit = make_note(&client, "One");
    stage.settle();
    assert_eq!(shown(&client).as_deref(), Some("One"));
    assert_eq!(edit.stored().now_or_never(), None);
    assert_eq!(peer.pushes(), []);
    disk.let_go();
    assert_eq!(stage.now(edit.stored()), Ok(()));
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn what_the_server_would_refuse_is_refused_here_and_now() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    peer.pushes();
    let board = client.board(home());
    let wrong = board.edit("Rename", |edit| edit.set(note(), title(), Value::from(7)));
    assert!(matches!(
        wrong,
        Err(EditError::Invalid(Invalid::Shape { .. }))
    ));
    let empty = board.edit("Nothing", |_| {});
    assert!(matches!(empty, Err(EditError::Invalid(Invalid::Empty))));
    let unnamed = board.edit("Add", |edit| edit.create(note(), "no name", []));
    assert!(matches!(unnamed, Err(EditError::Name(_))));
    let infinite = board.edit("Add", |edit| {
        edit.set(note(), driftless_model::BoardSettings::RANGE_S, f64::NAN);
    });
    assert!(matches!(
        infinite,
        Err(EditError::Invalid(Invalid::Shape { .. }))
    ));
    stage.settle();
    assert_eq!(peer.pushes(), []);
    assert_eq!(board.outbox().len(), 1);
}

#[test]
fn edits_made_in_one_breath_build_on_each_other() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    let second = retitle(&client, "Two");
    stage.settle();
    assert_eq!(shown(&client).as_deref(), Some("Two"));
    let first = peer.pushes();
    assert_eq!(first.len(), 1, "the second waits for the first's version");
    peer.apply(&first[0], 1);
    stage.settle();
    let pushes = peer.pushes();
    let sent = pushes[0].payload.open().expect("an edit");
    assert_eq!((sent.id, sent.changes[0].seen), (second.id(), Version(1)));
}

#[test]
fn a_mark_taken_when_the_gesture_began_is_what_was_seen() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    let push = peer.pushes().remove(0);
    peer.apply(&push, 1);
    stage.settle();
    let board = client.board(home());
    let mark = board.seen();
    // Somebody else's edit arrives while the field is open.
    peer.say(&driftless_protocol::ServerMessage::Event(
        driftless_protocol::message::Event {
            board: home(),
            version: Version(2),
            check: driftless_model::Check(2),
            id: driftless_model::EditId(9),
            author: UserId::new("Bob").expect("a name"),
            time_ms: 0,
            label: "Rename".to_owned(),
            effects: vec![],
            replaced: vec![],
        },
    ));
    stage.pass_ms(100);
    assert_eq!(board.version(), Version(2));
    let edit = board.edit("Rename", |edit| {
        edit.seen(mark);
        edit.set(note(), title(), Value::from("Two"));
    });
    edit.expect("a valid edit");
    stage.settle();
    let sent = peer.pushes().remove(0).payload.open().expect("an edit");
    assert_eq!(sent.changes[0].seen, Version(1));
}

#[test]
fn a_gesture_is_one_entry_while_it_waits_and_every_handle_hears_the_end() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    let creation = peer.pushes().remove(0);
    let board = client.board(home());
    let drag = |text: &str| {
        let edit = board.edit("Rename", |edit| {
            edit.gesture(7);
            edit.set(note(), title(), Value::from(text));
        });
        edit.expect("a valid edit")
    };
    let (early, late) = (drag("Tw"), drag("Two"));
    stage.settle();
    assert_eq!(board.outbox().len(), 2);
    peer.apply(&creation, 1);
    stage.settle();
    let push = peer.pushes().remove(0);
    assert_eq!(push.id, late.id());
    peer.apply(&push, 2);
    assert_eq!(stage.now(late.applied()), Ok(Version(2)));
    assert_eq!(stage.now(early.applied()), Ok(Version(2)));
}

#[test]
fn a_conflict_waits_in_the_outbox_and_keeping_mine_is_a_new_edit() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    let push = peer.pushes().remove(0);
    peer.apply(&push, 1);
    let edit = retitle(&client, "Mine");
    stage.settle();
    let push = peer.pushes().remove(0);
    let theirs = StaleLeaf {
        at: driftless_model::LeafRef {
            record: note(),
            leaf: Some(title()),
        },
        theirs: Some(Value::from("Theirs")),
        version: Version(2),
        author: UserId::new("Bob").ok(),
    };
    peer.outcome(
        &push,
        Outcome::Conflict {
            at: Version(2),
            stale: vec![theirs],
        },
    );
    assert_eq!(stage.now(edit.applied()), Err(EditError::Conflicted));
    assert_eq!((client.status().conflicts, client.status().pending), (1, 0));
    assert_eq!(shown(&client).as_deref(), Some("One"), "it left the view");
    let board = client.board(home());
    let entry = board.outbox()[0].clone();
    assert!(matches!(entry.state, EntryProgress::Conflicted(_)));
    let decided = board.resolve(&entry, Resolution::KeepMine);
    assert_eq!(decided, Ok(()));
    stage.settle();
    assert_eq!(shown(&client).as_deref(), Some("Mine"));
    let again = peer.pushes().remove(0);
    assert_ne!(again.id, edit.id());
    assert_eq!((again.seq, client.status().conflicts), (3, 0));
}

#[test]
fn a_refused_edit_can_be_tried_again_or_rolled_back() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let edit = make_note(&client, "One");
    stage.settle();
    let refuse = |push: &driftless_protocol::message::Push, peer: &crate::stage::Peer| {
        let detail = "no".to_owned();
        peer.outcome(
            push,
            Outcome::Rejected {
                code: Code::Forbidden,
                detail,
            },
        );
    };
    let push = peer.pushes().remove(0);
    refuse(&push, &peer);
    let rejected = EditError::Rejected {
        code: Code::Forbidden,
        detail: "no".to_owned(),
    };
    assert_eq!(stage.now(edit.applied()), Err(rejected));
    assert_eq!(client.status().quarantined, 1);
    let board = client.board(home());
    board.retry(board.outbox()[0].number);
    stage.settle();
    let push = peer.pushes().remove(0);
    assert_eq!((push.seq, client.status().quarantined), (2, 0));
    refuse(&push, &peer);
    stage.settle();
    board.roll_back(board.outbox()[0].number);
    stage.settle();
    assert_eq!((board.outbox().len(), shown(&client)), (0, None));
}

#[test]
fn what_the_application_asks_of_records_may_ask_the_client_something() {
    let mut stage = Stage::new();
    let (client, _peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    // On a thread of its own: what waits for itself would wait for ever.
    let (sender, selected) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let board = client.board(home());
        let asked = board.clone();
        let is_there = move |id: &RecordId, _: &RecordView| asked.record(id.clone()).is_some();
        let now = board.select(&is_there).len();
        let then = board.watch_select(is_there).next().now_or_never().flatten();
        sender.send((now, then.map(|records| records.len())))
    });
    let selected = selected.recv_timeout(Duration::from_mins(1));
    assert_eq!(selected, Ok((1, Some(1))));
}
