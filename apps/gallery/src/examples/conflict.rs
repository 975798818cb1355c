use driftless_leptos::{AutoResolve, ConflictDecision, ConflictResolutionUi};
use leptos::prelude::*;

/// Somebody changed the same: base, theirs and mine, for a person to decide.
#[component]
pub fn Conflicts(
    auto_resolve: AutoResolve,
    on_conflict_resolved: Callback<ConflictDecision>,
    on_conflict_dismissed: Callback<u64>,
) -> impl IntoView {
    view! {
        <ConflictResolutionUi auto_resolve on_conflict_resolved on_conflict_dismissed />
    }
}
