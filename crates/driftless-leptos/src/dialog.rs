//! A modal dialog: the browser's own, which traps the focus, makes the rest inert, and closes by
//! Escape.

use crate::erased::{When, effect, handler};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A modal dialog. Its content is built each time it opens. When it closes, the focus returns to
/// where it was.
///
/// Part: `dialog`.
#[component]
pub fn Dialog(
    /// Whether it is open.
    #[prop(into)]
    open: Signal<bool>,
    /// Told when it has closed, by whatever: it has to make `open` false.
    #[prop(into)]
    on_close: Callback<()>,
    /// The id of the element that names it, inside.
    #[prop(into)]
    labelled_by: String,
    /// A hook for tests: `data-testid`.
    #[prop(into, optional)]
    test_id: String,
    /// Classes of the dialog.
    #[prop(into, optional)]
    class: String,
    /// What is in it.
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let opener = StoredValue::new_local(None::<web_sys::HtmlElement>);
    effect(move || {
        let is_open = open.get();
        let Some(dialog) = dialog.get() else { return };
        if is_open && !dialog.open() {
            opener.set_value(focused());
            // Fails only for a dialog that is open or off the page, and this one is neither.
            let _ = dialog.show_modal();
        } else if !is_open && dialog.open() {
            dialog.close();
        }
    });
    let closed = move |_| {
        on_close.run(());
        let opener = opener.try_update_value(Option::take).flatten();
        if let Some(opener) = opener.filter(|opener| opener.is_connected()) {
            let _ = opener.focus();
        }
    };
    let children = StoredValue::new(children);
    view! {
        <dialog
            node_ref=dialog
            class=class
            data-part="dialog"
            data-testid=test_id
            aria-labelledby=labelled_by
            on:close=handler(closed)
        >
            <When is=move || open.get()>{children.with_value(|children| children())}</When>
        </dialog>
    }
}

fn focused() -> Option<web_sys::HtmlElement> {
    document().active_element()?.dyn_into().ok()
}
