//! A button and a panel that it opens: not modal, closed by Escape or by a press outside.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::element_id::element_id;
use crate::erased::{When, effect, handler, reactive};

/// The popover around the caller: content finds it in context.
#[derive(Clone, Copy)]
pub struct PopoverHandle {
    open: RwSignal<bool>,
    button: NodeRef<html::Button>,
}

impl PopoverHandle {
    /// Closes it, and returns the focus to its button.
    pub fn close(&self) {
        self.open.set(false);
        self.focus();
    }

    /// Gives its button the focus.
    pub(crate) fn focus(&self) {
        if let Some(button) = self.button.get_untracked() {
            // Only an element that left the page refuses the focus.
            let _ = button.focus();
        }
    }
}

/// A disclosure: the panel follows its button in tab order, so that Tab enters it. Escape closes
/// it and returns the focus to the button.
///
/// Parts: `popover` (`data-state="open"` or `"closed"`), `popover-button`, `popover-panel`.
#[component]
pub fn Popover(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What is on the button.
    #[prop(into)]
    trigger: ViewFn,
    /// The button's name for screen readers, where what is on it does not say it.
    #[prop(into, optional)]
    label: Option<Signal<String>>,
    /// The panel's name.
    #[prop(into)]
    heading: Signal<String>,
    /// What is in the panel; built when it opens.
    children: ChildrenFn,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let handle = PopoverHandle { open, button };
    provide_context(handle);
    close_on_press_outside(root, open);
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            handle.close();
        }
    };
    let panel_id = element_id("panel");
    let controls = panel_id.clone();
    let children = StoredValue::new(children);
    view! {
        <div
            node_ref=root
            data-part="popover"
            data-state=reactive(move || if open.get() { "open" } else { "closed" })
            on:keydown=handler(on_key)
        >
            <button
                node_ref=button
                type="button"
                data-part="popover-button"
                aria-label=reactive(move || label.map(|label| label.get()))
                aria-expanded=reactive(move || open.get().to_string())
                aria-controls=controls
                on:click=handler(move |_| open.update(|open| *open = !*open))
            >
                {trigger.run()}
            </button>
            <When is=move || open.get()>
                <div
                    id=panel_id.clone()
                    role="group"
                    aria-label=reactive(move || heading.get())
                    data-part="popover-panel"
                >
                    {children.with_value(|children| children())}
                </div>
            </When>
        </div>
    }
}

fn close_on_press_outside(root: NodeRef<html::Div>, open: RwSignal<bool>) {
    effect(move || {
        if !open.get() {
            return;
        }
        let listener = window_event_listener(leptos::ev::pointerdown, move |event| {
            let target = event.target();
            let target = target
                .as_ref()
                .and_then(|target| target.dyn_ref::<web_sys::Node>());
            let is_inside = root
                .get_untracked()
                .is_some_and(|root| root.contains(target));
            if !is_inside {
                open.set(false);
            }
        });
        on_cleanup(move || listener.remove());
    });
}
