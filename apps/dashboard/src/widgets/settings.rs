//! The settings of a widget: title, unit and query. Each field is an edit of its own.

use driftless_client::SeenMark;
use driftless_leptos::RealtimeContext;
use driftless_leptos::part;
use driftless_leptos::popover::Popover;
use driftless_model::{Leaf, RecordId, Value, builtin};
use driftless_protocol::feed::Query;
use leptos::prelude::*;

use crate::editing::Editor;
use crate::field::{Field, Written};
use crate::grid::state::title_of;
use crate::widgets::feed::leaf;
use crate::widgets::query::{self, Part};
use driftless_leptos::erased::{handler, memo};

/// The settings behind a button.
#[component]
pub fn WidgetSettings(
    /// The widget.
    record: RecordId,
    /// Its title, for the button's name.
    title: Signal<String>,
    /// Whether it shows a feed.
    has_feed: bool,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let label = Signal::derive(move || format!("Settings of {}", title.get()));
    let record = StoredValue::new(record);
    let trigger = || {
        view! {
            <span class="icon-button" data-testid="widget-settings">
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M2 4h5M11 4h3M2 8h2M8 8h6M2 12h7M13 12h1" />
                    <circle
                        cx="9"
                        cy="4"
                        r="1.75"
                    />
                    <circle cx="6" cy="8" r="1.75" /><circle cx="11" cy="12" r="1.75" />
                </svg>
            </span>
        }
    };
    view! {
        <Popover open trigger label heading=label>
            {fields(record.get_value(), has_feed)}
        </Popover>
    }
}

part! {
    fn fields(record: RecordId, has_feed: bool) {
        fields_view(record, has_feed).into_any()
    }
}

fn fields_view(record: RecordId, has_feed: bool) -> impl IntoView {
    view! {
        <div class="settings">
            <TextField
                record=record.clone()
                leaf=builtin::TITLE
                label="Title"
                test_id="settings-title"
                verb="Rename"
            />
            {has_feed.then(|| view! { <FeedFields record /> })}
        </div>
    }
}

/// A text leaf.
#[component]
fn TextField(
    record: RecordId,
    leaf: Leaf<String>,
    label: &'static str,
    test_id: &'static str,
    verb: &'static str,
) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let editor = expect_context::<Editor>();
    let text = crate::widgets::feed::leaf(realtime, &record, leaf);
    let value = Signal::derive(move || text.get().unwrap_or_default());
    let commit = Callback::new(move |written: Written| {
        let text = written.text.trim().to_owned();
        let label = format!("{verb} “{}”", title_in(realtime, &record));
        editor.set(label, written.seen, record.clone(), leaf, text);
        Ok(())
    });
    view! { <Field label test_id value commit /> }
}

#[component]
fn FeedFields(record: RecordId) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let value = leaf::<Value>(realtime, &record, builtin::QUERY);
    let query = memo(move || value.with(|value| query::from_value(value.as_ref()?)));
    let fields = QueryFields {
        realtime,
        editor: expect_context(),
        record: StoredValue::new(record.clone()),
        query,
    };
    let options = move || {
        let shown = fields.text(Part::Aggregate);
        driftless_protocol::Aggregate::NAMED
            .map(|(name, _)| view! { <option value=name selected=shown == name>{name}</option> })
    };
    let seen = StoredValue::new(None::<SeenMark>);
    let choose = move |event| {
        let text = event_target_value(&event);
        let seen = seen.get_value().unwrap_or_else(|| fields.editor.seen());
        let _ = fields.write(Part::Aggregate, Written { seen, text });
    };
    view! {
        <TextField
            record=record
            leaf=builtin::UNIT
            label="Unit"
            test_id="settings-unit"
            verb="Change unit of"
        />
        <Field
            label="Series"
            test_id="settings-selector"
            length_max=512
            value=fields.signal(Part::Selector)
            commit=fields.commit(Part::Selector)
        />
        <div class="settings-row">
            <Field
                label="Window, s"
                test_id="settings-window"
                is_number=true
                value=fields.signal(Part::Window)
                commit=fields.commit(Part::Window)
            />
            <Field
                label="Step, s"
                test_id="settings-step"
                is_number=true
                value=fields.signal(Part::Step)
                commit=fields.commit(Part::Step)
            />
            <label class="field">
                <span class="field-label">"Aggregate"</span>
                <select
                    class="input"
                    data-testid="settings-aggregate"
                    on:focus=handler(move |_| seen.set_value(Some(fields.editor.seen())))
                    on:change=handler(choose)
                >
                    {options}
                </select>
            </label>
        </div>
    }
}

/// The fields of one query.
#[derive(Clone, Copy)]
struct QueryFields {
    realtime: RealtimeContext,
    editor: Editor,
    record: StoredValue<RecordId>,
    query: Memo<Option<Query>>,
}

impl QueryFields {
    fn query(self) -> Query {
        let none = || Query {
            selector: String::new(),
            window_s: 300,
            step_s: 1,
            aggregate: driftless_protocol::feed::Aggregate::Avg,
        };
        self.query.get().unwrap_or_else(none)
    }

    fn text(self, part: Part) -> String {
        part.text(&self.query())
    }

    fn signal(self, part: Part) -> Signal<String> {
        Signal::derive(move || self.text(part))
    }

    fn commit(self, part: Part) -> Callback<Written, Result<(), String>> {
        Callback::new(move |written| self.write(part, written))
    }

    fn write(self, part: Part, written: Written) -> Result<(), String> {
        let query = part.filled(&untrack(|| self.query()), &written.text)?;
        let record = self.record.get_value();
        let value = query::to_value(&query);
        let label = format!("Change query of “{}”", title_in(self.realtime, &record));
        self.editor
            .set(label, written.seen, record, builtin::QUERY, value);
        Ok(())
    }
}

fn title_in(realtime: RealtimeContext, record: &RecordId) -> String {
    title_of(realtime.board().record(record).as_deref())
}
