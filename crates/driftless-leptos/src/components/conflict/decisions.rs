//! The buttons of the dialog: to another conflict, and to a decision.

use std::sync::Arc;

use driftless_sync::replica::view::Resolution;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Settlement;
use super::current::{Current, is_removal};
use crate::erased::{When, changing, handler, memo};
use crate::texts::{fill, use_texts};

/// Which of several conflicts this is, with the ways to the others.
pub(super) fn position(current: Current) -> impl IntoView {
    let texts = use_texts();
    let place = memo(move || {
        current.conflicts.open.with(|open| {
            let place = open
                .iter()
                .position(|conflict| conflict.number == current.number);
            (place.unwrap_or(0) + 1, open.len())
        })
    });
    let go = move |backwards: bool| {
        let count = place.get_untracked().1;
        let step = if backwards { count - 1 } else { 1 };
        current
            .conflicts
            .context
            .open_conflict
            .set(current.neighbour(step));
    };
    let text = {
        let texts = Arc::clone(&texts);
        move || {
            let (i, n) = place.get();
            fill(
                &texts.conflict_position,
                &[("i", &i.to_string()), ("n", &n.to_string())],
            )
        }
    };
    view! {
        <When is=move || place.get().1 != 1>
            <nav data-part="conflict-position">
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-previous"
                    on:click=handler(move |_| go(true))
                >
                    {texts.previous.clone()}
                </button>
                <span>{changing(text.clone())}</span>
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-next"
                    on:click=handler(move |_| go(false))
                >
                    {texts.next.clone()}
                </button>
            </nav>
        </When>
    }
}

/// Keep mine, take theirs, apply the merge, or later.
pub(super) fn decisions(current: Current) -> impl IntoView {
    let texts = use_texts();
    let kind = memo(move || {
        current
            .view(|view| (!view.removed.is_empty(), is_removal(view)))
            .unwrap_or_default()
    });
    let mine = {
        let texts = Arc::clone(&texts);
        move || match kind.get() {
            (true, _) => texts.restore.clone(),
            (_, true) => texts.remove_anyway.clone(),
            _ => texts.keep_mine.clone(),
        }
    };
    let theirs = {
        let texts = Arc::clone(&texts);
        move || match kind.get() {
            (true, _) => texts.let_go.clone(),
            (_, true) => texts.keep_it.clone(),
            _ => texts.take_theirs.clone(),
        }
    };
    let has_fields = memo(move || !current.shown().is_empty());
    let merge_text = texts.apply_merge.clone();
    let later_text = texts.later.clone();
    let apply_merge = move |_| {
        if let Some(merged) = current.merged(&texts) {
            current.settle(Resolution::Merge(merged), Settlement::Merged);
        } else {
            focus_first_invalid();
        }
    };
    let take_theirs = move |_| current.settle(Resolution::TakeTheirs, Settlement::TookTheirs);
    let keep_mine = move |_| current.settle(Resolution::KeepMine, Settlement::KeptMine);
    let later = move |_| current.conflicts.dismiss(current.number);
    let problem = move || {
        let problem = current.problem.get();
        problem.map(|text| view! { <p data-part="conflict-problem" role="alert">{text}</p> })
    };
    view! {
        {changing(problem)}
        <button
            type="button"
            data-part="button"
            data-testid="conflict-later"
            on:click=handler(later)
        >
            {later_text}
        </button>
        <span data-part="spacer"></span>
        <button
            type="button"
            data-part="button"
            data-testid="conflict-take-theirs"
            on:click=handler(take_theirs)
        >
            {changing(theirs)}
        </button>
        <button
            type="button"
            data-part="button"
            data-testid="conflict-keep-mine"
            on:click=handler(keep_mine)
        >
            {changing(mine)}
        </button>
        <When is=move || has_fields.get()>
            <button
                type="button"
                data-part="button"
                data-variant="primary"
                data-testid="conflict-apply-merge"
                on:click=handler(apply_merge.clone())
            >
                {merge_text.clone()}
            </button>
        </When>
    }
}

fn focus_first_invalid() {
    let selector = "[data-part='merge-input'][aria-invalid='true']";
    let invalid = document().query_selector(selector).ok().flatten();
    if let Some(invalid) = invalid.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = invalid.focus();
    }
}
