//! The error boundary: an error that is returned inside a widget stays in it.

use crate::erased::{changing, handler};
use leptos::prelude::*;

use super::handle::WidgetError;
use crate::icons::ToneIcon;
use crate::status_text::Tone;
use crate::texts::use_texts;

/// The inside; where it returns an error, that error and a way to try again.
pub(super) fn boundary(
    children: StoredValue<ChildrenFn>,
    has_failed: RwSignal<bool>,
    on_error: Option<Callback<WidgetError>>,
) -> impl IntoView {
    let attempt = RwSignal::new(0_u32);
    changing(move || {
        attempt.track();
        let fallback = move |errors: ArcRwSignal<Errors>| {
            has_failed.set(true);
            on_cleanup(move || {
                let _ = has_failed.try_set(false);
            });
            let cause = errors.with_untracked(|errors| {
                let causes = errors.iter().map(|(_, error)| error.to_string());
                causes.collect::<Vec<_>>().join("; ")
            });
            if let Some(on_error) = on_error {
                on_error.run(WidgetError::Content(cause.clone()));
            }
            failed(cause, attempt)
        };
        view! {
            <ErrorBoundary fallback=fallback>
                {children.with_value(|children| children())}
            </ErrorBoundary>
        }
    })
}

fn failed(cause: String, attempt: RwSignal<u32>) -> impl IntoView {
    let texts = use_texts();
    view! {
        <div data-part="widget-failure" data-testid="widget-failure">
            <ToneIcon tone=Tone::Error />
            <p>{texts.widget_failed.clone()}</p>
            <button
                type="button"
                data-part="button"
                data-testid="widget-retry"
                on:click=handler(move |_| attempt.update(|attempt| *attempt += 1))
            >
                {texts.try_again.clone()}
            </button>
            <details>
                <summary>{texts.details.clone()}</summary>
                <code>{cause}</code>
            </details>
        </div>
    }
}
