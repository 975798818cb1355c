//! Feeds shared by the widgets of a provider: equal queries are one feed, however many show it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_client::{Client, Feed};
use driftless_feeds::FeedData;
use driftless_model::SortedMap;
use driftless_protocol::Query;
use leptos::prelude::*;

#[derive(Debug)]
struct Open {
    feed: Feed,
    data: ArcRwSignal<Arc<FeedData>>,
    users: usize,
}

/// The open feeds, by query.
#[derive(Debug, Default)]
pub struct SharedFeeds(Mutex<SortedMap<Query, Open>>);

impl SharedFeeds {
    /// The data of a query, with one user more. Opens the feed for the first.
    pub fn acquire(&self, client: &Client, query: &Query) -> ArcRwSignal<Arc<FeedData>> {
        let mut open = self.lock();
        let feed = open.entry(query.clone()).or_insert_with(|| {
            let feed = client.feed(query.clone());
            let data = ArcRwSignal::new(feed.data());
            Open {
                feed,
                data,
                users: 0,
            }
        });
        feed.users += 1;
        feed.data.clone()
    }

    /// One user less. The feed stays open until [`SharedFeeds::close_unused`]: a widget that is
    /// built again asks for the same query a moment later.
    pub fn release(&self, query: &Query) {
        if let Some(feed) = self.lock().get_mut(query) {
            feed.users = feed.users.saturating_sub(1);
        }
    }

    /// Closes the feeds that nobody uses.
    pub fn close_unused(&self) {
        self.lock().retain(|_, feed| feed.users > 0);
    }

    /// A feed has news.
    pub fn refresh(&self, number: u32) {
        let news = {
            let open = self.lock();
            let feed = open.values().find(|open| open.feed.id() == number);
            feed.map(|open| (open.data.clone(), open.feed.data()))
        };
        // Out of the lock before anybody is told: an effect may ask for another feed.
        if let Some((signal, data)) = news {
            signal.set(data);
        }
    }

    fn lock(&self) -> MutexGuard<'_, SortedMap<Query, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
