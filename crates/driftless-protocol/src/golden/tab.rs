//! What tabs tell each other.

use driftless_model::Version;

use crate::golden::parts::{board, user};
use crate::golden::{Sample, assert_covered, assert_golden, client, server, variants};
use crate::message::{ClientMessage, ServerMessage};
use crate::tab::{Leads, TabConnection, TabId, TabMessage, Wants, Wish};

variants! { name_of, NAMES: TabMessage,
    TabMessage::Wants(_) => "wants",
    TabMessage::Leads(_) => "leads",
    TabMessage::Changed { .. } => "changed",
    TabMessage::Feed { .. } => "feed.",
    TabMessage::FeedAgain { .. } => "feed_again",
    TabMessage::FeedError { .. } => "feed_error",
    TabMessage::Hurry { .. } => "hurry",
    TabMessage::Connect(_) => "connect",
    TabMessage::AskScreens { .. } => "ask_screens",
    TabMessage::Screens(_) => "screens",
    TabMessage::Look { .. } => "look",
    TabMessage::Shown { .. } => "shown",
}

variants! { connection_name, CONNECTIONS: TabConnection,
    TabConnection::Idle => "leads.idle",
    TabConnection::Connecting { .. } => "leads.connecting",
    TabConnection::Online { .. } => "leads.online",
    TabConnection::Waiting { .. } => "leads.waiting",
    TabConnection::Offline => "leads.offline",
    TabConnection::Unauthorised { .. } => "leads.unauthorised",
    TabConnection::Closed { .. } => "leads.closed",
}

const TAB: TabId = TabId(0x1122_3344_5566_7788);
const WISH: Wish = Wish {
    order: 4,
    is_wanted: true,
};

fn leads(connection: TabConnection) -> TabMessage {
    TabMessage::Leads(Leads {
        tab: TAB,
        term: 3,
        changed: 17,
        connection,
        wish: Wish::default(),
        user: None,
        server_build: None,
        last_sync_ms: None,
    })
}

fn online() -> TabMessage {
    let connection = TabConnection::Online {
        session: "7".into(),
        latency_ms: Some(12),
    };
    let TabMessage::Leads(mut leads) = leads(connection) else {
        unreachable!("who leads, leads")
    };
    leads.user = Some(user());
    leads.server_build = Some("0.1.0".into());
    leads.last_sync_ms = Some(1_794_000_000_000);
    TabMessage::Leads(leads)
}

fn wants(is_whole: bool) -> TabMessage {
    let query = client::samples().into_iter().find_map(|(_, it)| match it {
        ClientMessage::OpenFeed { query, .. } => Some(query),
        _ => None,
    });
    TabMessage::Wants(Wants {
        tab: TAB,
        changed: 2,
        read: 0,
        wish: Wish::default(),
        boards: is_whole.then(board).into_iter().collect(),
        feeds: query
            .filter(|_| is_whole)
            .map(|it| (7, it))
            .into_iter()
            .collect(),
    })
}

fn wants_wished() -> TabMessage {
    let TabMessage::Wants(mut wants) = wants(false) else {
        unreachable!("who wants, wants")
    };
    wants.wish = WISH;
    TabMessage::Wants(wants)
}

fn wants_read() -> TabMessage {
    let TabMessage::Wants(mut wants) = wants(false) else {
        unreachable!("who wants, wants")
    };
    wants.read = 9;
    TabMessage::Wants(wants)
}

fn leads_wished() -> TabMessage {
    let TabMessage::Leads(mut leads) = leads(TabConnection::Idle) else {
        unreachable!("who leads, leads")
    };
    leads.wish = Wish::default().then(false);
    TabMessage::Leads(leads)
}

fn feed() -> TabMessage {
    let frame = server::samples().into_iter().find_map(|(_, it)| match it {
        ServerMessage::Feed(frame) => Some(frame),
        _ => None,
    });
    TabMessage::Feed {
        to: TAB,
        count: 5,
        frame: frame.expect("there is a sample of it"),
    }
}

fn about_screens() -> [Sample<TabMessage>; 4] {
    [
        (
            "ask_screens",
            TabMessage::AskScreens {
                board: board(),
                version: Version(412),
            },
        ),
        ("screens", TabMessage::Screens(server::screens(1, Some(84)))),
        (
            "look",
            TabMessage::Look {
                board: board(),
                version: Version(412),
            },
        ),
        (
            "shown",
            TabMessage::Shown {
                board: board(),
                version: Version(412),
                ago_ms: 84,
            },
        ),
    ]
}

/// At least one of each variant.
pub fn samples() -> Vec<Sample<TabMessage>> {
    let waiting = TabConnection::Waiting {
        attempt: 2,
        retry_in_ms: 900,
        reason: "the link was lost".into(),
    };
    let reason = || "the token expired".to_owned();
    let asked_before_there_was_an_order = Wish {
        order: 0,
        is_wanted: true,
    };
    let mut samples = vec![
        ("wants", wants(true)),
        ("wants.nothing", wants(false)),
        ("leads.idle", leads(TabConnection::Idle)),
        (
            "leads.connecting",
            leads(TabConnection::Connecting { attempt: 1 }),
        ),
        ("leads.online", online()),
        ("leads.waiting", leads(waiting)),
        ("leads.offline", leads(TabConnection::Offline)),
        (
            "leads.unauthorised",
            leads(TabConnection::Unauthorised { reason: reason() }),
        ),
        (
            "leads.closed",
            leads(TabConnection::Closed { reason: reason() }),
        ),
        (
            "changed",
            TabMessage::Changed {
                tab: TAB,
                changed: 17,
            },
        ),
        ("feed.samples", feed()),
        ("feed_again", TabMessage::FeedAgain { tab: TAB, feed: 7 }),
        (
            "feed_error",
            TabMessage::FeedError {
                to: TAB,
                feed: 7,
                detail: "too many feeds".into(),
            },
        ),
        ("hurry", TabMessage::Hurry { board: board() }),
        (
            "connect",
            TabMessage::Connect(asked_before_there_was_an_order),
        ),
        ("connect.ordered", TabMessage::Connect(WISH)),
        ("wants.wished", wants_wished()),
        ("wants.read", wants_read()),
        ("leads.idle.wished", leads_wished()),
    ];
    samples.extend(about_screens());
    samples
}

#[test]
fn messages_between_tabs_are_golden() {
    assert_covered(samples(), name_of, NAMES);
    let connections = samples().into_iter().filter_map(|(file, it)| match it {
        TabMessage::Leads(leads) => Some((file, leads.connection)),
        _ => None,
    });
    assert_covered(connections, connection_name, CONNECTIONS);
    for (file, message) in samples() {
        let file = format!("tabs/{file}.hex");
        assert_golden(&file, &message, TabMessage::encode, |bytes| {
            TabMessage::decode(bytes).map_err(|error| error.to_string())
        });
    }
}
