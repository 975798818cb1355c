//! The board's title: a heading, and a field once the board is unlocked.

use driftless_leptos::RealtimeContext;
use driftless_model::{BoardSettings, Kind as _, RecordId, builtin};
use leptos::prelude::*;

use crate::browser;
use crate::editing::Editor;
use crate::field::{Field, Written};
use crate::lock::BoardLock;
use crate::widgets::feed::leaf;
use driftless_leptos::erased::{When, changing, effect, handler};

/// The record with the board's own settings.
pub fn settings_record() -> RecordId {
    RecordId::new("board").expect("a constant id")
}

/// The title.
#[component]
pub fn BoardTitle() -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let editor = expect_context::<Editor>();
    let is_locked = expect_context::<BoardLock>().0;
    let stored = leaf(realtime, &settings_record(), builtin::TITLE);
    let board = realtime.board();
    let fallback = board.id().map(ToString::to_string).unwrap_or_default();
    let title = Signal::derive(move || {
        stored
            .get()
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| fallback.clone())
    });
    effect(move || {
        if let Some(document) = browser::window().document() {
            document.set_title(&format!("{} · Driftless", title.get()));
        }
    });
    let commit = Callback::new(move |written: Written| {
        let text = written.text.trim().to_owned();
        if text.is_empty() {
            return Err("A board needs a title".to_owned());
        }
        let board = settings_record();
        editor.edit("Rename board", written.seen, move |edit| {
            // A board that nobody has named yet has no settings: this makes them.
            let title = (builtin::TITLE.path(), text.into());
            edit.create(&board, BoardSettings::NAME, [title]);
        });
        Ok(())
    });
    let is_editing = RwSignal::new(false);
    let on_done = Callback::new(move |()| is_editing.set(false));
    let begin = move |_| {
        is_editing.set(true);
        browser::focus_soon("[data-testid=board-title-input]".to_owned());
    };
    view! {
        <div class="board-title">
            {changing(move || if is_editing.get() && !is_locked.get() {
                view! {
                    <Field
                        name="Board title"
                        test_id="board-title-input"
                        value=title
                        commit
                        on_done
                    />
                }
                    .into_any()
            } else {
                view! {
                    <h1 data-testid="board-title">{changing(move || title.get())}</h1>
                    <When is=move || !is_locked.get()>
                        <button type="button" class="icon-button" data-testid="board-title-edit"
                            aria-label="Rename the board" title="Rename" on:click=handler(begin)>
                            <svg
                                viewBox="0 0 16 16"
                                aria-hidden="true"
                            >
                                <path d="M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z" />
                            </svg>
                        </button>
                    </When>
                }.into_any()
            })}
        </div>
    }
}
