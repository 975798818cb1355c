//! What is wrong with this device's storage, said plainly across the full width.

use driftless_sync::replica::view::StorageVerdict;
use leptos::prelude::*;

use crate::context::try_use_realtime;
use crate::erased::{changing, memo};
use crate::icons::ToneIcon;
use crate::missing_provider::MissingProvider;
use crate::status_text::Tone;
use crate::texts::{fill, use_texts};

/// A bar for as long as this device does not keep what is made. Nothing while all is well.
///
/// Parts: `storage-notice` (`data-state="not-saved"` or `"unusable"`).
#[component]
pub fn StorageNotice(
    /// Classes of the bar.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="StorageNotice" /> }.into_any();
    };
    let verdict = memo(move || context.status.with(|status| status.storage.clone()));
    changing(move || notice(verdict.get(), class.clone()))
}

fn notice(verdict: StorageVerdict, class: String) -> Option<AnyView> {
    let texts = use_texts();
    let (state, test_id, text) = match verdict {
        StorageVerdict::MemoryOnly { reason } | StorageVerdict::NotSaved { reason } => {
            let text = fill(&texts.not_saved, &[("reason", &reason)]);
            ("not-saved", "not-saved", text)
        }
        StorageVerdict::Unusable { reason } => {
            let text = fill(&texts.storage_unusable, &[("reason", &reason)]);
            ("unusable", "storage-unusable", text)
        }
        _ => return None,
    };
    let bar = view! {
        <div
            class=class
            role="alert"
            data-part="storage-notice"
            data-testid=test_id
            data-state=state
        >
            <ToneIcon tone=Tone::Error />
            <span data-part="notice-text">{text}</span>
        </div>
    };
    Some(bar.into_any())
}
