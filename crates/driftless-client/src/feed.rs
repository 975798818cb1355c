//! Live samples for one widget.

use std::sync::Arc;

use driftless_feeds::FeedData;
use driftless_protocol::Query;
use driftless_sync::replica::{Attention, Command, Subject};

use crate::news::Topic;
use crate::shared::{Published, Shared};
use crate::watch::Watch;

/// An open feed. Cheap to clone; `Send`. Dropping the last clone closes it.
///
/// ```
/// use driftless_client::{Aggregate, Query};
/// use driftless_testkit::TestKit;
/// use futures::StreamExt;
///
/// let kit = TestKit::new();
/// let client = kit.person("Ann").client();
/// let query = Query {
///     selector: "orders".to_owned(),
///     window_s: 60,
///     step_s: 1,
///     aggregate: Aggregate::Last,
/// };
/// let feed = client.feed(query);
/// let mut data = feed.watch();
/// let now = kit.until(data.next()).expect("the client runs");
/// assert!(now.error.is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Feed(Arc<OpenFeed>);

#[derive(Debug)]
struct OpenFeed {
    id: u32,
    query: Query,
    shared: Arc<Shared>,
}

impl Feed {
    /// Opens it.
    pub(crate) fn open(query: Query, shared: Arc<Shared>) -> Self {
        let id = shared.open_feed(query.clone());
        Self(Arc::new(OpenFeed { id, query, shared }))
    }

    /// Its number, as in [`crate::ClientEvent::Feed`].
    ///
    /// ```
    /// use driftless_client::{Aggregate, Query};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// # let query = Query {
    /// #     selector: "orders".to_owned(),
    /// #     window_s: 60,
    /// #     step_s: 1,
    /// #     aggregate: Aggregate::Last,
    /// # };
    /// let client = kit.person("Ann").client();
    /// let feed = client.feed(query.clone());
    /// assert_ne!(client.feed(query).id(), feed.id());
    /// ```
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// What it shows.
    ///
    /// ```
    /// use driftless_client::{Aggregate, Query};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// # let query = Query {
    /// #     selector: "orders".to_owned(),
    /// #     window_s: 60,
    /// #     step_s: 1,
    /// #     aggregate: Aggregate::Last,
    /// # };
    /// let client = kit.person("Ann").client();
    /// let feed = client.feed(query.clone());
    /// assert_eq!(feed.query(), &query);
    /// ```
    pub fn query(&self) -> &Query {
        &self.0.query
    }

    /// How much attention it gets: whether it is on screen, and at which pace it is shown.
    ///
    /// ```
    /// use driftless_client::{Aggregate, Attention, Pace, Query};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// # let query = Query {
    /// #     selector: "orders".to_owned(),
    /// #     window_s: 60,
    /// #     step_s: 1,
    /// #     aggregate: Aggregate::Last,
    /// # };
    /// let client = kit.person("Ann").client();
    /// let feed = client.feed(query.clone());
    ///
    /// // Scrolled out of sight.
    /// feed.attend(Attention { is_visible: false, pace: Pace::default() });
    /// ```
    pub fn attend(&self, attention: Attention) {
        let subject = Subject::Feed(self.0.id);
        let command = Command::Attend { subject, attention };
        self.0.shared.command(command);
    }

    /// What it shows now and from now on: the newest, however slowly that is read.
    ///
    /// ```
    /// use driftless_client::{Aggregate, Query};
    /// use driftless_protocol::SeriesName;
    /// use driftless_testkit::TestKit;
    /// use futures::StreamExt;
    ///
    /// let kit = TestKit::new();
    /// # let query = Query {
    /// #     selector: "orders".to_owned(),
    /// #     window_s: 60,
    /// #     step_s: 1,
    /// #     aggregate: Aggregate::Last,
    /// # };
    /// let feed = kit.person("Ann").client().feed(query);
    /// let mut data = feed.watch();
    /// assert!(kit.until(data.next()).expect("it runs").series.is_empty());
    /// let orders = SeriesName { name: "orders".to_owned(), labels: Default::default() };
    /// kit.server().push_samples([(&orders, 7.0)]).expect("it is a name");
    /// kit.advance_ms(2_000);
    /// assert_eq!(kit.until(data.next()).expect("it runs").series.len(), 1);
    /// ```
    pub fn watch(&self) -> Watch<Arc<FeedData>> {
        let (id, query) = (self.0.id, self.0.query.clone());
        let read = move |published: &Published| match published.feeds.get(&id) {
            Some(feed) => Arc::clone(&feed.data),
            None => Arc::new(FeedData::new(&query)),
        };
        Watch::new(Arc::clone(self.0.shared.state()), Topic::Feed(id), read)
    }

    /// What it shows now: its series within the window, or why it cannot be shown.
    ///
    /// ```
    /// use driftless_client::{Aggregate, Query};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// # let query = Query {
    /// #     selector: "orders".to_owned(),
    /// #     window_s: 60,
    /// #     step_s: 1,
    /// #     aggregate: Aggregate::Last,
    /// # };
    /// let client = kit.person("Ann").client();
    /// let feed = client.feed(query.clone());
    /// kit.advance_ms(1_000);
    /// assert!(feed.data().series.is_empty());
    /// ```
    pub fn data(&self) -> Arc<FeedData> {
        let data = self.0.shared.feed_data(self.0.id);
        data.unwrap_or_else(|| Arc::new(FeedData::new(&self.0.query)))
    }
}

impl Drop for OpenFeed {
    fn drop(&mut self) {
        self.shared.close_feed(self.id);
    }
}
