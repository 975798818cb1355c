use driftless_client::Client;
use driftless_leptos::{DashboardClientProvider, DashboardSyncIndicator};
use leptos::prelude::*;

/// A board of a client that was started elsewhere.
#[component]
pub fn SharedClient(client: Client, #[prop(into)] board: String) -> impl IntoView {
    view! {
        <DashboardClientProvider client board>
            <DashboardSyncIndicator />
        </DashboardClientProvider>
    }
}
