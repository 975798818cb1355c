//! What the dialog holds: one conflict, and the decision on it.

use std::sync::Arc;

use driftless_model::{LeafRef, RecordId, Value, builtin};
use driftless_sync::replica::view::{ConflictLeaf, ConflictView, RemovedView, Resolution};
use leptos::prelude::*;

use super::leaf::{Drafts, leaf_name, leaf_view};
use super::{ConflictDecision, Conflicts, OpenConflict, Settlement};
use crate::icons::ToneIcon;
use crate::status_text::Tone;
use crate::texts::{Texts, fill, use_texts};

/// A conflict by its number, as long as it is open.
#[derive(Clone, Copy)]
struct Current {
    conflicts: Conflicts,
    number: u64,
    conflict: Memo<Option<OpenConflict>>,
    drafts: Drafts,
}

/// The dialog's content for the conflict of this number. `title_id` is the heading's.
pub(super) fn panel(conflicts: Conflicts, number: u64, title_id: String) -> impl IntoView {
    let texts = use_texts();
    let conflict = Memo::new(move |_| {
        conflicts
            .open
            .with(|open| open.iter().find(|open| open.number == number).cloned())
    });
    let current = Current {
        conflicts,
        number,
        conflict,
        drafts: StoredValue::default(),
    };
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
    view! {
        <header data-part="dialog-header">
            <ToneIcon tone=Tone::Conflict />
            <h2 id=title_id data-part="dialog-title">{heading}</h2>
            {position(current)}
        </header>
        <div data-part="dialog-body">
            <p data-part="conflict-explanation">{texts.conflict_explanation.clone()}</p>
            {removed}
            <For each=move || current.shown() key=|at| (at.record.clone(), at.leaf.clone()) let:at>
                {leaf(current, at)}
            </For>
            {others(current)}
        </div>
        <footer data-part="dialog-footer">{decisions(current)}</footer>
    }
}

impl Current {
    fn label(self) -> String {
        self.conflict
            .with_untracked(|c| c.as_ref().map(|c| c.label.clone()).unwrap_or_default())
    }

    fn view<T>(self, read: impl FnOnce(&ConflictView) -> T) -> Option<T> {
        self.conflict
            .with(|conflict| conflict.as_ref().map(|conflict| read(&conflict.view)))
    }

    /// The leaves to decide on: those that are stale, and those of records that were removed.
    fn shown(self) -> Vec<LeafRef> {
        let leaves = self.view(|view| {
            let leaves = view.leaves.iter().filter(|leaf| is_decided(view, leaf));
            leaves.map(|leaf| leaf.at.clone()).collect()
        });
        leaves.unwrap_or_default()
    }

    fn titles(self, record: &RecordId) -> String {
        let removed = self.view(|view| {
            let removed = view
                .removed
                .iter()
                .find(|removed| removed.record == *record);
            removed.and_then(|removed| removed.title.clone())
        });
        let shown = self.conflicts.context.board().record(record);
        let shown = shown.and_then(|record| {
            let title = record.value(&builtin::TITLE.path())?;
            title.as_text().map(str::to_owned)
        });
        removed
            .flatten()
            .or(shown)
            .unwrap_or_else(|| record.to_string())
    }

    /// Settles it, and goes on to the next conflict.
    fn settle(self, resolution: Resolution, settlement: Settlement) {
        let (context, label) = (self.conflicts.context, self.label());
        context.board().resolve(self.number, resolution);
        context
            .open_conflict
            .set(self.neighbour(1).filter(|next| *next != self.number));
        if let Some(tell) = self.conflicts.on_resolved {
            tell.run(ConflictDecision {
                number: self.number,
                label,
                settlement,
                is_automatic: false,
            });
        }
    }

    /// The conflict so many places further, around the end.
    fn neighbour(self, step: usize) -> Option<u64> {
        self.conflicts.open.with_untracked(|open| {
            let place = open
                .iter()
                .position(|conflict| conflict.number == self.number)?;
            open.get((place + step) % open.len())
                .map(|conflict| conflict.number)
        })
    }

    /// What stands in the merge fields; `None` while one of them is no value.
    fn merged(self) -> Option<Vec<(LeafRef, Option<Value>)>> {
        let shown = untrack(|| self.shown());
        self.drafts.with_value(|drafts| {
            let drafts = shown.into_iter().filter_map(|at| {
                let draft = drafts.get(&at)?;
                let value = draft.text.with_untracked(|text| draft.field.parse(text));
                Some((at, value))
            });
            drafts.map(|(at, value)| Some((at, value.ok()?))).collect()
        })
    }
}

fn is_decided(view: &ConflictView, leaf: &ConflictLeaf) -> bool {
    let is_removed = view
        .removed
        .iter()
        .any(|removed| removed.record == leaf.at.record);
    leaf.is_stale || is_removed
}

