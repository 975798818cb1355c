use driftless_leptos::{PerformancePanel, PerformanceSample};
use leptos::prelude::*;

/// How fast everything is.
#[component]
pub fn Speed(on_sample: Callback<PerformanceSample>) -> impl IntoView {
    view! { <PerformancePanel on_sample /> }
}
