//! A panic stops the page. What is left to do is to say so, and what becomes of edits that wait.

use std::cell::Cell;

use driftless_client::Status;
use driftless_client::view::{EntryView, StorageVerdict};
use web_sys::Document;

thread_local! {
    static UNSETTLED: Cell<Unsettled> = const { Cell::new(Unsettled { saved: 0, unsaved: 0 }) };
}

/// The edits that are not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// On this device.
    saved: usize,
    /// In the page alone.
    unsaved: usize,
}

impl Unsettled {
    /// Of a board that is shown, with what waits on others.
    pub fn new(status: &Status, outbox: &[EntryView]) -> Self {
        let all = status.pending + status.conflicts + status.quarantined;
        let unsaved = match status.storage {
            StorageVerdict::Durable | StorageVerdict::NotSaved { .. } => {
                outbox.iter().filter(|entry| !entry.is_stored).count()
            }
            _ => all,
        };
        Self {
            saved: all.saturating_sub(unsaved),
            unsaved,
        }
    }

    fn told(self) -> String {
        let saved = match self.saved {
            0 => None,
            1 => Some("One edit is saved on this device and goes on after a reload.".to_owned()),
            count => Some(format!(
                "{count} edits are saved on this device and go on after a reload."
            )),
        };
        let unsaved = match self.unsaved {
            0 => None,
            1 => Some("One edit was not saved on this device yet, and may be lost.".to_owned()),
            count => Some(format!(
                "{count} edits were not saved on this device yet, and may be lost."
            )),
        };
        let told: Vec<String> = saved.into_iter().chain(unsaved).collect();
        if told.is_empty() {
            return "Nothing was waiting to be sent.".to_owned();
        }
        told.join(" ")
    }
}

/// What the message says.
pub fn remember(unsettled: Unsettled) {
    UNSETTLED.set(unsettled);
}

/// Shows the message when the app panics, and the cause on the console.
pub fn watch() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            show(&document);
        }
    }));
}

fn show(document: &Document) {
    let Ok(notice) = document.create_element("div") else {
        return;
    };
    notice.set_class_name("stopped");
    // Nothing below can be handled: the page has stopped already.
    let _ = notice.set_attribute("role", "alert");
    let _ = notice.set_attribute("data-testid", "stopped");
    for (tag, text) in [
        ("h2", "This page has stopped"),
        ("p", &*UNSETTLED.get().told()),
    ] {
        if let Ok(element) = document.create_element(tag) {
            element.set_text_content(Some(text));
            let _ = notice.append_child(&element);
        }
    }
    if let Ok(link) = document.create_element("a") {
        let _ = link.set_attribute("href", "");
        link.set_class_name("button");
        link.set_text_content(Some("Reload"));
        let _ = notice.append_child(&link);
    }
    if let Some(body) = document.body() {
        let _ = body.append_child(&notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(storage: StorageVerdict, pending: usize) -> Status {
        let mut status = Status::default();
        (status.storage, status.pending) = (storage, pending);
        status
    }

    #[test]
    fn an_edit_is_said_to_be_saved_where_it_is() {
        let told = |storage, pending| Unsettled::new(&status(storage, pending), &[]).told();
        let durable = || StorageVerdict::Durable;
        assert_eq!(told(durable(), 0), "Nothing was waiting to be sent.");
        assert!(told(durable(), 1).starts_with("One edit is saved on this device"));
        assert!(told(durable(), 3).starts_with("3 edits are saved on this device"));
        let reason = || "private mode".to_owned();
        for storage in [
            StorageVerdict::Loading,
            StorageVerdict::MemoryOnly { reason: reason() },
            StorageVerdict::Unusable { reason: reason() },
        ] {
            let said = told(storage, 2);
            assert!(said.starts_with("2 edits were not saved"), "{said}");
        }
        let both = Unsettled {
            saved: 2,
            unsaved: 1,
        };
        assert!(
            both.told()
                .ends_with("One edit was not saved on this device yet, and may be lost.")
        );
        assert!(both.told().starts_with("2 edits are saved"));
    }
}
