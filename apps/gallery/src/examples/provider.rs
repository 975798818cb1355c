use driftless_client::ClientError;
use driftless_leptos::{DashboardRealtimeProvider, DashboardSyncIndicator, RealtimeContext};
use leptos::prelude::*;

/// A board of the server that this page came from.
#[component]
pub fn Dashboard(
    #[prop(into)] board: String,
    auto_connect: bool,
    on_initialized: Callback<RealtimeContext>,
    on_error: Callback<ClientError>,
) -> impl IntoView {
    view! {
        <DashboardRealtimeProvider
            ws_url="/rt"
            board
            namespace="gallery"
            auto_connect
            on_initialized
            on_error
        >
            <DashboardSyncIndicator />
        </DashboardRealtimeProvider>
    }
}
