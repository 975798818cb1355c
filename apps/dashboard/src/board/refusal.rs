//! A board that the person may not see, or that was deleted: why, and what becomes of what they had
//! not sent.

use driftless_leptos::RealtimeContext;
use driftless_leptos::erased::{When, changing, memo};
use leptos::prelude::*;

/// In place of the board.
#[component]
pub fn RefusedBoard() -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let has_unsent = memo(move || realtime.outbox.with(|outbox| !outbox.is_empty()));
    let words = move || realtime.refusal.get().unwrap_or_default();
    view! {
        <div class="board-message" role="status" data-state="refused" data-testid="board-refused">
            <h2>"This board cannot be shown"</h2>
            <p>"The server says: " {changing(words)} "."</p>
            <p class="muted">"If that changes, the board comes back by itself."</p>
            <When is=move || has_unsent.get()>
                <p>
                    "What you had not sent is kept on this device: the list of pending edits, in "
                    "the bar above, shows it and exports it."
                </p>
            </When>
        </div>
    }
}
