//! Panels whose code lies in a file of its own, which is loaded when the first of them opens.
//!
//! Only with the feature `split`, and only where the module is split after it was compiled, as
//! `cargo xtask dist` does it. Otherwise a panel is code like any other.

use std::pin::Pin;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::announcement::read_out_only;
use crate::erased::{changing, handler};
use crate::missing_provider::failure;
use crate::texts::use_texts;

/// Loads the file; whether it is there now. Once it is, that costs nothing.
#[doc(hidden)]
pub type Load = fn() -> Pin<Box<dyn Future<Output = bool>>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Loading,
    Failed,
    Here,
}

/// Shows a view once its code is there: a skeleton meanwhile, and a failure with a button that
/// tries again. What is loaded already is shown before the next frame.
#[doc(hidden)]
pub fn shown(load: Load, view: impl Fn() -> AnyView + Send + 'static) -> AnyView {
    let stage = RwSignal::new(Stage::Loading);
    let begin = move || {
        stage.set(Stage::Loading);
        spawn_local(async move {
            let found = if load().await {
                Stage::Here
            } else {
                Stage::Failed
            };
            // The panel may be closed by now.
            stage.try_set(found);
        });
    };
    begin();
    changing(move || match stage.get() {
        Stage::Loading => loading(),
        Stage::Failed => failed(begin),
        Stage::Here => view(),
    })
}

fn loading() -> AnyView {
    let text = use_texts().part_loading.clone();
    view! {
        <div data-part="part-loading" role="status">
            <span data-part="unseen" use:read_out_only>{text}</span>
        </div>
    }
    .into_any()
}

fn failed(again: impl Fn() + 'static) -> AnyView {
    let texts = use_texts();
    view! {
        {failure(texts.part_failed.to_string())}
        <div data-part="panel-actions">
            <button
                type="button"
                data-part="button"
                data-testid="part-again"
                on:click=handler(move |_| again())
            >
                {texts.try_again.clone()}
            </button>
        </div>
    }
    .into_any()
}

/// Loads the file now, for when a panel opens: a page that lost its server by then has it.
#[doc(hidden)]
#[cfg(feature = "split")]
pub fn prefetch() {
    // Whoever opens a panel tries again, and is told.
    spawn_local(async { drop(marked::loaded().await) });
}

#[cfg(feature = "split")]
#[allow(unsafe_code)]
mod marked {
    use wasm_split_helpers::{SplitLoaderError, wasm_split};

    /// Asking for anything that is in the file loads it.
    #[wasm_split(panels, fallible)]
    pub(super) fn loaded() -> Result<(), SplitLoaderError> {
        Ok(())
    }
}

/// A function that makes a panel: with the caller's feature `split`, all that only panels need is
/// in a file of their own. The arguments are cloned.
#[doc(hidden)]
#[macro_export]
macro_rules! part {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block
    ) => {
        $(#[$meta])*
        #[cfg(not(feature = "split"))]
        $vis fn $name($($argument: $kind),*) -> ::leptos::prelude::AnyView $body

        $(#[$meta])*
        #[cfg(feature = "split")]
        // What the split makes of a call is a call of another module.
        #[allow(unsafe_code)]
        $vis fn $name($($argument: $kind),*) -> ::leptos::prelude::AnyView {
            #[::wasm_split_helpers::wasm_split(panels, fallible, preload(load))]
            fn $name(
                $($argument: $kind),*
            ) -> Result<::leptos::prelude::AnyView, ::wasm_split_helpers::SplitLoaderError> {
                Ok($body)
            }
            $crate::part::shown(
                || Box::pin(async { load().await.is_ok() }),
                move || {
                    let made = $name($($argument.clone()),*);
                    let made = ::futures::FutureExt::now_or_never(made);
                    made.and_then(Result::ok).expect("its code is loaded")
                },
            )
        }
    };
}
