//! One leaf of a conflict: base, mine and theirs side by side, and the field for a merge.

use std::sync::Arc;

use driftless_model::{LeafRef, SortedMap, UserId, Value};
use driftless_sync::replica::view::ConflictLeaf;
use leptos::prelude::*;

use super::merge_draft::Draft;
use crate::context::RealtimeContext;
use crate::element_id::element_id;
use crate::erased::{changing, memo};
use crate::json_compare::JsonCompare;
use crate::leaf_editor::LeafEditor;
use crate::texts::{Texts, fill, use_texts};

/// What is typed into the merge fields of one conflict, by leaf.
pub(super) type Drafts = StoredValue<SortedMap<LeafRef, Draft>>;

/// A leaf with its columns and its field. `leaf` is renewed while the dialog is open: theirs may
/// change meanwhile. What is typed stays.
pub(super) fn leaf_view(
    leaf: Signal<Option<ConflictLeaf>>,
    context: RealtimeContext,
    title: String,
    drafts: Drafts,
) -> impl IntoView {
    let texts = use_texts();
    let Some(first) = leaf.get_untracked() else {
        return ().into_any();
    };
    let at = first.at.clone();
    let kind = context.board().record(&at.record);
    let kind = kind.map(|record| record.kind.clone());
    let draft = Draft::new(context.client(), kind, &first);
    drafts.update_value(|drafts| {
        drafts.insert(at.clone(), draft.clone());
    });
    let name = leaf_name(&at, &texts);
    let heading = format!("{title} · {name}");
    let columns = {
        let texts = Arc::clone(&texts);
        move || leaf.get().map(|leaf| columns(leaf, &texts))
    };
    view! {
        <section
            data-part="conflict-leaf"
            data-testid="conflict-leaf"
            data-record=at.record.to_string()
            data-leaf=name.clone()
        >
            <h3 data-part="conflict-leaf-name">{heading}</h3>
            <div data-part="conflict-columns">{changing(columns)}</div>
            {merge_field(leaf, draft, &name)}
        </section>
    }
    .into_any()
}

/// A leaf's path as it is shown.
pub(super) fn leaf_name(at: &LeafRef, texts: &Texts) -> String {
    at.leaf
        .as_ref()
        .map_or_else(|| texts.whole_record.to_string(), ToString::to_string)
}

fn columns(leaf: ConflictLeaf, texts: &Texts) -> impl IntoView + use<> {
    let ConflictLeaf {
        base,
        mine,
        theirs,
        author,
        ..
    } = leaf;
    let reference = base.clone();
    let mine = match mine {
        Some(mine) => compared(Some(mine), reference.clone()).into_any(),
        None => {
            view! { <pre data-part="json"><em>{texts.removed_by_me.clone()}</em></pre> }.into_any()
        }
    };
    let base = view! { <JsonCompare value=base plain=true /> }.into_any();
    let theirs = compared(theirs, reference).into_any();
    view! {
        {column("conflict-base", texts.base.to_string(), base)}
        {column("conflict-mine", texts.mine.to_string(), mine)}
        {column("conflict-theirs", theirs_heading(author.as_ref(), texts), theirs)}
    }
}

fn compared(value: Option<Value>, reference: Option<Value>) -> impl IntoView {
    match reference {
        Some(reference) => view! { <JsonCompare value=value reference=reference /> }.into_any(),
        None => view! { <JsonCompare value=value /> }.into_any(),
    }
}

fn theirs_heading(author: Option<&UserId>, texts: &Texts) -> String {
    match author {
        Some(author) => fill(&texts.theirs_of, &[("name", author.as_str())]),
        None => texts.theirs.to_string(),
    }
}

fn column(test_id: &'static str, heading: String, content: AnyView) -> impl IntoView {
    view! {
        <div data-part="conflict-column" data-testid=test_id>
            <h4 data-part="conflict-column-name">{heading}</h4>
            {content}
        </div>
    }
}

fn merge_field(leaf: Signal<Option<ConflictLeaf>>, draft: Draft, name: &str) -> impl IntoView {
    let texts = use_texts();
    let (input_id, error_id) = (element_id("merge"), element_id("merge-error"));
    let label = fill(&texts.merge_label, &[("leaf", name)]);
    let (field, text) = (draft.field.clone(), RwSignal::from(draft.text.clone()));
    let error = {
        let texts = Arc::clone(&texts);
        memo(move || text.with(|text| draft.value(text, &texts)).err())
    };
    let take = |side: fn(&ConflictLeaf) -> Option<&Value>| {
        let field = field.clone();
        move |_| {
            let value = leaf.with_untracked(|leaf| field.draft(leaf.as_ref().and_then(side)));
            text.set(value);
        }
    };
    view! {
        <div data-part="conflict-merge">
            <label data-part="merge-label" for=input_id.clone()>
                {label}
            </label>
            <LeafEditor
                field=field.clone()
                text=text
                is_invalid=memo(move || error.with(Option::is_some))
                id=input_id
                described_by=error_id.clone()
                part="merge-input"
                test_id="conflict-merge-input"
            />
            <div data-part="merge-sides">
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-use-mine"
                    on:click=take(|leaf| leaf.mine.as_ref())
                >
                    {texts.merge_use_mine.clone()}
                </button>
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-use-theirs"
                    on:click=take(|leaf| leaf.theirs.as_ref())
                >
                    {texts.merge_use_theirs.clone()}
                </button>
            </div>
            <p id=error_id data-part="merge-error" aria-live="polite">
                {changing(move || error.get())}
            </p>
        </div>
    }
}
