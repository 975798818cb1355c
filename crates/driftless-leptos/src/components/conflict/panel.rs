//! What the dialog holds: one conflict, and the decision on it.

use std::sync::Arc;

use driftless_model::LeafRef;
use driftless_protocol::to_json;
use driftless_sync::replica::view::{ConflictView, RemovedView};
use leptos::prelude::*;

use super::Conflicts;
use super::current::{Current, is_decided};
use super::decisions::{decisions, position};
use super::leaf::{leaf_name, leaf_view};
use crate::erased::{changing, keyed, memo};
use crate::icons::ToneIcon;
use crate::part;
use crate::status_text::Tone;
use crate::texts::{Texts, fill, use_texts};

part! {
    /// The dialog's content for the conflict of this number. `title_id` is the heading's.
    pub(super) fn panel(conflicts: Conflicts, number: u64, title_id: String) {
        panel_view(conflicts, number, title_id).into_any()
    }
}

fn panel_view(conflicts: Conflicts, number: u64, title_id: String) -> impl IntoView {
    let texts = use_texts();
    let current = Current::new(conflicts, number);
    let label = current.label();
    let heading = fill(&texts.conflict_heading, &[("label", &label)]);
    let removed = {
        let texts = Arc::clone(&texts);
        move || {
            current.view(|view| {
                view.removed
                    .iter()
                    .map(|r| removed(r, &texts))
                    .collect_view()
            })
        }
    };
    let leaves = keyed(
        move || current.shown(),
        |at| match &at.leaf {
            Some(leaf) => format!("{}/{leaf}", at.record),
            None => at.record.to_string(),
        },
        move |at| leaf(current, at).into_any(),
    );
    view! {
        <header data-part="dialog-header">
            <ToneIcon tone=Tone::Conflict />
            <h2 id=title_id data-part="dialog-title" tabindex="-1" autofocus=true>{heading}</h2>
            {position(current)}
        </header>
        <div data-part="dialog-body">
            <p data-part="conflict-explanation">{texts.conflict_explanation.clone()}</p>
            {changing(removed)}
            {leaves}
            {others(current)}
        </div>
        <footer data-part="dialog-footer">{decisions(current)}</footer>
    }
}

fn removed(removed: &RemovedView, texts: &Texts) -> impl IntoView + use<> {
    let title = removed
        .title
        .clone()
        .unwrap_or_else(|| removed.record.to_string());
    let text = match &removed.author {
        Some(author) => fill(
            &texts.removed_by,
            &[("name", author.as_str()), ("title", &title)],
        ),
        None => fill(&texts.removed_by_somebody, &[("title", &title)]),
    };
    view! { <p data-part="conflict-removed" data-testid="conflict-removed">{text}</p> }
}

fn leaf(current: Current, at: LeafRef) -> impl IntoView {
    let title = untrack(|| current.titles(&at.record));
    let sought = at.clone();
    let leaf = memo(move || {
        let find = |view: &ConflictView| view.leaves.iter().find(|leaf| leaf.at == sought).cloned();
        current.view(find).flatten()
    });
    leaf_view(
        leaf.into(),
        current.conflicts.context,
        title,
        current.drafts,
    )
}

/// The leaves of the edit that nobody else changed, folded away.
fn others(current: Current) -> impl IntoView {
    let texts = use_texts();
    let lines = move || {
        let others = current.view(|view| {
            let others = view.leaves.iter().filter(|leaf| !is_decided(view, leaf));
            others.cloned().collect::<Vec<_>>()
        });
        let others = others.unwrap_or_default();
        (!others.is_empty()).then(|| {
            let lines = others.into_iter().map(|leaf| {
                let name = leaf_name(&leaf.at, &texts);
                let mine = leaf
                    .mine
                    .as_ref()
                    .map_or_else(|| texts.removed_by_me.to_string(), to_json);
                view! { <li>{format!("{} · {name}: {mine}", leaf.at.record)}</li> }
            });
            view! {
                <details data-part="conflict-others">
                    <summary>{texts.also_in_edit.clone()}</summary>
                    <ul>{lines.collect_view()}</ul>
                </details>
            }
        })
    };
    changing(lines)
}
