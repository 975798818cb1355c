use driftless_client::{Client, ClientError};
use driftless_leptos::{DashboardClientProvider, DashboardSyncIndicator, RealtimeContext};
use leptos::prelude::*;

/// A board of a client that was started elsewhere.
#[component]
pub fn SharedClient(
    client: Client,
    #[prop(into)] board: String,
    on_initialized: Callback<RealtimeContext>,
    on_error: Callback<ClientError>,
) -> impl IntoView {
    view! {
        <DashboardClientProvider client board on_initialized on_error>
            <DashboardSyncIndicator />
        </DashboardClientProvider>
    }
}
