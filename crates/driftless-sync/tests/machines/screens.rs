//! On how many screens of others a version is: who is asked, who answers, and when.

use driftless_model::{UserId, Version, limits};
use driftless_protocol::message::ClientMessage;
use driftless_sync::replica::{Command, Input};

use crate::pair::{Pair, board, create, set};

/// Ann, and two others; Bob looks at the board, Cid's page is hidden.
fn three() -> (Pair, usize, usize, usize) {
    let mut pair = Pair::new(&["Ann", "Bob", "Cid"]);
    pair.looks(1, true);
    pair.looks(2, false);
    (pair, 0, 1, 2)
}

/// An edit of a person. Answers the version that it made.
fn edited(pair: &mut Pair, who: usize) -> Version {
    pair.edit(who, vec![("note", create("Lunch"))]);
    pair.settle();
    version(pair, who)
}

fn version(pair: &Pair, who: usize) -> Version {
    let state = pair.people[who].replica.board(&board());
    state.expect("it is followed").state.version()
}

/// What a person sent about screens so far: questions, and answers.
fn sent(pair: &Pair, who: usize) -> (usize, usize) {
    let count = |is: fn(&ClientMessage) -> bool| {
        let sent = pair.people[who].sent.iter();
        sent.filter(|message| is(message)).count()
    };
    (
        count(|it| matches!(it, ClientMessage::AskScreens { .. })),
        count(|it| matches!(it, ClientMessage::Shown { .. })),
    )
}

#[test]
fn who_shows_it_says_since_when_and_who_does_not_says_so_once_it_does() {
    let (mut pair, ann, _, cid) = three();
    let version = edited(&mut pair, ann);
    pair.wait(1_000);
    pair.asks_screens(ann, version);
    let told = pair.screens(ann);
    assert_eq!(told[0], (2, 0, None), "how many were asked, at once");
    let [_, (2, 1, Some(ago_ms))] = told[..] else {
        panic!("Bob shows it, and nobody else: {told:?}");
    };
    assert!((1_000..2_000).contains(&ago_ms), "for as long: {ago_ms}");
    pair.looks(cid, true);
    assert_eq!(pair.screens(ann)[2..], [(2, 2, Some(0))]);
}

#[test]
fn nothing_is_asked_of_anybody_about_an_edit_that_nobody_asks_about() {
    let (mut pair, ann, bob, cid) = three();
    edited(&mut pair, ann);
    pair.looks(cid, true);
    for who in [ann, bob, cid] {
        assert_eq!(sent(&pair, who), (0, 0));
    }
}

#[test]
fn a_process_that_never_said_that_it_has_a_screen_does_not_answer() {
    let mut pair = Pair::new(&["Ann", "agent"]);
    let version = edited(&mut pair, 0);
    pair.asks_screens(0, version);
    assert_eq!(pair.screens(0), [(1, 0, None)]);
}

#[test]
fn what_is_not_on_screen_yet_is_told_with_the_frame_that_shows_it() {
    let (mut pair, ann, bob, _) = three();
    let next = version(&pair, ann).next();
    pair.asks_screens(ann, next);
    assert_eq!(pair.screens(ann), [(2, 0, None)]);
    assert_eq!(edited(&mut pair, ann), next);
    assert_eq!(pair.screens(ann)[1..], [(2, 1, Some(0))]);
    assert_eq!(sent(&pair, bob), (0, 1));
}

#[test]
fn another_device_of_the_same_person_counts_and_ones_own_connection_does_not() {
    let mut pair = Pair::new(&["Ann"]);
    let version = edited(&mut pair, 0);
    pair.asks_screens(0, version);
    assert_eq!(pair.screens(0), [(0, 0, None)]);
    let ann = UserId::new("Ann").expect("a user");
    let phone = pair.join(ann, driftless_model::SortedMap::new(), true);
    pair.looks(phone, true);
    let counts: Vec<_> = pair.screens(0).iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(counts, [(0, 0), (1, 0), (1, 1)], "it is asked as it comes");
}

#[test]
fn who_comes_later_is_asked_as_well_and_who_comes_back_counts_once() {
    let (mut pair, ann, bob, cid) = three();
    let version = edited(&mut pair, ann);
    pair.unplug(cid);
    pair.asks_screens(ann, version);
    let last = |pair: &Pair| pair.screens(ann).pop().map(|it| (it.0, it.1));
    assert_eq!(last(&pair), Some((1, 1)));
    pair.unplug(bob);
    pair.plug(bob);
    pair.plug(cid);
    pair.settle();
    assert_eq!(last(&pair), Some((2, 1)), "Bob is known to have seen it");
    assert_eq!(sent(&pair, bob).1, 1, "and is not asked again");
    pair.looks(cid, true);
    assert_eq!(last(&pair), Some((2, 2)));
}

