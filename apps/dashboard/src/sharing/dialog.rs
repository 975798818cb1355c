//! The dialog: what the server says about the board's access, and what an owner does about it.

use driftless_leptos::RealtimeContext;
use driftless_leptos::dialog::Dialog;
use driftless_leptos::erased::{changing, handler, memo};
use driftless_leptos::part;
use driftless_protocol::access::{AccessList, NewAccess, NewRole};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::browser::focus_soon;
use crate::sharing::form::form_view;
use crate::sharing::made::made_view;
use crate::sharing::people::people_view;
use crate::sharing::request::Access;
use crate::visitor::Visitor;

/// Whether the dialog is open: in context, for whoever opens it.
#[derive(Clone, Copy)]
pub struct SharingOpen(pub RwSignal<bool>);

/// The dialog. It asks the server anew each time that it opens.
#[component]
pub fn SharingDialog() -> impl IntoView {
    let open = expect_context::<SharingOpen>().0;
    view! {
        <Dialog
            open=open
            on_close=Callback::new(move |()| open.set(false))
            labelled_by="share-heading"
            test_id="share-dialog"
            class="share-dialog"
        >
            {content(open)}
        </Dialog>
    }
}

/// What is in it, while it is open.
#[derive(Clone, Copy)]
struct Sharing {
    access: StoredValue<Access>,
    list: RwSignal<Option<Result<AccessList, String>>>,
    /// The name and the link of what was just made.
    made: RwSignal<Option<(String, String)>>,
    is_busy: RwSignal<bool>,
    problem: RwSignal<Option<String>>,
    /// What came of the last press, for screen readers as well.
    said: RwSignal<String>,
}

/// What the server says about who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Asking,
    Refused(String),
    Owner { may_invite: bool },
}

impl State {
    fn of(list: Option<&Result<AccessList, String>>) -> Self {
        match list {
            None => Self::Asking,
            Some(Err(reason)) => Self::Refused(reason.clone()),
            Some(Ok(list)) => Self::Owner {
                may_invite: list.may_invite,
            },
        }
    }
}

part! {
    fn content(open: RwSignal<bool>) {
        content_view(open).into_any()
    }
}

fn content_view(open: RwSignal<bool>) -> impl IntoView {
    let access = Access::new(
        expect_context::<RealtimeContext>(),
        expect_context::<Visitor>(),
    );
    let sharing = Sharing {
        access: StoredValue::new(access),
        list: RwSignal::new(None),
        made: RwSignal::new(None),
        is_busy: RwSignal::new(false),
        problem: RwSignal::new(None),
        said: RwSignal::new(String::new()),
    };
    sharing.read();
    focus_soon("#share-heading".to_owned());
    // What is written in the form stays when the list is read again.
    let state = memo(move || sharing.list.with(|list| State::of(list.as_ref())));
    view! {
        <div class="share">
            <h2 id="share-heading" tabindex="-1">"Share this board"</h2>
            {changing(move || sharing.body(state.get()))}
            <p class="muted" role="status" data-testid="share-said">
                {changing(move || sharing.said.get())}
            </p>
            <div class="form-actions">
                <button
                    type="button"
                    class="button"
                    data-testid="share-close"
                    on:click=handler(move |_| open.set(false))
                >
                    "Close"
                </button>
            </div>
        </div>
    }
}

impl Sharing {
    /// Asks for the list. The dialog may be closed by the time that it comes.
    fn read(self) {
        let access = self.access.get_value();
        spawn_local(async move {
            let list = access.list().await;
            let _ = self.list.try_set(Some(list));
        });
    }

    fn body(self, state: State) -> AnyView {
        match state {
            State::Asking => view! { <p class="muted">"Asking the server …"</p> }.into_any(),
            State::Refused(reason) => {
                view! { <p data-testid="share-refused">{reason}</p> }.into_any()
            }
            State::Owner { may_invite } => {
                let make = Callback::new(move |new| self.make(new));
                let revoke = Callback::new(move |(number, name)| self.revoke(number, name));
                let change = Callback::new(move |new| self.change(new));
                let shown = move || self.made.get().map(|(name, link)| made_view(&name, link));
                let people = move || match self.list.get() {
                    Some(Ok(list)) => Some(people_view(list, revoke, change)),
                    _ => None,
                };
                view! {
                    {form_view(may_invite, self.is_busy, self.problem, make)}
                    {changing(shown)}
                    {changing(people)}
                }
                .into_any()
            }
        }
    }

    fn make(self, new: NewAccess) {
        let access = self.access.get_value();
        self.is_busy.set(true);
        spawn_local(async move {
            let made = access.make(&new).await;
            if self.is_busy.try_set(false).is_some() {
                // The dialog is closed. What was made is in the list the next time.
                return;
            }
            match made {
                Ok(made) => {
                    self.problem.set(None);
                    self.said.set(String::new());
                    let link = access.link(&made);
                    self.made.set(Some((made.user.as_str().to_owned(), link)));
                    self.read();
                }
                Err(reason) => self.problem.set(Some(reason)),
            }
        });
    }

    fn revoke(self, number: u64, name: String) {
        let access = self.access.get_value();
        spawn_local(async move {
            let revoked = access.revoke(number).await;
            self.changed(revoked, format!("The link of {name} counts no more."));
        });
    }

    fn change(self, new: NewRole) {
        let access = self.access.get_value();
        spawn_local(async move {
            let changed = access.change(&new).await;
            self.changed(changed, format!("What {} may do is changed.", new.user));
        });
    }

    /// Says what came of a press, and reads the list again.
    fn changed(self, outcome: Result<(), String>, words: String) {
        let words = outcome.err().unwrap_or(words);
        if self.said.try_set(words).is_none() {
            self.read();
            focus_soon("#share-people".to_owned());
        }
    }
}
