use driftless_leptos::{OperationFailure, PendingOperationsBadge};
use driftless_model::{EditId, Version};
use leptos::prelude::*;

/// What is not on the server yet.
#[component]
pub fn Pending(
    show_details: bool,
    max_display: usize,
    on_operation_complete: Callback<(EditId, Version)>,
    on_operation_fail: Callback<OperationFailure>,
) -> impl IntoView {
    view! {
        <PendingOperationsBadge
            show_details
            max_display
            on_operation_complete
            on_operation_fail
        />
    }
}
