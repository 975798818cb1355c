//! Tabs of two builds whose messages have different formats: they share the storage, and one of
//! them leads, whichever it is.

use driftless_client::Client;
use driftless_sync::replica::view::Connection;

use crate::faulty::Disk;
use crate::stage::{OddTab, Stage, Tab, builder, home, make_note, shown};

/// What a tab of the format 99 says: that it leads, that it follows, that it wrote.
const LEADS: [u8; 3] = [99, 1, 0];
const FOLLOWS: [u8; 3] = [99, 0, 0];
const WROTE: [u8; 3] = [99, 2, 0];

/// More than what a tab waits for an answer.
const SILENCE_MS: u64 = 4_000;

fn tab(stage: &mut Stage, disk: &Disk) -> (Client, Tab) {
    let (client, tab) = stage.start_tab(builder().storage(disk.clone()));
    client.board(home());
    stage.settle();
    (client, tab)
}

/// Passes time in which a tab of the other format that leads answers whoever says anything.
fn pass_answering(stage: &mut Stage, odd: &mut OddTab, milliseconds: u64) {
    for _ in 0..milliseconds / 100 {
        stage.pass_ms(100);
        if !odd.heard().is_empty() {
            odd.tell(&LEADS);
        }
    }
}

fn closed(client: &Client) -> Option<String> {
    match client.status().connection {
        Connection::Closed { reason } => Some(reason),
        _ => None,
    }
}

#[test]
fn a_tab_of_another_format_that_leads_is_left_the_lead_and_named() {
    let mut stage = Stage::new();
    let mut odd = stage.odd_tab();
    odd.elect();
    let (client, own) = tab(&mut stage, &Disk::default());
    pass_answering(&mut stage, &mut odd, 5 * SILENCE_MS);
    assert!(odd.is_elected() && !own.is_elected());
    assert!(stage.connection().is_none());
    let reason = closed(&client).expect("closed");
    assert!(reason.contains("another version of this page"), "{reason}");

    let edit = make_note(&client, "Stored");
    pass_answering(&mut stage, &mut odd, 100);
    assert_eq!(stage.now(edit.stored()), Ok(()), "the other tab sends it");

    odd.close();
    stage.settle();
    assert!(own.is_elected());
    assert_eq!(stage.accept().pushes().len(), 1);
    assert_eq!(closed(&client), None);
}

#[test]
fn a_tab_of_another_format_that_does_not_answer_is_replaced() {
    let mut stage = Stage::new();
    let mut odd = stage.odd_tab();
    odd.elect();
    let (_client, own) = tab(&mut stage, &Disk::default());
    pass_answering(&mut stage, &mut odd, SILENCE_MS);
    assert!(odd.is_elected());
    for _ in 0..4 {
        stage.pass_ms(SILENCE_MS / 2);
    }
    assert!(own.is_elected());
}

#[test]
fn a_tab_that_leads_answers_those_of_another_format_and_shows_what_they_store() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, own) = tab(&mut stage, &disk);
    let _peer = stage.accept();
    let mut odd = stage.odd_tab();
    odd.tell(&FOLLOWS);
    stage.settle();
    let is_answer = |frame: &Vec<u8>| frame[0] != 99 && frame[1] & 1 == 1;
    assert!(odd.heard().iter().any(is_answer));

    // Another build stores something, as one of this format would whose messages are lost.
    stage.deafen(true);
    let (other, _) = tab(&mut stage, &disk);
    make_note(&other, "By another build");
    stage.pass_ms(100);
    assert_eq!(shown(&client), None);
    odd.tell(&WROTE);
    stage.pass_ms(100);
    assert_eq!(shown(&client).as_deref(), Some("By another build"));
    assert!(own.is_elected());
}

#[test]
fn two_that_both_lead_do_not_answer_each_other() {
    let mut stage = Stage::new();
    let (_client, own) = tab(&mut stage, &Disk::default());
    let mut odd = stage.odd_tab();
    odd.tell(&LEADS);
    stage.settle();
    assert_eq!(odd.heard(), Vec::<Vec<u8>>::new());
    assert!(own.is_elected());
}
