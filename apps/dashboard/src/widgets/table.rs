//! A row for each series.

use leptos::prelude::*;

use crate::widgets::feed::LiveFeed;
use crate::widgets::rows::{self, Column, Row};
use driftless_leptos::erased::{changing, memo};

/// Rows that are shown; the rest is counted.
const ROWS_MAX: usize = 10;

/// The latest values as a table.
#[component]
#[allow(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub fn TableBody(
    /// What it shows.
    feed: LiveFeed,
) -> impl IntoView {
    let LiveFeed {
        data, unit, title, ..
    } = feed;
    let table = memo(move || {
        let unit = unit.get();
        data.with(|data| rows::table(data, &unit, ROWS_MAX))
    });
    let columns = memo(move || table.with(|table| table.columns.clone()));
    let heads = move || {
        let head = |column: Column| view! { <th scope="col" class="number">{column.title}</th> };
        columns.get().into_iter().map(head).collect_view()
    };
    let hidden = move || {
        let hidden = table.with(|table| table.hidden);
        (hidden > 0)
            .then(|| view! { <p class="muted table-rest">{format!("and {hidden} more")}</p> })
    };
    view! {
        <div class="table-scroll">
            <table class="table">
                <caption class="visually-hidden">{changing(move || title.get())}</caption>
                <thead><tr><th scope="col">"Name"</th>{changing(heads)}</tr></thead>
                <tbody>
                    {changing(move || table.with(|table| {
                        table.rows.iter().map(|row| body_row(row, &table.columns)).collect_view()
                    }))}
                </tbody>
            </table>
            {changing(hidden)}
        </div>
    }
}

fn body_row(row: &Row, columns: &[Column]) -> impl IntoView + use<> {
    let cell = |(value, column): (&Option<f64>, &Column)| {
        let text = value.map_or_else(|| "–".to_owned(), |value| column.unit.format(value));
        view! { <td class="number">{text}</td> }
    };
    let cells = row.values.iter().zip(columns).map(cell).collect_view();
    view! {
        <tr data-testid="table-row">
            <th scope="row">{row.label.clone()}</th>
            {cells}
        </tr>
    }
}
