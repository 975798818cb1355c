//! A bar for each series.

use leptos::prelude::*;

use crate::widgets::feed::LiveFeed;
use crate::widgets::rows::{self, Latest};
use driftless_leptos::erased::{changing, keyed, memo, reactive};

/// The latest value of each series as a bar, greatest first.
#[component]
#[allow(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub fn BarsBody(
    /// What it shows.
    feed: LiveFeed,
) -> impl IntoView {
    let LiveFeed { data, unit, .. } = feed;
    let rows = memo(move || data.with(|data| rows::latest(data)));
    let scale = memo(move || {
        let unit = unit.get();
        rows.with(|rows| rows::bar_scale(rows, &unit))
    });
    let order =
        move || rows.with(|rows| rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>());
    let row = move |key: String| {
        let find = move |rows: &Vec<Latest>| rows.iter().find(|row| row.key == key).cloned();
        let row = memo(move || rows.with(&find));
        let value = move || row.with(|row| row.as_ref().map_or(f64::NAN, |row| row.value));
        let label = move || row.with(|row| row.as_ref().map(|row| row.label.clone()));
        let share = move || (value() / scale.get() * 100.0).clamp(0.0, 100.0);
        view! {
            <li class="bar" data-testid="bars-row">
                <span class="bar-label" title=reactive(label)>{changing(label)}</span>
                <span
                    class="bar-value number"
                >
                    {changing(move || unit.with(|unit| unit.format(value())))}
                </span>
                <span class="bar-track" aria-hidden="true">
                    <span
                        class="bar-fill"
                        style:width=reactive(move || format!("{:.2}%", share()))
                    ></span>
                </span>
            </li>
        }
        .into_any()
    };
    view! {
        <ul class="bars">
            {keyed(order, String::clone, row)}
        </ul>
    }
}
