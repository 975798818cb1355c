//! Says why nobody is signed in, and what to do, across the full width.

use driftless_leptos::RealtimeContext;
use driftless_leptos::erased::{changing, memo};
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

/// A bar for as long as the server does not take the token. What is edited meanwhile is kept on
/// this device, and goes on its way with the next link that is opened here.
#[component]
pub fn SignInNotice() -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let reason = memo(move || {
        realtime.status.with(|status| match &status.connection {
            Connection::Unauthorised { reason } => Some(reason.clone()),
            _ => None,
        })
    });
    changing(move || reason.get().map(|reason| notice(&reason)))
}

fn notice(reason: &str) -> impl IntoView + use<> {
    let text = format!(
        "Not signed in: {reason}. Open a link that counts in this tab; what you edit until then is \
         kept on this device."
    );
    view! {
        <div class="notice" role="alert" data-part="storage-notice" data-testid="sign-in-notice">
            <span data-part="notice-text">{text}</span>
        </div>
    }
}
