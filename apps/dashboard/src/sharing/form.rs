//! What a new link is to be: whose, for what, and for how long.

use driftless_leptos::erased::{changing, handler, reactive};
use driftless_protocol::access::NewAccess;
use leptos::html;
use leptos::prelude::*;
use web_sys::SubmitEvent;

use crate::field::problem_view;

const DAY_S: u64 = 86_400;
/// How long a link may count, as it is offered; `None` is until it is revoked.
const LIFETIMES: [(&str, Option<u64>); 4] = [
    ("A day", Some(DAY_S)),
    ("A week", Some(7 * DAY_S)),
    ("30 days", Some(30 * DAY_S)),
    ("Until it is revoked", None),
];
/// What somebody may do on a board, and in words.
pub const ROLES: [(&str, &str); 4] = [
    ("viewer", "View"),
    ("editor", "Edit"),
    ("owner", "Edit and share"),
    ("none", "Nothing"),
];

/// Asks for a new link. `make` takes what was asked for; while `is_busy` it is not asked again.
pub fn form_view(
    may_invite: bool,
    is_busy: RwSignal<bool>,
    problem: RwSignal<Option<String>>,
    make: Callback<NewAccess>,
) -> AnyView {
    let name = NodeRef::<html::Input>::new();
    let is_link = RwSignal::new(true);
    let role = RwSignal::new("viewer".to_owned());
    let lifetime = RwSignal::new("1".to_owned());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(name) = name.get_untracked().filter(|_| !is_busy.get_untracked()) else {
            return;
        };
        let lifetime = lifetime.get_untracked().parse::<usize>().ok();
        let lifetime = lifetime.and_then(|index| LIFETIMES.get(index));
        make.run(NewAccess {
            name: name.value().trim().to_owned(),
            role: role.get_untracked(),
            is_link: is_link.get_untracked(),
            expires_s: lifetime.and_then(|(_, seconds)| *seconds),
        });
    };
    // A link makes nobody an owner, and nobody is invited for nothing.
    let roles = move || {
        let count = if is_link.get() { 2 } else { 3 };
        if is_link.get() && role.get_untracked() == "owner" {
            role.set("editor".to_owned());
        }
        options(ROLES[..count].iter().copied(), &role.get_untracked())
    };
    let lifetimes = || {
        let numbers = ["0", "1", "2", "3"].into_iter();
        options(numbers.zip(LIFETIMES.map(|(words, _)| words)), "1")
    };
    let whose = move |event| is_link.set(event_target_value(&event) == "link");
    let who = may_invite.then(|| {
        let kinds = [("link", "Whoever has it"), ("person", "One person")];
        labelled(
            "For",
            "share-for",
            options(kinds.into_iter(), "link"),
            handler(whose),
        )
    });
    let choose_role = move |event| role.set(event_target_value(&event));
    let choose_lifetime = move |event| lifetime.set(event_target_value(&event));
    view! {
        <form class="share-form" on:submit=handler(submit)>
            <label class="field">
                <span class="field-label">"Name, which others see beside its edits"</span>
                <input
                    node_ref=name
                    class="input"
                    type="text"
                    autocomplete="off"
                    maxlength="48"
                    required
                    data-testid="share-name"
                    aria-invalid=reactive(move || problem.with(Option::is_some).then_some("true"))
                />
            </label>
            <div class="share-choices">
                {who}
                {labelled("May", "share-role", changing(roles), handler(choose_role))}
                {labelled("Counts for", "share-expires", lifetimes(), handler(choose_lifetime))}
            </div>
            {changing(move || problem.get().map(problem_view))}
            <div class="form-actions">
                <button type="submit" class="button" data-kind="primary" data-testid="share-make">
                    "Make a link"
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn labelled(
    label: &'static str,
    test_id: &'static str,
    options: AnyView,
    choose: Box<dyn FnMut(leptos::ev::Event)>,
) -> AnyView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <select class="input" data-testid=test_id on:change=choose>
                {options}
            </select>
        </label>
    }
    .into_any()
}

/// The options of a choice.
pub fn options(all: impl Iterator<Item = (&'static str, &'static str)>, chosen: &str) -> AnyView {
    let option = |(value, words)| {
        view! { <option value=value selected=value == chosen>{words}</option> }.into_any()
    };
    all.map(option).collect::<Vec<_>>().into_any()
}
