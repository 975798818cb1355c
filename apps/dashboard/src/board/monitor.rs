//! What the client is up to, in figures: opened from the bar.

use driftless_leptos::part;
use driftless_leptos::popover::Popover;
use driftless_leptos::{PerformancePanel, ReconnectSummary, SyncLedger, use_texts};
use leptos::prelude::*;

/// The button, and the panel that it opens. Nothing is measured while it is closed.
#[component]
pub fn MonitorMenu() -> impl IntoView {
    let open = RwSignal::new(false);
    let trigger = || {
        view! {
            <span class="icon-button" data-testid="monitor" title="Monitor">
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M1.5 8.5h3l2-5 3 9 2-4h3" />
                </svg>
            </span>
        }
    };
    let name = || Signal::stored("Monitor".to_owned());
    view! {
        <Popover open trigger label=name() heading=name()>
            {panel()}
        </Popover>
    }
}

part! {
    fn panel() {
        panel_view().into_any()
    }
}

fn panel_view() -> impl IntoView {
    let texts = use_texts();
    let heading = |text: &str| view! { <h2 data-part="panel-heading">{text.to_owned()}</h2> };
    view! {
        <div class="monitor">
            {heading(&texts.ledger_heading)}
            <SyncLedger />
            {heading(&texts.bill_heading)}
            <ReconnectSummary />
            {heading(&texts.performance_heading)}
            <PerformancePanel />
        </div>
    }
}
