//! What is wrong with this device's storage, said plainly across the full width.

use driftless_sync::replica::view::StorageVerdict;
use leptos::prelude::*;

use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::memo;
use crate::icons::ToneIcon;
use crate::missing_provider::MissingProvider;
use crate::status_text::Tone;
use crate::texts::{fill, use_texts};

/// A bar for as long as this device does not keep what is made, or the board is open in another
/// tab ("use here" takes it over). Nothing while all is well.
///
/// Parts: `storage-notice` (`data-state="open-elsewhere"`, `"not-saved"` or `"unusable"`),
/// `use-here`.
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
    (move || notice(context, verdict.get(), class.clone())).into_any()
}

fn notice(context: RealtimeContext, verdict: StorageVerdict, class: String) -> Option<AnyView> {
    let texts = use_texts();
    let (state, test_id, text) = match verdict {
        StorageVerdict::OpenElsewhere => {
            let text = texts.open_elsewhere.clone().into_owned();
            ("open-elsewhere", "open-elsewhere", text)
        }
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
    let use_here = (state == "open-elsewhere").then(|| {
        view! {
            <button
                type="button"
                data-part="use-here"
                data-testid="use-here"
                on:click=move |_| context.client().take_over()
            >
                {texts.use_here.clone()}
            </button>
        }
    });
    let role = if use_here.is_some() {
        "status"
    } else {
        "alert"
    };
    let bar = view! {
        <div class=class role=role data-part="storage-notice" data-testid=test_id data-state=state>
            <ToneIcon tone=Tone::Error />
            <span data-part="notice-text">{text}</span>
            {use_here}
        </div>
    };
    Some(bar.into_any())
}
