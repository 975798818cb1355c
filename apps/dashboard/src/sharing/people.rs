//! Who has a role on the board, until when, another one, and an end to it.

use driftless_leptos::erased::{changing, handler};
use driftless_protocol::access::{Access, AccessList, AccessToken, NewRole};
use leptos::prelude::*;

use crate::browser;
use crate::plot::times;
use crate::sharing::form::{ROLES, options};

/// The list. `revoke` takes the number of a token once its button was pressed twice, `change` the
/// role that somebody is to have.
pub fn people_view(
    list: AccessList,
    revoke: Callback<(u64, String)>,
    change: Callback<NewRole>,
) -> AnyView {
    let sure = RwSignal::new(None::<u64>);
    let rows = list.people.into_iter();
    let rows = rows.map(|access| row_view(access, sure, revoke, change));
    let rest = list.is_cut.then(|| {
        view! { <p class="muted">"There are more: `driftless role list` names them."</p> }
    });
    view! {
        <section aria-labelledby="share-people">
            <h3 id="share-people" tabindex="-1">"Who has access"</h3>
            <ul class="share-people">{rows.collect::<Vec<_>>()}</ul>
            {rest}
        </section>
    }
    .into_any()
}

fn row_view(
    access: Access,
    sure: RwSignal<Option<u64>>,
    revoke: Callback<(u64, String)>,
    change: Callback<NewRole>,
) -> AnyView {
    let name = match &access.user {
        Some(user) => user.as_str().to_owned(),
        None => "Everybody who signs in".to_owned(),
    };
    let role = role_view(&access, change);
    let tokens = access.tokens.into_iter();
    let tokens = tokens.map(|token| token_view(&token, &name, sure, revoke));
    let tokens = tokens.collect::<Vec<_>>();
    view! {
        <li class="share-person" data-testid="share-person">
            <span class="share-name">{name}</span>
            {role}
            {tokens}
        </li>
    }
    .into_any()
}

/// What they may do; where the owner may, with a choice. A choice alone changes nothing: arrow keys
/// pass over what is not meant.
fn role_view(access: &Access, change: Callback<NewRole>) -> AnyView {
    let Some(user) = access.user.clone().filter(|_| access.may_change) else {
        return view! { <span class="muted">{role_words(access)}</span> }.into_any();
    };
    let now = access.role.clone();
    let chosen = RwSignal::new(now.clone());
    let label = format!("What {user} may do");
    let all = options(ROLES.into_iter(), &now);
    let choose = move |event| chosen.set(event_target_value(&event));
    let button = move || {
        let role = chosen.get();
        let user = user.clone();
        (role != now).then(|| {
            let whose = format!(" what {user} may do");
            let press = move |_| {
                let (user, role) = (user.clone(), Some(role.clone()));
                change.run(NewRole { user, role });
            };
            view! {
                <button
                    type="button"
                    class="button"
                    data-testid="share-change"
                    on:click=handler(press)
                >
                    "Change"
                    <span class="visually-hidden">{whose}</span>
                </button>
            }
        })
    };
    view! {
        <span class="share-token">
            <select
                class="input"
                aria-label=label
                data-testid="share-person-role"
                on:change=handler(choose)
            >
                {all}
            </select>
            {changing(button)}
        </span>
    }
    .into_any()
}

fn role_words(access: &Access) -> String {
    let may = match access.role.as_str() {
        "viewer" => "may view",
        "editor" => "may edit",
        "owner" => "may edit and share",
        _ => "has no access",
    };
    let place = if access.is_everywhere {
        " every board"
    } else {
        ""
    };
    format!("{may}{place}")
}

fn token_view(
    token: &AccessToken,
    name: &str,
    sure: RwSignal<Option<u64>>,
    revoke: Callback<(u64, String)>,
) -> AnyView {
    let number = token.number;
    let until = token
        .expires_ms
        .map_or("until it is revoked".to_owned(), until);
    let what = if token.is_own {
        format!("your link, {until}")
    } else {
        format!("link {number}, {until}")
    };
    let press = {
        let name = name.to_owned();
        move |_| {
            if sure.get_untracked() == Some(number) {
                revoke.run((number, name.clone()));
            } else {
                sure.set(Some(number));
            }
        }
    };
    let words = move || match sure.get() {
        Some(asked) if asked == number => "Revoke now",
        _ => "Revoke",
    };
    let button = token.may_revoke.then(|| {
        view! {
            <button
                type="button"
                class="button"
                data-testid="share-revoke"
                aria-describedby=format!("share-token-{number}")
                on:click=handler(press)
            >
                {changing(words)}
                <span class="visually-hidden">{format!(" the link of {name}")}</span>
            </button>
        }
    });
    view! {
        <span class="share-token">
            <span class="muted" id=format!("share-token-{number}")>{what}</span>
            {button}
        </span>
    }
    .into_any()
}

/// "until 3 Dec, 14:05" in local time.
fn until(at_ms: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "a time")]
    let at_ms = at_ms as f64;
    let local_ms = at_ms + browser::local_offset_ms(at_ms);
    format!(
        "until {}, {}",
        times::date(local_ms),
        times::clock(local_ms, false)
    )
}
