use std::sync::Arc;

use driftless_leptos::{RealtimeContext, WidgetError, WidgetRealtime, try_use_widget};
use driftless_model::Version;
use driftless_model::builtin::TITLE;
use driftless_protocol::{Aggregate, Query};
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

/// A widget that shows its record's title and a feed, and may break.
#[component]
pub fn Thermometer(
    #[prop(into)] widget_id: String,
    enable_optimistic: bool,
    paused: bool,
    is_broken: bool,
    on_update: Callback<Arc<RecordView>>,
    on_sync: Callback<Version>,
    on_error: Callback<WidgetError>,
) -> impl IntoView {
    view! {
        <WidgetRealtime
            widget_id
            enable_optimistic
            paused=Signal::stored(paused)
            on_update
            on_sync
            on_error
        >
            <Reading />
            {is_broken.then(|| "no number".parse::<f64>())}
        </WidgetRealtime>
    }
}

#[component]
fn Reading() -> impl IntoView {
    let widget = try_use_widget().expect("a WidgetRealtime is around it");
    let temperature = expect_context::<RealtimeContext>().feed(Query {
        selector: "temperature".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    });
    widget.follow(temperature);
    let title = move || {
        let record = widget.record.get()?;
        Some(record.value(&TITLE.path())?.as_text()?.to_owned())
    };
    let value = move || {
        let latest = temperature.get().series.first()?.latest()?;
        Some(format!("{:.1} °C", latest.1))
    };
    view! {
        <strong>{title}</strong>
        <p class="reading">{value}</p>
    }
}
