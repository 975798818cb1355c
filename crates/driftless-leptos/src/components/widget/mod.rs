//! One widget: live data, optimistic edits, its states, and an error boundary.

mod handle;
mod state;
mod badges;
mod boundary;

use std::sync::Arc;

use driftless_model::{Version, builtin};
use driftless_sync::replica::view::{Connection, RecordView};
use leptos::prelude::*;

use self::badges::badges;
use self::boundary::boundary;
pub use handle::{WidgetContext, WidgetError, WidgetId, try_use_widget};
pub use state::WidgetState;

use crate::clock::use_now;
use crate::context::{RealtimeContext, try_use_realtime, within};
use crate::erased::{memo, reactive};
use crate::hooks::WaitingEdit;
use crate::hooks::record_news::{RecordListeners, confirmed, tell};
use crate::missing_provider::{MissingProvider, failure};

/// Wraps one widget: a group named by the record's title, that shows whether changes are pending,
/// conflicted, late or offline, and contains an error that is returned inside it. The inside finds
/// a [`WidgetContext`]; it is shown for a record that is not on the board yet, too.
///
/// Parts: `widget` (`data-state`: see [`WidgetState`]; `data-record`), `widget-badges`,
/// `widget-conflict`, `widget-failure`.
#[component]
pub fn WidgetRealtime(
    /// The record that it shows.
    #[prop(into)]
    widget_id: WidgetId,
    /// Whether pending changes are shown at once. Otherwise the record stays as it was until
    /// nothing of it is pending.
    #[prop(default = true)]
    enable_optimistic: bool,
    /// While it holds, the inside is shown what it was shown when that began.
    #[prop(into, optional)]
    paused: Signal<bool>,
    /// Its name, instead of the record's title.
    #[prop(into, optional)]
    label: MaybeProp<String>,
    /// Told of each change of the record.
    #[prop(into, optional)]
    on_update: Option<Callback<Arc<RecordView>>>,
    /// Told of what goes wrong.
    #[prop(into, optional)]
    on_error: Option<Callback<WidgetError>>,
    /// Told when all changes of the record are confirmed, with the board's version.
    #[prop(into, optional)]
    on_sync: Option<Callback<Version>>,
    /// Classes of the group.
    #[prop(into, optional)]
    class: String,
    /// The widget.
    children: ChildrenFn,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="WidgetRealtime" /> }.into_any();
    };
    let id = match widget_id.record_id() {
        Ok(id) => id,
        Err(error) => return failure(error.to_string()).into_any(),
    };
    let latest = context.record(&id);
    let record = if enable_optimistic {
        latest
    } else {
        confirmed(latest)
    };
    let widget = WidgetContext::new(id.clone(), record, paused);
    let listeners = RecordListeners {
        update: on_update,
        sync: on_sync,
        waiting: on_error.map(|tell| Callback::new(move |edit: WaitingEdit| tell.run(edit.into()))),
    };
    tell(context, latest, id.clone(), listeners);
    let has_failed = RwSignal::new(false);
    let late_ms = late(widget);
    let state = state(context, widget, latest, late_ms, has_failed);
    let name = id.to_string();
    let title = move || {
        let title = label
            .get()
            .or_else(|| latest.with(|record| title_of(record.as_deref()?)));
        title.unwrap_or_else(|| name.clone())
    };
    let children = StoredValue::new(children);
    let inside = within(move || {
        provide_context(widget);
        boundary(children, has_failed, on_error).into_any()
    });
    view! {
        <section
            class=class
            role="group"
            aria-label=reactive(title)
            data-part="widget"
            data-testid="widget"
            data-record=id.to_string()
            data-state=reactive(move || state.get().name())
            aria-busy=reactive(move || {
                (state.get() == WidgetState::Loading).then_some("true")
            })
        >
            {inside}
            {badges(context, widget, latest, state, late_ms)}
        </section>
    }
    .into_any()
}

fn title_of(record: &RecordView) -> Option<String> {
    let title = record.value(&builtin::TITLE.path())?.as_text()?;
    (!title.is_empty()).then(|| title.to_owned())
}

/// For how long the widget's feed has had no news, where that is too long. Without a feed there is
/// no timer.
fn late(widget: WidgetContext) -> Memo<Option<u64>> {
    let follows = memo(move || widget.follows());
    let clock = memo(move || follows.get().then(use_now));
    memo(move || {
        let now = clock.get()?.get();
        let late_ms = widget.late_ms(now)?;
        // To the second, as it is shown.
        Some(late_ms / 1000 * 1000)
    })
}

/// Whether what is shown may be old. The first attempt to connect is not worth a word: it takes a
/// moment.
fn is_offline(connection: &Connection) -> bool {
    !matches!(
        connection,
        Connection::Online { .. }
            | Connection::Connecting { attempt: 1 }
            | Connection::Handshaking { attempt: 1 }
    )
}

fn state(
    context: RealtimeContext,
    widget: WidgetContext,
    latest: Signal<Option<Arc<RecordView>>>,
    late_ms: Memo<Option<u64>>,
    has_failed: RwSignal<bool>,
) -> Memo<WidgetState> {
    let is_offline = memo(move || context.status.with(|s| is_offline(&s.connection)));
    memo(move || {
        let is_about = |about: fn(&RecordView) -> bool| {
            latest.with(|record| record.as_deref().is_some_and(about))
        };
        let is_there = is_about(|_| true);
        WidgetState::first(
            [
                (WidgetState::Error, has_failed.get()),
                (
                    WidgetState::Conflict,
                    is_about(|record| !record.conflicts.is_empty()),
                ),
                (WidgetState::Pending, is_about(|record| record.is_pending)),
                (
                    WidgetState::Forbidden,
                    !is_there && context.refusal.with(Option::is_some),
                ),
                (WidgetState::Loading, !is_there && !context.loaded.get()),
                (WidgetState::Missing, !is_there),
                (WidgetState::Paused, widget.paused.get()),
                (WidgetState::Offline, is_offline.get()),
                (WidgetState::Late, late_ms.with(Option::is_some)),
            ],
            WidgetState::Live,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempt_to_connect_does_not_flash_offline() {
        assert!(!is_offline(&Connection::Connecting { attempt: 1 }));
        assert!(is_offline(&Connection::Connecting { attempt: 2 }));
        assert!(is_offline(&Connection::Offline));
    }
}
