//! What a widget's state says in words.

use std::sync::Arc;

use crate::erased::{changing, handler};
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

use super::handle::WidgetContext;
use super::state::WidgetState;
use crate::context::RealtimeContext;
use crate::icons::ToneIcon;
use crate::relative_time::span;
use crate::status_text::Tone;
use crate::texts::{fill, use_texts};

/// What the state says in words, and the way to the conflict.
pub(super) fn badges(
    context: RealtimeContext,
    widget: WidgetContext,
    latest: Signal<Option<Arc<RecordView>>>,
    state: Memo<WidgetState>,
    late_ms: Memo<Option<u64>>,
) -> impl IntoView {
    let texts = use_texts();
    let badge = move || match state.get() {
        WidgetState::Pending => {
            Some(note(Tone::Pending, texts.widget_pending.to_string()).into_any())
        }
        WidgetState::Forbidden => {
            Some(note(Tone::Error, texts.widget_forbidden.to_string()).into_any())
        }
        WidgetState::Paused => {
            Some(note(Tone::Waiting, texts.widget_paused.to_string()).into_any())
        }
        WidgetState::Offline => {
            let text = if widget.has_nothing() {
                &texts.widget_waiting
            } else {
                &texts.widget_offline
            };
            Some(note(Tone::Offline, text.to_string()).into_any())
        }
        WidgetState::Late => {
            let age = span(late_ms.get().unwrap_or_default());
            let text = fill(&texts.widget_late, &[("span", &age)]);
            Some(note(Tone::Waiting, text).into_any())
        }
        WidgetState::Conflict => {
            let text = texts.widget_conflict.clone();
            let open = move |_| {
                let first = latest.with_untracked(|record| {
                    record
                        .as_ref()
                        .and_then(|record| record.conflicts.first().copied())
                });
                context.open_conflict.set(first);
            };
            let button = view! {
                <button
                    type="button"
                    data-part="widget-conflict"
                    data-testid="widget-conflict"
                    on:click=handler(open)
                >
                    <ToneIcon tone=Tone::Conflict />
                    {text}
                </button>
            };
            Some(button.into_any())
        }
        _ => None,
    };
    view! { <div data-part="widget-badges">{changing(badge)}</div> }
}

fn note(tone: Tone, text: String) -> impl IntoView {
    let title = text.clone();
    view! {
        <span data-part="widget-note" data-tone=tone.name() title=title>
            <ToneIcon tone=tone />
            <span data-part="widget-note-text">{text}</span>
        </span>
    }
}
