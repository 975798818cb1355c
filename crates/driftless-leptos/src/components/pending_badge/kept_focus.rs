//! Where the focus goes when an edit leaves the list, and the button that was pressed with it.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::erased::effect;
use crate::popover::PopoverHandle;

/// The focus of who presses buttons in a list.
#[derive(Clone, Copy)]
pub(super) struct KeptFocus {
    has_pressed: StoredValue<bool>,
}

impl KeptFocus {
    /// Of this list, which has so many items. When one goes after a press, and the focus with it,
    /// the focus moves to the first button that is left, or to that of the popover around it.
    pub(super) fn of(list: NodeRef<html::Ul>, count: Memo<usize>) -> Self {
        let has_pressed = StoredValue::new(false);
        let popover = use_context::<PopoverHandle>();
        let mut before = 0;
        effect(move || {
            let count = count.get();
            let is_gone = count < before;
            before = count;
            if is_gone && has_pressed.get_value() {
                has_pressed.set_value(false);
                request_animation_frame(move || restore(list, popover));
            }
        });
        Self { has_pressed }
    }

    /// A button in it or beside it was pressed.
    pub(super) fn pressed(self) {
        self.has_pressed.set_value(true);
    }
}

fn restore(list: NodeRef<html::Ul>, popover: Option<PopoverHandle>) {
    let active = document().active_element();
    if active.is_some_and(|active| !active.tag_name().eq_ignore_ascii_case("body")) {
        return;
    }
    // Neither is there once the list has closed.
    let list = list.try_get_untracked().flatten();
    let left = list.and_then(|list| list.query_selector("button:not([disabled])").ok().flatten());
    match left.and_then(|left| left.dyn_into::<web_sys::HtmlElement>().ok()) {
        Some(left) => drop(left.focus()),
        None => popover.iter().for_each(PopoverHandle::focus),
    }
}
