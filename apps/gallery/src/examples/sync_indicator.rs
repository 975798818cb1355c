use driftless_leptos::DashboardSyncIndicator;
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

/// The connection at a glance; pressed, in detail.
#[component]
pub fn Status(
    show_details: bool,
    #[prop(optional, into)] on_status_change: Option<Callback<Connection>>,
) -> impl IntoView {
    let on_status_change = on_status_change.unwrap_or_else(|| Callback::new(|_| {}));
    view! {
        <DashboardSyncIndicator
            show_details
            on_status_change
            more_facts=Signal::stored(vec![("Site".to_owned(), "North".to_owned())])
        />
    }
}
