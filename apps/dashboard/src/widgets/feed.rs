//! The feed of a widget, and what is said while there is nothing to show.

use std::sync::Arc;

use driftless_feeds::FeedData;
use driftless_leptos::{RealtimeContext, try_use_widget};
use driftless_model::{LeafValue, RecordId, Value, builtin};
use driftless_protocol::feed::Query;
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use crate::plot::units::Unit;
use crate::widgets::query;
use driftless_leptos::erased::{changing, memo};

/// An open feed with what its widget says about it.
#[derive(Clone)]
pub struct LiveFeed {
    /// The query.
    pub query: Query,
    /// The samples.
    pub data: Signal<Arc<FeedData>>,
    /// The unit of the values.
    pub unit: Signal<Unit>,
    /// The widget's title.
    pub title: Signal<String>,
}

/// A leaf of a record as a signal, renewed when its value changes and by nothing else.
pub fn leaf<T>(
    realtime: RealtimeContext,
    record: &RecordId,
    leaf: driftless_model::Leaf<T>,
) -> Signal<Option<T>>
where
    T: LeafValue + PartialEq + Clone + Send + Sync + 'static,
{
    let (record, path) = (realtime.record(record), leaf.path());
    let read = move || record.with(|record| T::from_value(record.as_ref()?.value(&path)?));
    memo(read).into()
}

/// What there is to see of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Loading,
    /// Nothing was ever loaded, and nobody is there to ask.
    Away,
    Error(String),
    Empty,
    Data,
}

fn shown(data: &FeedData, is_away: bool) -> Shown {
    if let Some(error) = &data.error {
        Shown::Error(error.clone())
    } else if !data.is_loaded && is_away {
        Shown::Away
    } else if !data.is_loaded {
        Shown::Loading
    } else if data.newest_ms().is_none() {
        Shown::Empty
    } else {
        Shown::Data
    }
}

/// Opens the feed that a widget asks for, again whenever its query changes, and shows `body` once
/// there is data.
#[component]
#[allow(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub fn FeedBody(
    /// The widget.
    record: RecordId,
    /// Shows the data.
    body: fn(LiveFeed) -> AnyView,
) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let value = leaf::<Value>(realtime, &record, builtin::QUERY);
    let query = memo(move || value.with(|value| query::from_value(value.as_ref()?)));
    let unit = leaf(realtime, &record, builtin::UNIT);
    let unit = memo(move || Unit::parse(&unit.get().unwrap_or_default()));
    let title = leaf(realtime, &record, builtin::TITLE);
    let title = Signal::derive(move || title.get().unwrap_or_else(|| "Untitled".to_owned()));
    changing(move || match query.get() {
        None => no_query().into_any(),
        Some(query) => {
            let feed = open(realtime, query, unit.into(), title);
            states(realtime, feed, body).into_any()
        }
    })
}

fn open(
    realtime: RealtimeContext,
    query: Query,
    unit: Signal<Unit>,
    title: Signal<String>,
) -> LiveFeed {
    let data = realtime.feed(query.clone());
    if let Some(widget) = try_use_widget() {
        widget.follow(data);
    }
    LiveFeed {
        query,
        data,
        unit,
        title,
    }
}

fn states(
    realtime: RealtimeContext,
    feed: LiveFeed,
    body: fn(LiveFeed) -> AnyView,
) -> impl IntoView {
    let data = feed.data;
    let status = realtime.status;
    let is_away = Memo::new(move |was: Option<&bool>| {
        status.with(|status| is_away(&status.connection, was.is_some_and(|was| *was)))
    });
    let now = memo(move || data.with(|data| shown(data, is_away.get())));
    changing(move || match now.get() {
        Shown::Loading => loading().into_any(),
        Shown::Away => nothing_yet().into_any(),
        Shown::Error(reason) => refused(reason).into_any(),
        Shown::Empty => no_data(&feed.query.selector).into_any(),
        Shown::Data => body(feed.clone()),
    })
}

/// Whether nothing comes soon. An attempt changes nothing: most follow one that failed.
fn is_away(connection: &Connection, was: bool) -> bool {
    match connection {
        Connection::Idle | Connection::Online { .. } => false,
        Connection::Connecting { .. } | Connection::Handshaking { .. } => was,
        _ => true,
    }
}

fn nothing_yet() -> impl IntoView {
    view! {
        <div class="widget-message" data-state="offline">
            <p>"No data on this device"</p>
            <p class="muted">"It comes once the page is connected again."</p>
        </div>
    }
}

fn loading() -> impl IntoView {
    // The stylesheet shows it only after 300 ms: most feeds are faster.
    view! {
        <div class="skeleton" role="status" data-state="loading">
            <span class="visually-hidden">"Loading"</span>
        </div>
    }
}

fn no_query() -> impl IntoView {
    view! {
        <div class="widget-message" data-state="empty">
            <p>"This widget has no query."</p>
            <p class="muted">"Unlock the board and choose a series in the widget's settings."</p>
        </div>
    }
}

fn no_data(selector: &str) -> impl IntoView {
    let text = format!("Nothing has reported {selector} in this window.");
    view! {
        <div class="widget-message" data-state="empty">
            <p>"No data"</p>
            <p class="muted">{text}</p>
        </div>
    }
}

fn refused(reason: String) -> impl IntoView {
    view! {
        <div class="widget-message" data-state="error">
            <p>"This query cannot be shown."</p>
            <p class="muted">{reason}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use driftless_protocol::feed::Aggregate;

    use super::*;

    #[test]
    fn an_attempt_that_follows_a_failure_is_no_loading() {
        let attempt = Connection::Connecting { attempt: 2 };
        assert!(!is_away(&attempt, false), "the first one");
        assert!(is_away(&Connection::Offline, false));
        assert!(is_away(&attempt, true));
        let mut data = FeedData::new(&Query {
            selector: "load1".to_owned(),
            window_s: 60,
            step_s: 1,
            aggregate: Aggregate::Last,
        });
        assert_eq!(shown(&data, false), Shown::Loading);
        assert_eq!(shown(&data, true), Shown::Away);
        data.is_loaded = true;
        assert_eq!(shown(&data, true), Shown::Empty);
    }
}
