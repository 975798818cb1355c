//! The page of a board: puts its parts together.

use driftless_client::{ClientEvent, Status};
use driftless_leptos::erased::effect;
use driftless_leptos::{
    ConflictResolutionUi, RealtimeContext, StorageNotice, Toast, Toaster, Tone, try_use_toasts,
};
use driftless_model::{LeafRef, Value};
use futures::StreamExt as _;
use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::announcer::{Announcer, LiveRegion};
use crate::board::account::account_strip;
use crate::board::add_menu::AddMenuOpen;
use crate::board::canvas::{BoardCanvas, cancel_on_escape};
use crate::board::name_dialog::NameDialog;
use crate::board::sign_in_notice::SignInNotice;
use crate::board::top_bar::TopBar;
use crate::board::undo_keys::listen_for_undo;
use crate::editing::Editor;
use crate::grid::pointer::GridPointer;
use crate::grid::state::{Grid, title_of};
use crate::lock::BoardLock;
use crate::sharing::dialog::{SharingDialog, SharingOpen};
use crate::shell::{Shell, ShellNotice};
use crate::stopped::{self, Unsettled};
use crate::visitor::Visitor;
use crate::widgets::chart::Crosshair;

/// The page, inside a provider.
#[component]
pub fn BoardPage(
    /// Whether the account of edits stands under the bar.
    has_account: bool,
) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let toasts = try_use_toasts().expect("the provider has toasts");
    let visitor = expect_context::<Visitor>();
    let editor = Editor::new(realtime, visitor, toasts);
    let announcer = Announcer::new();
    let lock = BoardLock::new();
    lock.listen();
    provide_context(Shell::watch(realtime));
    provide_context(editor);
    provide_context(announcer);
    provide_context(lock);
    provide_context(Crosshair(RwSignal::new(None)));
    provide_context(AddMenuOpen(RwSignal::new(false)));
    provide_context(SharingOpen(RwSignal::new(false)));
    let grid = Grid::new(realtime, editor, announcer);
    let pointer = GridPointer::new(grid);
    provide_context(grid);
    provide_context(pointer);
    cancel_on_escape(pointer);
    listen_for_undo(lock, editor);
    tell_of_replaced_values(realtime, editor);
    visitor.listen(move |token| realtime.client().set_token(Some(token)));
    effect(move || {
        let outbox = realtime.outbox.get();
        let unsettled = |status: &Status| Unsettled::new(status, &outbox);
        stopped::remember(realtime.status.with(unsettled));
    });
    #[cfg(feature = "split")]
    effect(move || {
        // The first load is over.
        if realtime.loaded.get() {
            driftless_leptos::part::prefetch();
        }
    });
    view! {
        <a class="skip-link" href="#board">"Skip to the board"</a>
        <TopBar />
        {has_account.then(account_strip)}
        <StorageNotice />
        <ShellNotice />
        <SignInNotice />
        <ConflictResolutionUi />
        <BoardCanvas />
        <NameDialog />
        <SharingDialog />
        <Toaster />
        <LiveRegion />
    }
}

/// Whoever's value was replaced by a later writer is told.
fn tell_of_replaced_values(realtime: RealtimeContext, editor: Editor) {
    let mut events = realtime.client().events();
    let (listening, stop) = abortable(async move {
        while let Some(event) = events.next().await {
            let title = |leaf: &LeafRef| title_of(realtime.board().record(&leaf.record).as_deref());
            match event {
                ClientEvent::Replaced { leaf, author, .. } => {
                    let text = format!("Your move of “{}” replaced {author}'s", title(&leaf));
                    editor.say(Tone::Pending, text);
                }
                ClientEvent::Overwritten {
                    leaf, value, by, ..
                } => {
                    let text = format!("{by} moved “{}” after you", title(&leaf));
                    editor.show(Toast::new(Tone::Pending, text).with_action(
                        "Put mine back",
                        Callback::new(move |()| put_back(editor, &leaf, value.as_ref())),
                    ));
                }
                ClientEvent::Skipped { label, leaves, .. } if !leaves.is_empty() => {
                    let text = format!("{label}: what others changed since was left as it is");
                    editor.say(Tone::Pending, text);
                }
                _ => {}
            }
        }
    });
    spawn_local(async move {
        // Aborted with the page, or ended with the client.
        let _ = listening.await;
    });
    on_cleanup(move || stop.abort());
}

/// Writes a value again that somebody replaced.
fn put_back(editor: Editor, leaf: &LeafRef, value: Option<&Value>) {
    let Some(path) = leaf.leaf.clone() else {
        return;
    };
    let (record, value) = (leaf.record.clone(), value.cloned());
    editor.edit("Put back", editor.seen(), move |edit| match value {
        Some(value) => edit.set(&record, path, value),
        None => edit.unset(&record, path),
    });
}
