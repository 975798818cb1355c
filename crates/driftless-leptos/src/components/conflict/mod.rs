//! Conflicts: the alert, and the dialog in which a person decides.

mod alert;
mod automatic;
mod merge_draft;
mod leaf;
mod current;
mod decisions;
mod panel;

use std::sync::Arc;

use driftless_sync::replica::view::{ConflictView, EntryProgress, EntryView};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::context::{RealtimeContext, try_use_realtime};
use crate::dialog::Dialog;
use crate::element_id::element_id;
use crate::erased::memo;
use crate::missing_provider::MissingProvider;

pub use driftless_client::AutoResolve;

/// How a conflict was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// Mine was kept.
    KeptMine,
    /// Theirs was taken.
    TookTheirs,
    /// Merged values were applied.
    Merged,
}

/// A decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictDecision {
    /// The entry's number.
    pub number: u64,
    /// What the person had done, in words.
    pub label: String,
    /// How it was settled.
    pub settlement: Settlement,
    /// Whether `auto_resolve` settled it, and no person.
    pub is_automatic: bool,
}

/// An entry that conflicts.
#[derive(Debug, Clone, PartialEq)]
struct OpenConflict {
    number: u64,
    label: String,
    view: ConflictView,
    /// All of it, as it is shown.
    entry: EntryView,
}

/// What the parts of the component share.
#[derive(Clone, Copy)]
struct Conflicts {
    context: RealtimeContext,
    open: Memo<Arc<Vec<OpenConflict>>>,
    on_resolved: Option<Callback<ConflictDecision>>,
    on_dismissed: Option<Callback<u64>>,
}

impl Conflicts {
    /// The dialog of this conflict closes without a decision.
    fn dismiss(&self, number: u64) {
        if let Some(tell) = self.on_dismissed {
            tell.run(number);
        }
        self.context.open_conflict.set(None);
    }
}

/// An alert while edits conflict, and a dialog in which a person sees base, mine and theirs side by
/// side and keeps mine, takes theirs or edits the merge. It works offline too.
///
/// Parts: `conflict-ui`, `conflict-alert`, and inside the dialog `conflict-leaf`,
/// `conflict-column`, `conflict-merge`.
#[component]
pub fn ConflictResolutionUi(
    /// What happens without asking.
    #[prop(optional)]
    auto_resolve: AutoResolve,
    /// Told of each decision, an automatic one included.
    #[prop(into, optional)]
    on_conflict_resolved: Option<Callback<ConflictDecision>>,
    /// Told of the entry's number when the dialog is closed without a decision.
    #[prop(into, optional)]
    on_conflict_dismissed: Option<Callback<u64>>,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="ConflictResolutionUi" /> }.into_any();
    };
    let open = memo(move || Arc::new(context.outbox.with(|outbox| conflicts_of(outbox))));
    let conflicts = Conflicts {
        context,
        open,
        on_resolved: on_conflict_resolved,
        on_dismissed: on_conflict_dismissed,
    };
    automatic::settle(conflicts, auto_resolve);
    return_focus(open);
    let current = memo(move || {
        let number = context.open_conflict.get()?;
        open.with(|open| open.iter().any(|conflict| conflict.number == number))
            .then_some(number)
    });
    // Closed by a decision or by the button for later, it is none's any more.
    let on_close = move |()| match current.get_untracked() {
        Some(number) => conflicts.dismiss(number),
        None => context.open_conflict.set(None),
    };
    let title_id = StoredValue::new(element_id("conflict-title"));
    let shown = move || {
        // Built anew for another conflict, and only then: what is typed stays.
        current
            .get()
            .map(|number| panel::panel(conflicts, number, title_id.get_value()))
    };
    view! {
        <div class=class data-part="conflict-ui">
            {(auto_resolve == AutoResolve::Never).then(|| alert::alert(conflicts))}
            <Dialog
                open=Signal::derive(move || current.get().is_some())
                on_close=Callback::new(on_close)
                labelled_by=title_id.get_value()
                test_id="conflict-dialog"
            >
                {shown}
            </Dialog>
        </div>
    }
    .into_any()
}

fn conflicts_of(outbox: &[EntryView]) -> Vec<OpenConflict> {
    let conflict = |entry: &EntryView| match &entry.state {
        EntryProgress::Conflicted(view) => Some(OpenConflict {
            number: entry.number,
            label: entry.label.clone(),
            view: view.clone(),
            entry: entry.clone(),
        }),
        _ => None,
    };
    outbox.iter().filter_map(conflict).collect()
}

/// When the last conflict is settled, the alert goes, and with it the button that had the focus:
/// it moves to the badge of pending edits, which stays.
fn return_focus(open: Memo<Arc<Vec<OpenConflict>>>) {
    Effect::new(move |had_any: Option<bool>| {
        let has_any = open.with(|open| !open.is_empty());
        if had_any == Some(true) && !has_any {
            request_animation_frame(|| {
                let document = document();
                let is_lost = document
                    .active_element()
                    .is_none_or(|active| active.tag_name().eq_ignore_ascii_case("body"));
                let badge = document.query_selector("[data-part='pending-badge'] button");
                let badge = badge.ok().flatten();
                let badge = badge.and_then(|badge| badge.dyn_into::<web_sys::HtmlElement>().ok());
                if let Some(badge) = badge.filter(|_| is_lost) {
                    let _ = badge.focus();
                }
            });
        }
        has_any
    });
}
