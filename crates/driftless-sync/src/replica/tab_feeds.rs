//! Who leads serves the other tabs: the boards and feeds that they follow.

use driftless_model::{BoardId, SortedMap, SortedSet, limits};
use driftless_protocol::tab::Wants;
use driftless_protocol::{FeedFrame, Query, TabId, TabMessage};

/// The first number of a feed that is another tab's. Those below are the application's.
const FIRST_FEED: u32 = 1 << 31;

/// What other tabs want of the one that leads.
#[derive(Debug)]
pub struct TabFeeds {
    tabs: SortedMap<TabId, Heard>,
    feeds: SortedMap<u32, Served>,
    next_feed: u32,
}

#[derive(Debug)]
struct Heard {
    boards: SortedSet<BoardId>,
    at_ms: u64,
}

#[derive(Debug)]
struct Served {
    tab: TabId,
    feed: u32,
    query: Query,
    count: u64,
}

/// What changes on the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A feed is opened, perhaps anew.
    Open(u32, Query),
    /// A feed is closed.
    Close(u32),
}

impl Default for TabFeeds {
    fn default() -> Self {
        Self {
            tabs: SortedMap::new(),
            feeds: SortedMap::new(),
            next_feed: FIRST_FEED,
        }
    }
}

impl TabFeeds {
    /// A tab says all that it wants.
    pub fn want(&mut self, wants: &Wants, now_ms: u64) -> Vec<Change> {
        if !self.tabs.contains_key(&wants.tab) && self.tabs.len() >= limits::TABS_MAX {
            return Vec::new();
        }
        let boards = wants.boards.iter().take(limits::BOARDS_PER_CONNECTION_MAX);
        let heard = Heard {
            boards: boards.cloned().collect(),
            at_ms: now_ms,
        };
        self.tabs.insert(wants.tab, heard);
        let is_wanted = |served: &Served| {
            let mut wanted = wants.feeds.iter();
            wanted.any(|(feed, query)| served.feed == *feed && served.query == *query)
        };
        let own = self.feeds.iter().filter(|(_, own)| own.tab == wants.tab);
        let needless = own.filter(|(_, own)| !is_wanted(own));
        let needless: Vec<u32> = needless.map(|(number, _)| *number).collect();
        let mut changes = self.close(needless);
        for (feed, query) in wants.feeds.iter().take(limits::FEEDS_PER_CONNECTION_MAX) {
            changes.extend(self.open(wants.tab, *feed, query));
        }
        changes
    }

    fn open(&mut self, tab: TabId, feed: u32, query: &Query) -> Option<Change> {
        let mut served = self.feeds.values();
        if served.any(|own| own.tab == tab && own.feed == feed) {
            return None;
        }
        let number = self.next_feed;
        self.next_feed = self.next_feed.checked_add(1).unwrap_or(FIRST_FEED);
        let served = Served {
            tab,
            feed,
            query: query.clone(),
            count: 0,
        };
        self.feeds.insert(number, served);
        Some(Change::Open(number, query.clone()))
    }

    fn close(&mut self, numbers: Vec<u32>) -> Vec<Change> {
        for number in &numbers {
            self.feeds.remove(number);
        }
        numbers.into_iter().map(Change::Close).collect()
    }

    /// A tab missed samples.
    pub fn again(&self, tab: TabId, feed: u32) -> Option<Change> {
        let mut served = self.feeds.iter();
        let (number, own) = served.find(|(_, own)| own.tab == tab && own.feed == feed)?;
        Some(Change::Open(*number, own.query.clone()))
    }

    /// Samples came: for whom they are.
    pub fn frame(&mut self, mut frame: FeedFrame) -> Option<TabMessage> {
        let own = self.feeds.get_mut(&frame.feed)?;
        own.count += 1;
        frame.feed = own.feed;
        let (to, count) = (own.tab, own.count);
        Some(TabMessage::Feed { to, count, frame })
    }

    /// A feed cannot be served: whom that is about.
    pub fn error(&self, number: u32, detail: String) -> Option<TabMessage> {
        let own = self.feeds.get(&number)?;
        let (to, feed) = (own.tab, own.feed);
        Some(TabMessage::FeedError { to, feed, detail })
    }

    /// Every feed of another tab, for a connection that starts.
    pub fn all(&self) -> Vec<(u32, Query)> {
        let feeds = self.feeds.iter();
        feeds
            .map(|(number, own)| (*number, own.query.clone()))
            .collect()
    }

    /// Whether another tab follows a board.
    pub fn follows(&self, board: &BoardId) -> bool {
        self.tabs.values().any(|heard| heard.boards.contains(board))
    }

    /// The boards that other tabs follow.
    pub fn boards(&self) -> SortedSet<BoardId> {
        let boards = self.tabs.values().flat_map(|heard| &heard.boards);
        boards.cloned().collect()
    }

    /// Forgets tabs that were not heard of for long: closed, most likely. A hidden one is heard of
    /// once a minute at least. Answers what that changes, if there was one.
    pub fn forget_silent(&mut self, now_ms: u64) -> Option<Vec<Change>> {
        let is_silent = |at_ms: u64| now_ms.saturating_sub(at_ms) > limits::TAB_FORGOTTEN_MS;
        let before = self.tabs.len();
        self.tabs.retain(|_, heard| !is_silent(heard.at_ms));
        if self.tabs.len() == before {
            return None;
        }
        let feeds = self.feeds.iter();
        let orphans = feeds.filter(|(_, own)| !self.tabs.contains_key(&own.tab));
        let orphans = orphans.map(|(number, _)| *number).collect();
        Some(self.close(orphans))
    }
}