/// Whether every stale leaf is one that the person takes away: mine removes the record.
fn is_removal(view: &ConflictView) -> bool {
    let mut stale = view.leaves.iter().filter(|leaf| leaf.is_stale).peekable();
    stale.peek().is_some() && stale.all(|leaf| leaf.mine.is_none())
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
    let leaf = Memo::new(move |_| {
        let find = |view: &ConflictView| view.leaves.iter().find(|leaf| leaf.at == sought).cloned();
        current.view(find).flatten()
    });
    leaf_view(leaf.into(), at, title, current.drafts)
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
                let mine = leaf.mine.as_ref().map_or_else(
                    || texts.removed_by_me.to_string(),
                    |mine| serde_json::to_string(mine).expect("a value is JSON"),
                );
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
    view! { {lines} }
}

/// Which of several conflicts this is, with the ways to the others.
fn position(current: Current) -> impl IntoView {
    let texts = use_texts();
    let place = Memo::new(move |_| {
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
        <Show when=move || place.get().1 != 1>
            <nav data-part="conflict-position">
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-previous"
                    on:click=move |_| go(true)
                >
                    {texts.previous.clone()}
                </button>
                <span>{text.clone()}</span>
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-next"
                    on:click=move |_| go(false)
                >
                    {texts.next.clone()}
                </button>
            </nav>
        </Show>
    }
}

/// Keep mine, take theirs, apply the merge, or later.
fn decisions(current: Current) -> impl IntoView {
    let texts = use_texts();
    let kind = Memo::new(move |_| {
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
    let has_fields = Memo::new(move |_| !current.shown().is_empty());
    let merge_text = texts.apply_merge.clone();
    let apply_merge = move |_| {
        if let Some(merged) = current.merged() {
            current.settle(Resolution::Merge(merged), Settlement::Merged);
        } else {
            focus_first_invalid();
        }
    };
    let later = move |_| current.conflicts.context.open_conflict.set(None);
    view! {
        <button type="button" data-part="button" data-testid="conflict-later" on:click=later>
            {texts.later.clone()}
        </button>
        <span data-part="spacer"></span>
        <button
            type="button"
            data-part="button"
            data-testid="conflict-take-theirs"
            on:click=move |_| current.settle(Resolution::TakeTheirs, Settlement::TookTheirs)
        >
            {theirs}
        </button>
        <button
            type="button"
            data-part="button"
            data-testid="conflict-keep-mine"
            on:click=move |_| current.settle(Resolution::KeepMine, Settlement::KeptMine)
        >
            {mine}
        </button>
        <Show when=move || has_fields.get()>
            <button
                type="button"
                data-part="button"
                data-variant="primary"
                data-testid="conflict-apply-merge"
                on:click=apply_merge
            >
                {merge_text.clone()}
            </button>
        </Show>
    }
}

fn focus_first_invalid() {
    use wasm_bindgen::JsCast;

    let selector = "[data-part='merge-input'][aria-invalid='true']";
    let invalid = document().query_selector(selector).ok().flatten();
    if let Some(invalid) = invalid.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = invalid.focus();
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{LeafPath, Version};

    use super::*;

    fn leaf(path: &str, mine: Option<&str>, is_stale: bool) -> ConflictLeaf {
        ConflictLeaf {
            at: LeafRef {
                record: RecordId::new("cpu").expect("an id"),
                leaf: Some(LeafPath::new(path).expect("a path")),
            },
            base: None,
            theirs: Some("theirs".into()),
            mine: mine.map(Value::from),
            is_stale,
            author: None,
            version: Version(2),
        }
    }

    fn view(leaves: Vec<ConflictLeaf>) -> ConflictView {
        ConflictView {
            leaves,
            removed: Vec::new(),
        }
    }

    #[test]
    fn mine_is_a_removal_only_where_i_leave_nothing_of_what_they_changed() {
        assert!(is_removal(&view(vec![leaf("title", None, true)])));
        assert!(!is_removal(&view(vec![leaf("title", Some("x"), true)])));
        let mixed = vec![leaf("title", None, true), leaf("unit", Some("%"), true)];
        assert!(!is_removal(&view(mixed)));
        assert!(!is_removal(&view(vec![])));
    }

    #[test]
    fn a_person_decides_on_stale_leaves_and_on_those_of_removed_records() {
        let (stale, fresh) = (
            leaf("title", Some("x"), true),
            leaf("unit", Some("%"), false),
        );
        let mut view = view(vec![stale.clone(), fresh.clone()]);
        assert!(is_decided(&view, &stale));
        assert!(!is_decided(&view, &fresh));
        view.removed.push(RemovedView {
            record: fresh.at.record.clone(),
            title: None,
            author: None,
            version: Version(3),
        });
        assert!(is_decided(&view, &fresh));
    }
}
