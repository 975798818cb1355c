//! The keys of undo and redo.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::browser;
use crate::editing::Editor;
use crate::lock::{BoardLock, is_in_dialog};

/// Ctrl+Z undoes, Ctrl+Shift+Z and Ctrl+Y do again, while the board is unlocked and nobody writes
/// in a field, which has an undo of its own. On a Mac the command key does the same.
pub fn listen_for_undo(lock: BoardLock, editor: Editor) {
    let listener = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        let is_command = (event.ctrl_key() || event.meta_key()) && !event.alt_key();
        let is_free = !lock.0.get_untracked() && !browser::is_writing() && !is_in_dialog();
        if !is_command || !is_free {
            return;
        }
        match (event.key().to_ascii_lowercase().as_str(), event.shift_key()) {
            ("z", false) => editor.undo(),
            ("z", true) | ("y", false) => editor.redo(),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || listener.remove());
}