#[test]
fn who_leaves_without_an_answer_does_not_count_and_an_answer_is_for_those_who_asked() {
    let (mut pair, ann, _, cid) = three();
    let version = edited(&mut pair, ann);
    pair.asks_screens(ann, version);
    pair.unplug(cid);
    pair.asks_screens(ann, version.next());
    let asked: Vec<_> = pair.screens(ann).iter().map(|it| it.0).collect();
    assert_eq!(asked, [2, 2, 1]);
    pair.unplug(ann);
    pair.plug(ann);
    pair.settle();
    let told = pair.screens(ann).len();
    pair.plug(cid);
    pair.looks(cid, true);
    assert_eq!(pair.screens(ann).len(), told, "another connection asked");
}

#[test]
fn without_a_connection_nothing_is_asked_then_or_later() {
    let (mut pair, ann, _, _) = three();
    let version = edited(&mut pair, ann);
    pair.unplug(ann);
    pair.asks_screens(ann, version);
    pair.plug(ann);
    pair.settle();
    assert_eq!((sent(&pair, ann).0, pair.screens(ann)), (0, vec![]));
}

#[test]
fn questions_go_out_at_a_pace_the_newest_first_and_the_oldest_are_left_out() {
    let (mut pair, ann, _, _) = three();
    edited(&mut pair, ann);
    let most = limits::SCREENS_WAITING_MAX as u64;
    // The first goes out at once.
    for version in 0..=most + 1 {
        let (board, version) = (board(), Version(version));
        pair.command(ann, Command::AskScreens { board, version });
    }
    assert_eq!(sent(&pair, ann).0, 1);
    pair.wait(limits::SCREENS_PACE_MS - 1);
    pair.input(ann, Input::Wake);
    assert_eq!(sent(&pair, ann).0, 1);
    for count in 2..=most + 2 {
        pair.wait(limits::SCREENS_PACE_MS);
        pair.input(ann, Input::Wake);
        let asked = pair.people[ann].sent.iter();
        let asked = asked.filter_map(|message| match message {
            ClientMessage::AskScreens { version, .. } => Some(version.0),
            _ => None,
        });
        let mut expected = vec![0];
        let newest = (2..=most + 1).rev();
        expected.extend(newest.take(usize::try_from(count - 1).expect("a few")));
        assert_eq!(asked.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn so_many_are_asked_and_so_many_questions_wait_for_an_answer() {
    let names: Vec<String> = (0..=limits::SCREENS_ASKED_MAX + 1)
        .map(|number| format!("P{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut pair = Pair::new(&names);
    let next = version(&pair, 0).next();
    pair.asks_screens(0, next);
    let most = u32::try_from(limits::SCREENS_ASKED_MAX).expect("a few");
    assert_eq!(pair.screens(0), [(most, 0, None)]);
    for later in 1..=limits::SCREENS_WAITING_MAX as u64 {
        pair.wait(limits::SCREENS_PACE_MS);
        pair.asks_screens(0, Version(next.0 + later));
    }
    let before = pair.screens(0).len();
    assert_eq!(edited(&mut pair, 1), next);
    pair.looks(1, true);
    // Their replica waits for as many, too: the first is forgotten on both sides.
    assert_eq!(pair.screens(0).len(), before);
    pair.edit(1, vec![("note", set("title", "Dinner"))]);
    pair.settle();
    assert_eq!(pair.screens(0)[before..], [(most, 1, Some(0))]);
}

#[test]
fn a_tab_that_does_not_lead_asks_and_answers_through_the_one_that_does() {
    let mut pair = Pair::new(&["Bob"]);
    let leader = pair.open_first_tab("Ann");
    let follower = pair.open_tab(leader);
    pair.looks(0, true);
    pair.looks(leader, false);
    pair.looks(follower, true);
    let made = edited(&mut pair, follower);
    pair.asks_screens(follower, made);
    let told = pair.screens(follower);
    let counts: Vec<_> = told.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(counts, [(1, 0), (1, 1)]);
    // Bob asks: the tab that is seen answers, once.
    pair.edit(0, vec![("note", set("title", "Dinner"))]);
    pair.settle();
    let made = version(&pair, 0);
    pair.asks_screens(0, made);
    let told = pair.screens(0);
    let counts: Vec<_> = told.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(counts, [(1, 0), (1, 1)]);
    assert_eq!(sent(&pair, leader), (1, 1));
}
