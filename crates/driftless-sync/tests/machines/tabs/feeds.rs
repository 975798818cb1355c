//! Feeds of tabs that do not lead, and how many tabs are served, for how long.

use driftless_model::limits;
use driftless_protocol::message::{ClientMessage, ServerMessage};
use driftless_protocol::tab::Wants;
use driftless_protocol::{Aggregate, FeedFrame, Packed, Query, TabId, TabMessage, Wish};
use driftless_sync::replica::{Command, Input, Notice};

use crate::pair::{Pair, board};
use crate::tabs::edits::three;

fn query() -> Query {
    Query {
        selector: "cpu".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Avg,
    }
}

fn frame(feed: u32, full: bool) -> FeedFrame {
    FeedFrame {
        feed,
        full,
        now_ms: 0,
        step_s: 1,
        series: Vec::new(),
        points: Packed::default(),
    }
}

/// The numbers under which the leader opened feeds so far.
fn opened(pair: &Pair, tab: usize) -> Vec<u32> {
    let sent = pair.people[tab].sent.iter();
    sent.filter_map(|message| match message {
        ClientMessage::OpenFeed { feed, .. } => Some(*feed),
        _ => None,
    })
    .collect()
}

fn shown(pair: &Pair, tab: usize) -> usize {
    let notices = pair.notices(tab).into_iter();
    notices
        .filter(|it| matches!(it, Notice::Feed(frame) if frame.feed == 3))
        .count()
}

#[test]
fn the_leader_serves_a_followers_feed() {
    let (mut pair, leader, follower, _) = three();
    let query = query();
    pair.command(follower, Command::OpenFeed { feed: 3, query });
    pair.settle();
    let feed = *opened(&pair, leader).last().expect("it is opened");
    assert_ne!(feed, 3, "the leader's own numbers are its own");
    pair.hear(leader, ServerMessage::Feed(frame(feed, true)));
    pair.settle();
    assert_eq!((shown(&pair, follower), shown(&pair, leader)), (1, 0));
    pair.command(follower, Command::CloseFeed { feed: 3 });
    pair.settle();
    let closed = ClientMessage::CloseFeed { feed };
    assert!(pair.people[leader].sent.contains(&closed));
}

#[test]
fn samples_that_got_lost_on_the_way_are_asked_for_again() {
    let (mut pair, leader, follower, _) = three();
    let query = query();
    pair.command(follower, Command::OpenFeed { feed: 3, query });
    pair.settle();
    let feed = *opened(&pair, leader).last().expect("it is opened");
    pair.hear(leader, ServerMessage::Feed(frame(feed, true)));
    pair.settle();
    pair.hear(leader, ServerMessage::Feed(frame(feed, false)));
    pair.people[follower].told.clear();
    let before = opened(&pair, leader).len();
    pair.hear(leader, ServerMessage::Feed(frame(feed, false)));
    pair.settle();
    assert_eq!(opened(&pair, leader).len(), before + 1);
}

#[test]
fn a_new_leader_serves_the_feeds_that_the_old_one_did() {
    let (mut pair, leader, follower, _) = three();
    let third = pair.open_tab(leader);
    let query = query();
    pair.command(follower, Command::OpenFeed { feed: 3, query });
    pair.settle();
    pair.people[leader].is_frozen = true;
    pair.elect(third);
    pair.settle();
    assert_eq!(opened(&pair, third).len(), 1);
}

fn wants(tab: u64) -> Input {
    Input::Told(Box::new(TabMessage::Wants(Wants {
        tab: TabId(tab),
        changed: 0,
        read: 0,
        wish: Wish::default(),
        boards: vec![board()],
        feeds: vec![(1, query())],
    })))
}

#[test]
fn as_many_tabs_are_served_as_the_limit_says() {
    let (mut pair, leader, _, _) = three();
    // One follower is there already.
    for tab in 1..=limits::TABS_MAX {
        pair.input(leader, wants(u64::try_from(tab).expect("a few")));
    }
    pair.settle();
    assert_eq!(opened(&pair, leader).len(), limits::TABS_MAX - 1);
}

#[test]
fn a_tab_that_is_not_heard_of_is_forgotten() {
    let (mut pair, leader, _, _) = three();
    pair.input(leader, wants(1));
    pair.settle();
    let closed = |pair: &Pair| {
        let sent = pair.people[leader].sent.iter();
        sent.filter(|it| matches!(it, ClientMessage::CloseFeed { .. }))
            .count()
    };
    pair.wait(limits::TAB_FORGOTTEN_MS - 200);
    pair.input(leader, Input::Wake);
    assert_eq!(closed(&pair), 0);
    pair.wait(400);
    pair.input(leader, Input::Wake);
    pair.settle();
    assert_eq!(closed(&pair), 1);
}
