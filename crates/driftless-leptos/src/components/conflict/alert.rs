//! The bar that says that edits conflict.

use leptos::prelude::*;

use super::{Conflicts, OpenConflict};
use crate::announcement::{News, paced, read_out_only};
use crate::clock::Moment;
use crate::erased::{When, changing, handler, memo};
use crate::icons::ToneIcon;
use crate::status_text::Tone;
use crate::texts::{Texts, fill, use_texts};

/// The bar, for as long as there are conflicts.
pub(super) fn alert(conflicts: Conflicts) -> impl IntoView {
    let texts = use_texts();
    let review = texts.conflict_review.clone();
    let text = memo(move || conflicts.open.with(|open| summary(open, &texts)));
    let open_first = move |_| {
        let first = conflicts
            .open
            .with_untracked(|open| open.first().map(|first| first.number));
        conflicts.context.open_conflict.set(first);
    };
    view! {
        <When is=move || conflicts.open.with(|open| !open.is_empty())>
            <div data-part="conflict-alert" data-testid="conflict-alert">
                {announcement(text)}
                <ToneIcon tone=Tone::Conflict />
                <span data-part="notice-text">{changing(move || text.get())}</span>
                <button
                    type="button"
                    data-part="button"
                    data-testid="conflict-open"
                    on:click=handler(open_first)
                >
                    {review.clone()}
                </button>
            </div>
        </When>
    }
}

/// What is read out: at once that there are conflicts, and not each time that there is one more.
fn announcement(text: Memo<String>) -> impl IntoView {
    let news = memo(move || News::from(text.get()));
    let heard = RwSignal::new(news.get_untracked());
    let said = paced(news, heard, Moment::now().mono_ms);
    view! {
        <span data-part="announcement" role="alert" use:read_out_only>
            {said}
        </span>
    }
}

fn summary(open: &[OpenConflict], texts: &Texts) -> String {
    let Some(first) = open.first() else {
        return String::new();
    };
    let text = if open.len() == 1 {
        &texts.conflict_one
    } else {
        &texts.conflict_many
    };
    fill(
        text,
        &[("n", &open.len().to_string()), ("label", &first.label)],
    )
}

#[cfg(test)]
mod tests {
    use driftless_model::{BoardId, EditId};
    use driftless_sync::replica::view::{ConflictView, EntryProgress, EntryView};

    use super::*;

    fn conflict(number: u64, label: &str) -> OpenConflict {
        OpenConflict {
            number,
            label: label.into(),
            view: ConflictView {
                leaves: Vec::new(),
                removed: Vec::new(),
            },
            entry: EntryView {
                board: BoardId::new("home").expect("an id"),
                number,
                id: EditId(1),
                label: label.into(),
                made_at_ms: 0,
                is_stored: true,
                attempts: 1,
                state: EntryProgress::Queued { after: Vec::new() },
                records: Vec::new(),
                edits: 1,
            },
        }
    }

    #[test]
    fn the_bar_names_the_first_conflict_and_how_many_there_are() {
        let texts = Texts::default();
        let (one, two) = (conflict(1, "Rename"), conflict(2, "Resize"));
        assert_eq!(
            summary(std::slice::from_ref(&one), &texts),
            "1 conflict: Rename"
        );
        assert_eq!(
            summary(&[one, two], &texts),
            "2 conflicts: Rename and others"
        );
    }
}
