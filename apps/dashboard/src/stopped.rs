//! A panic stops the page. What is left to do is to say so, and that nothing is lost.

use std::cell::Cell;

use web_sys::Document;

thread_local! {
    static UNSETTLED: Cell<usize> = const { Cell::new(0) };
}

/// How many edits are on this device and not settled, for the message.
pub fn remember_unsettled(count: usize) {
    UNSETTLED.set(count);
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
    let saved = match UNSETTLED.get() {
        0 => "Nothing was waiting to be sent.".to_owned(),
        1 => "One edit is saved on this device and goes on after a reload.".to_owned(),
        count => format!("{count} edits are saved on this device and go on after a reload."),
    };
    let Ok(notice) = document.create_element("div") else {
        return;
    };
    notice.set_class_name("stopped");
    // Nothing below can be handled: the page has stopped already.
    let _ = notice.set_attribute("role", "alert");
    let _ = notice.set_attribute("data-testid", "stopped");
    for (tag, text) in [("h2", "This page has stopped"), ("p", &*saved)] {
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
