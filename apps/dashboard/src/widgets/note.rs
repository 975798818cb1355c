//! Text that people write.

use driftless_client::SeenMark;
use driftless_leptos::RealtimeContext;
use driftless_leptos::erased::{changing, effect, handler, reactive};
use driftless_model::{Note, RecordId};
use leptos::html;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::editing::Editor;
use crate::grid::state::title_of;
use crate::lock::BoardLock;
use crate::widgets::feed::leaf;
use crate::widgets::paragraphs::paragraphs;

/// Writing that is under way.
#[derive(Clone, PartialEq)]
struct Writing {
    seen: SeenMark,
    before: String,
}

/// A note: read, and written when the board is unlocked.
#[component]
pub fn NoteBody(
    /// The widget.
    record: RecordId,
) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let editor = expect_context::<Editor>();
    let lock = expect_context::<BoardLock>();
    let text = leaf(realtime, &record, Note::TEXT);
    let text = Signal::derive(move || text.get().unwrap_or_default());
    let writing = RwSignal::new(None::<Writing>);
    let begin = move || {
        if !lock.0.get_untracked() && writing.with_untracked(Option::is_none) {
            writing.set(Some(Writing {
                seen: editor.seen(),
                before: text.get_untracked(),
            }));
        }
    };
    let record = StoredValue::new(record);
    let finish = Callback::new(move |written: Option<String>| {
        let Some(draft) = writing.try_get_untracked().flatten() else {
            return;
        };
        writing.set(None);
        if let Some(written) = written.filter(|written| *written != draft.before) {
            let record = record.get_value();
            let title = title_of(realtime.board().record(&record).as_deref());
            let label = format!("Edit “{title}”");
            editor.set(label, draft.seen, record, Note::TEXT, written);
        }
    });
    changing(move || match writing.get() {
        Some(draft) => view! { <NoteEditor text=draft.before finish /> }.into_any(),
        None => view! { <NoteText text is_locked=lock.0 begin /> }.into_any(),
    })
}

#[component]
fn NoteText(
    text: Signal<String>,
    is_locked: RwSignal<bool>,
    begin: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let shown = move || {
        let found = paragraphs(&text.get());
        if found.is_empty() {
            let hint = if is_locked.get() {
                "This note is empty."
            } else {
                "Click to write."
            };
            return view! { <p class="muted">{hint}</p> }.into_any();
        }
        let line = |line: String| view! { <span class="note-line">{line}</span> };
        let paragraph =
            |lines: Vec<String>| view! { <p>{lines.into_iter().map(line).collect_view()}</p> };
        found.into_iter().map(paragraph).collect_view().into_any()
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !is_locked.get_untracked() {
            event.prevent_default();
            begin();
        }
    };
    view! {
        <div class="note" data-testid="note-text" data-editable=reactive(move || !is_locked.get())
            tabindex=reactive(move || if is_locked.get() { None } else { Some("0") })
            role=reactive(move || if is_locked.get() { None } else { Some("button") })
            title=reactive(move || if is_locked.get() { None } else { Some("Edit note") })
            on:click=handler(move |_| begin()) on:keydown=handler(on_key)>
            {changing(shown)}
        </div>
    }
}

/// The field. It hands back what was written, or nothing.
#[component]
fn NoteEditor(text: String, finish: Callback<Option<String>>) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    effect(move || {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    let written = move || {
        let field = field.try_get_untracked().flatten();
        field.map(|field| field.value())
    };
    // Also where the widget is removed meanwhile: what was written is not lost, but asked about.
    on_cleanup(move || finish.run(written()));
    let leave = move || {
        // The browser takes the focus from a field that is gone already, too.
        if let Some(written) = written() {
            finish.run(Some(written));
        }
    };
    let on_key = move |event: KeyboardEvent| match event.key().as_str() {
        "Escape" => {
            event.stop_propagation();
            finish.run(None);
        }
        "Enter" if event.ctrl_key() || event.meta_key() => finish.run(written()),
        _ => {}
    };
    view! {
        <textarea node_ref=field class="note-editor" data-testid="note-editor" aria-label="Note"
            maxlength="16000" on:keydown=handler(on_key) on:blur=handler(move |_| leave())>
            {text}
        </textarea>
    }
}
