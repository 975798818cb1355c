//! What the inside of a widget finds in context.

use std::sync::Arc;

use driftless_feeds::FeedData;
use driftless_model::{IdError, RecordId};
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

use crate::clock::Moment;
use crate::erased::effect;
use crate::hooks::WaitingEdit;

/// The record that a widget shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WidgetId(String);

impl WidgetId {
    /// The record's id, where the text is one.
    pub fn record_id(&self) -> Result<RecordId, IdError> {
        RecordId::new(&self.0)
    }
}

impl From<&str> for WidgetId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for WidgetId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<RecordId> for WidgetId {
    fn from(id: RecordId) -> Self {
        Self(id.to_string())
    }
}

impl From<&RecordId> for WidgetId {
    fn from(id: &RecordId) -> Self {
        Self(id.to_string())
    }
}

/// What went wrong in a widget.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WidgetError {
    /// What is inside returned an error.
    Content(String),
    /// An edit of its record waits for a person: somebody changed the same, or it was refused.
    Edit {
        /// The entry's number.
        number: u64,
        /// What the person did, in words.
        label: String,
    },
}

impl From<WaitingEdit> for WidgetError {
    fn from(edit: WaitingEdit) -> Self {
        let WaitingEdit { number, label } = edit;
        Self::Edit { number, label }
    }
}

/// The widget around the caller.
#[derive(Clone, Copy)]
pub struct WidgetContext {
    id: StoredValue<RecordId>,
    /// Its record, as it is to be shown.
    pub record: Signal<Option<Arc<RecordView>>>,
    /// Whether it is paused. Hand what should stand still meanwhile through [`Self::held`].
    pub paused: Signal<bool>,
    feed: RwSignal<Option<Followed>>,
}

/// A feed that decides whether the widget is late.
#[derive(Clone, Copy)]
struct Followed {
    data: Signal<Arc<FeedData>>,
    /// When its newest frame came.
    since: RwSignal<Moment>,
}

/// The widget around the caller, inside a `WidgetRealtime`.
pub fn try_use_widget() -> Option<WidgetContext> {
    use_context()
}

impl WidgetContext {
    pub(super) fn new(
        id: RecordId,
        record: Signal<Option<Arc<RecordView>>>,
        paused: Signal<bool>,
    ) -> Self {
        Self {
            id: StoredValue::new(id),
            record: held(record, paused),
            paused,
            feed: RwSignal::new(None),
        }
    }

    /// What a signal was when the widget was paused, for as long as it is; otherwise what it is.
    /// For a feed:
    ///
    /// ```no_run
    /// # use driftless_client::Query;
    /// # use driftless_leptos::{try_use_realtime, try_use_widget};
    /// # fn chart(query: Query) -> Option<()> {
    /// let (realtime, widget) = (try_use_realtime()?, try_use_widget()?);
    /// let data = widget.held(realtime.feed(query));
    /// # Some(())
    /// # }
    /// ```
    pub fn held<T>(&self, signal: Signal<T>) -> Signal<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        held(signal, self.paused)
    }

    /// Its record's id.
    pub fn id(&self) -> RecordId {
        self.id.get_value()
    }

    /// Lets a feed decide whether the widget is late, for as long as the caller's owner lives.
    pub fn follow(&self, data: Signal<Arc<FeedData>>) {
        let (feed, since) = (self.feed, RwSignal::new(Moment::now()));
        effect(move || {
            data.track();
            since.set(Moment::now());
        });
        feed.set(Some(Followed { data, since }));
        on_cleanup(move || {
            let _ = feed.try_set(None);
        });
    }

    /// Whether it follows a feed.
    pub(super) fn follows(&self) -> bool {
        self.feed.with(Option::is_some)
    }

    /// Whether it follows a feed of which nothing came yet.
    pub(super) fn has_nothing(&self) -> bool {
        let is_empty = |followed: &Followed| followed.data.with(|data| !data.is_loaded);
        self.feed.with(|feed| feed.as_ref().is_some_and(is_empty))
    }

    /// For how long the followed feed has had no news, in milliseconds, where that is too long.
    pub(super) fn late_ms(&self, now: Moment) -> Option<u64> {
        let Followed { data, since } = self.feed.get()?;
        let elapsed_ms = now.mono_ms.saturating_sub(since.get().mono_ms);
        data.with(|data| late_ms(data, elapsed_ms))
    }
}

fn held<T>(signal: Signal<T>, paused: Signal<bool>) -> Signal<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let shown = move |before: Option<&T>| match before {
        Some(before) if paused.get() => before.clone(),
        _ => signal.get(),
    };
    Memo::new(shown).into()
}

/// As [`WidgetContext::late_ms`], so long after the newest frame came.
fn late_ms(data: &FeedData, elapsed_ms: u64) -> Option<u64> {
    let server_now_ms = data.now_ms + elapsed_ms;
    let newest_ms = data.newest_ms()?;
    data.is_late(server_now_ms)
        .then(|| server_now_ms.saturating_sub(newest_ms))
}

#[cfg(test)]
mod tests {
    use driftless_protocol::feed::{Run, pack};
    use driftless_protocol::{Aggregate, FeedFrame, Query, SeriesName};

    use super::*;

    /// One value in the bucket from 100 s to 105 s, in a frame of 106 s.
    fn data() -> FeedData {
        let query = Query {
            selector: "cpu".into(),
            window_s: 60,
            step_s: 5,
            aggregate: Aggregate::Avg,
        };
        let mut data = FeedData::new(&query);
        let series = SeriesName {
            name: "cpu".into(),
            labels: driftless_model::SortedMap::new(),
        };
        let run = Run {
            series: 0,
            first_bucket: 20,
            values: vec![1.0],
        };
        let frame = FeedFrame {
            feed: 1,
            full: true,
            now_ms: 106_000,
            step_s: 5,
            series: vec![series],
            points: pack(&[run]),
        };
        data.apply(&frame).expect("the frame answers the query");
        data
    }

    #[test]
    fn a_feed_is_late_past_three_steps_also_when_no_frame_comes() {
        assert_eq!(late_ms(&data(), 0), None);
        assert_eq!(late_ms(&data(), 14_000), None);
        assert_eq!(late_ms(&data(), 14_001), Some(15_001));
    }

    #[test]
    fn any_text_can_name_a_widget_and_a_bad_one_is_told_when_it_is_used() {
        assert!(WidgetId::from("cpu").record_id().is_ok());
        assert!(WidgetId::from("a/b").record_id().is_err());
    }
}
