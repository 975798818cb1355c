//! Every edit of the app goes through here: it has a label, an author, and what was on screen when
//! the person began.

use driftless_client::{Board, EditBuilder, EditError, EditHandle, SeenMark};
use driftless_leptos::{RealtimeContext, Toast, Toasts, Tone};
use driftless_model::{Leaf, LeafValue, RecordId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::visitor::Visitor;

type Build = Box<dyn FnOnce(&mut EditBuilder)>;

/// An edit that waits for its author's name.
struct Waiting {
    label: String,
    build: Build,
    done: Option<String>,
}

/// What edits are made with.
#[derive(Clone)]
struct Around {
    /// The page's: what a toast does has to outlive the widget that it is about.
    owner: Owner,
    realtime: RealtimeContext,
    visitor: Visitor,
    toasts: Toasts,
}

/// Makes edits; in context.
#[derive(Clone, Copy)]
pub struct Editor {
    around: StoredValue<Around>,
    waiting: StoredValue<Option<Waiting>, LocalStorage>,
    /// Whether the person is being asked for their name.
    pub is_asking: RwSignal<bool>,
}

impl Editor {
    /// For the board of the provider.
    pub fn new(realtime: RealtimeContext, visitor: Visitor, toasts: Toasts) -> Self {
        Self {
            around: StoredValue::new(Around {
                owner: Owner::current().expect("made by the page, in its owner"),
                realtime,
                visitor,
                toasts,
            }),
            waiting: StoredValue::new_local(None),
            is_asking: RwSignal::new(false),
        }
    }

    /// The board, read without following it.
    pub fn board(self) -> Board {
        self.around.with_value(|around| around.realtime.board())
    }

    /// What is on screen now. Taken when a gesture begins.
    pub fn seen(self) -> SeenMark {
        self.board().seen()
    }

    /// Makes an edit of what was on screen at `seen`. The first one waits until the person has said
    /// their name.
    pub fn edit(
        self,
        label: impl Into<String>,
        seen: SeenMark,
        build: impl FnOnce(&mut EditBuilder) + 'static,
    ) {
        self.make_as_somebody(Waiting {
            label: label.into(),
            build: seeing(seen, build),
            done: None,
        });
    }

    /// The same, and says `done` once it is made, with a way to undo it.
    pub fn edit_and_say(
        self,
        label: impl Into<String>,
        done: impl Into<String>,
        build: impl FnOnce(&mut EditBuilder) + 'static,
    ) {
        self.make_as_somebody(Waiting {
            label: label.into(),
            build: seeing(self.seen(), build),
            done: Some(done.into()),
        });
    }

    /// Undoes what the person did last, and says what that was.
    pub fn undo(self) {
        match self.board().undo_state().undo {
            Some(label) => {
                self.board().undo();
                self.say(Tone::Offline, format!("Undone: {label}"));
            }
            None => self.say(Tone::Offline, "Nothing to undo"),
        }
    }

    /// Does again what was undone last, and says what that was.
    pub fn redo(self) {
        match self.board().undo_state().redo {
            Some(label) => {
                self.board().redo();
                self.say(Tone::Offline, format!("Done again: {label}"));
            }
            None => self.say(Tone::Offline, "Nothing to do again"),
        }
    }

    /// Gives a leaf a value.
    pub fn set<T: LeafValue + 'static>(
        self,
        label: impl Into<String>,
        seen: SeenMark,
        record: RecordId,
        leaf: Leaf<T>,
        value: T,
    ) {
        self.edit(label, seen, move |edit| edit.set(&record, leaf, value));
    }

    /// The person has said their name: what waited is made under it.
    pub fn go_on_as(self, name: &str) {
        self.around.with_value(|around| {
            around.visitor.call_them(name);
            let token = around.visitor.token();
            around.realtime.client().set_token(Some(token));
        });
        let waiting = self.waiting.try_update_value(Option::take).flatten();
        self.is_asking.set(false);
        if let Some(waiting) = waiting {
            self.make(waiting);
        }
    }

    /// The dialog is closed. Without a name, what waited is not made, and the person is told.
    pub fn give_up(self) {
        self.is_asking.set(false);
        if let Some(waiting) = self.waiting.try_update_value(Option::take).flatten() {
            let text = format!("{}: not done, since it has no author yet", waiting.label);
            self.say(Tone::Waiting, text);
        }
    }

    /// Shows a short message.
    pub fn say(self, tone: Tone, text: impl Into<String>) {
        self.show(Toast::new(tone, text));
    }

    /// Shows a short message, perhaps with something to do.
    pub fn show(self, toast: Toast) {
        self.around.with_value(|around| around.toasts.push(toast));
    }

    fn make_as_somebody(self, edit: Waiting) {
        let is_known = self.around.with_value(|around| {
            let user = around.realtime.client().status().user;
            around.visitor.is_known(user.as_ref())
        });
        if is_known {
            self.make(edit);
        } else {
            self.waiting.set_value(Some(edit));
            self.is_asking.set(true);
        }
    }

    fn make(self, edit: Waiting) {
        let Waiting { label, build, done } = edit;
        match self.board().edit(label.clone(), build) {
            Err(error) => self.say(Tone::Error, format!("{label}: {error}")),
            Ok(handle) => {
                if let Some(done) = done {
                    let owner = self.around.with_value(|around| around.owner.clone());
                    let undo = owner.with(|| Callback::new(move |()| self.board().undo()));
                    self.show(Toast::new(Tone::Offline, done).with_action("Undo", undo));
                }
                self.tell_if_refused(label, handle);
            }
        }
    }

    /// What was refused without a trace in the outbox would vanish unseen.
    fn tell_if_refused(self, label: String, handle: EditHandle) {
        spawn_local(async move {
            let Err(EditError::Refused { detail, .. }) = handle.stored().await else {
                return;
            };
            if self.around.try_get_value().is_some() {
                self.say(Tone::Error, format!("{label}: {detail}"));
            }
        });
    }
}

fn seeing(seen: SeenMark, build: impl FnOnce(&mut EditBuilder) + 'static) -> Build {
    Box::new(move |edit| {
        edit.seen(seen);
        build(edit);
    })
}
