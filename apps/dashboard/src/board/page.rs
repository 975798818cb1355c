//! The page of a board: puts its parts together.

use driftless_client::ClientEvent;
use driftless_leptos::{
    ConflictResolutionUi, RealtimeContext, StorageNotice, Toaster, Tone, try_use_toasts,
};
use futures::StreamExt as _;
use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::announcer::{Announcer, LiveRegion};
use crate::board::add_menu::AddMenuOpen;
use crate::board::canvas::{BoardCanvas, cancel_on_escape};
use crate::board::name_dialog::NameDialog;
use crate::board::top_bar::TopBar;
use crate::editing::Editor;
use crate::grid::pointer::GridPointer;
use crate::grid::state::{Grid, title_of};
use crate::lock::BoardLock;
use crate::stopped;
use crate::visitor::Visitor;
use crate::widgets::chart::Crosshair;

/// The page, inside a provider.
#[component]
pub fn BoardPage() -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let toasts = try_use_toasts().expect("the provider has toasts");
    let visitor = expect_context::<Visitor>();
    let editor = Editor::new(realtime, visitor, toasts);
    let announcer = Announcer::new();
    let lock = BoardLock::new();
    lock.listen();
    provide_context(editor);
    provide_context(announcer);
    provide_context(lock);
    provide_context(Crosshair(RwSignal::new(None)));
    provide_context(AddMenuOpen(RwSignal::new(false)));
    let grid = Grid::new(realtime, editor, announcer);
    let pointer = GridPointer::new(grid);
    provide_context(grid);
    provide_context(pointer);
    cancel_on_escape(pointer);
    tell_of_replaced_values(realtime, editor);
    Effect::new(move |_| {
        let saved = realtime
            .status
            .with(|status| status.pending + status.conflicts + status.quarantined);
        stopped::remember_unsettled(saved);
    });
    view! {
        <a class="skip-link" href="#board">"Skip to the board"</a>
        <TopBar />
        <StorageNotice />
        <ConflictResolutionUi />
        <BoardCanvas />
        <NameDialog />
        <Toaster />
        <LiveRegion />
    }
}

/// Whoever's value was replaced by a later writer is told.
fn tell_of_replaced_values(realtime: RealtimeContext, editor: Editor) {
    let mut events = realtime.client().events();
    let (listening, stop) = abortable(async move {
        while let Some(event) = events.next().await {
            if let ClientEvent::Replaced { leaf, author, .. } = event {
                let record = realtime.board().record(&leaf.record);
                let title = title_of(record.as_deref());
                editor.say(Tone::Pending, format!("{author} moved “{title}” after you"));
            }
        }
    });
    spawn_local(async move {
        // Aborted with the page, or ended with the client.
        let _ = listening.await;
    });
    on_cleanup(move || stop.abort());
}
