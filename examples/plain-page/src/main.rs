//! A live page without a UI framework: the client, and the document.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::rc::Rc;

use driftless_client::model::builtin::Note;
use driftless_client::model::{Kind as _, Value};
use driftless_client::{Board, Client, Conflict, OutboxError, SyncState};
use futures::{Stream, StreamExt as _};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, HtmlElement, HtmlInputElement};

fn main() {
    // On the server that the page came from. What is made is kept in IndexedDB until it is there.
    let client = Client::builder("/rt").start();
    let status: HtmlElement = element("status");
    each(client.watch_status(), move |now| {
        status.set_text_content(Some(&words(&now.sync_state())));
    });
    let board = client.board("home");
    show_lunch(&board);
    write_lunch(&board);
    decide(&board);
}

/// What a person has to know first.
fn words(state: &SyncState) -> String {
    match state {
        SyncState::Live => "Live".to_owned(),
        SyncState::Syncing { pending } => format!("Sending {pending}"),
        SyncState::Connecting { pending } | SyncState::Disconnected { pending, .. } => {
            format!("Not connected, {pending} to send")
        }
        SyncState::Undecided { .. } => "Somebody has to decide".to_owned(),
        SyncState::NotSaved { reason } | SyncState::Unusable { reason } => {
            format!("Not saved on this device: {reason}")
        }
        _ => "Starting".to_owned(),
    }
}

/// What others write is shown as it comes, but not under the hands of who is writing.
fn show_lunch(board: &Board) {
    let field: HtmlInputElement = element("lunch");
    each(board.watch("lunch", Note::TEXT), move |text| {
        let focused = document().active_element();
        if focused.as_ref() != Some(&field) {
            field.set_value(&text.unwrap_or_default());
        }
    });
}

fn write_lunch(board: &Board) {
    let field: HtmlInputElement = element("lunch");
    // An edit is judged by what its author had on screen when they began.
    let began = Rc::new(RefCell::new(board.seen()));
    let (at, seen) = (board.clone(), Rc::clone(&began));
    on("lunch", "focus", move |_| *seen.borrow_mut() = at.seen());
    let (at, typed) = (board.clone(), field.clone());
    on("lunch", "change", move |_| {
        let edit = at.edit("Write the menu", |edit| {
            edit.seen(began.borrow().clone());
            // Where it is there already, this changes nothing.
            edit.create("lunch", Note::NAME, []);
            edit.set("lunch", Note::TEXT, typed.value());
        });
        let refusal = edit.err().map(|error| error.to_string());
        typed.set_custom_validity(&refusal.unwrap_or_default());
        // What is written on from here is written on this.
        *began.borrow_mut() = at.seen();
    });
    let at = board.clone();
    on("lunch", "blur", move |_| {
        field.set_value(&at.get("lunch", Note::TEXT).unwrap_or_default());
    });
}

/// Where somebody else wrote the same, the person sees both and decides.
fn decide(board: &Board) {
    let (notice, differs): (HtmlElement, HtmlElement) = (element("conflict"), element("differs"));
    let at = board.clone();
    each(board.watch_outbox(), move |_| {
        let conflict = at.conflicts().into_iter().next();
        notice.set_hidden(conflict.is_none());
        differs.set_text_content(conflict.as_ref().map(both).as_deref());
    });
    let ways: [(&str, Decision); 2] = [
        ("keep-mine", Conflict::keep_mine),
        ("take-theirs", Conflict::take_theirs),
    ];
    for (id, decision) in ways {
        let at = board.clone();
        on(id, "click", move |_| {
            if let Some(conflict) = at.conflicts().first() {
                // Where they wrote once more meanwhile, nothing is decided: that is shown first.
                let _ = decision(conflict);
            }
        });
    }
}

type Decision = fn(&Conflict) -> Result<(), OutboxError>;

fn both(conflict: &Conflict) -> String {
    let said = conflict
        .leaves()
        .iter()
        .filter(|leaf| leaf.is_stale)
        .map(|leaf| {
            let text = |value: &Option<Value>| {
                let text = value.as_ref().and_then(Value::as_text);
                text.unwrap_or("nothing").to_owned()
            };
            let author = leaf
                .author
                .as_ref()
                .map_or("Somebody", |author| author.as_str());
            format!(
                "{author} wrote “{}”, you wrote “{}”.",
                text(&leaf.theirs),
                text(&leaf.mine)
            )
        });
    said.collect::<Vec<_>>().join(" ")
}

/// Does something with each item of a stream, for as long as the page lives.
fn each<T>(stream: impl Stream<Item = T> + 'static, mut act: impl FnMut(T) + 'static) {
    spawn_local(stream.for_each(move |item| {
        act(item);
        std::future::ready(())
    }));
}

/// Does something at each event of an element, for as long as the page lives.
fn on(id: &str, event: &str, act: impl FnMut(Event) + 'static) {
    let listener = Closure::<dyn FnMut(Event)>::new(act).into_js_value();
    element::<HtmlElement>(id)
        .add_event_listener_with_callback(event, listener.unchecked_ref())
        .expect("an element takes listeners");
}

fn element<T: JsCast>(id: &str) -> T {
    let element = document().get_element_by_id(id);
    let element = element.expect("the page has what index.html says");
    element.unchecked_into()
}

fn document() -> web_sys::Document {
    let window = web_sys::window().expect("this runs in a page");
    window.document().expect("a page has a document")
}
