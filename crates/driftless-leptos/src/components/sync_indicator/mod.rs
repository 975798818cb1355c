//! The connection at a glance, and in detail.

mod facts;
mod progress;
mod diagnosis;

use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use self::diagnosis::diagnosis;
use self::facts::{connection_facts, server_facts};
use self::progress::{progress, words};
use crate::announcement::{News, paced, read_out_only};
use crate::clock::{Moment, use_now};
use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::{changing, handler, memo, reactive};
use crate::facts::{Fact, facts_list};
use crate::hooks::{
    UseWebsocket, UseWebsocketOptions, use_background_sync, use_websocket_with_options,
};
use crate::icons::ToneIcon;
use crate::missing_provider::MissingProvider;
use crate::part;
use crate::popover::Popover;
use crate::status_text::{latency, quiet_word, state_name, tone, word};
use crate::texts::{count, use_texts};

/// The connection's state by icon and word ("Live · 12 ms"), the number of pending edits, and, on
/// a press, details: latency, last sync, attempts, next retry, versions, and whether this device
/// keeps what is made; with a button that connects or disconnects, and one that copies what a
/// maintainer needs to see ([`driftless_client::Diagnostics`]). A long outbox is counted down while
/// it is sent (part `sync-progress`).
///
/// Part: `sync-indicator`; `data-state` is `idle`, `connecting`, `online`, `waiting`, `offline`,
/// `unauthorised` or `closed`, `data-tone` the look.
#[component]
pub fn DashboardSyncIndicator(
    /// Whether the details can be opened; otherwise it only shows.
    #[prop(default = true)]
    show_details: bool,
    /// Told of each new state of the connection, the one at the start included.
    #[prop(into, optional)]
    on_status_change: Option<Callback<Connection>>,
    /// What the application adds to the details: names, and what they are.
    #[prop(into, optional)]
    more_facts: Signal<Vec<(String, String)>>,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="DashboardSyncIndicator" /> }.into_any();
    };
    let socket = use_websocket_with_options(UseWebsocketOptions { on_status_change });
    let state = memo(move || socket.state.with(state_name));
    let look = memo(move || socket.state.with(tone));
    let news = memo(move || {
        let word = |state: &Connection| quiet_word(state, &use_texts()).to_owned();
        News::from(socket.state.with(word))
    });
    let announced = paced(news, RwSignal::new(news.get_untracked()), 0);
    let shown = if show_details {
        detailed(context, socket, more_facts).into_any()
    } else {
        glance(context, socket).into_any()
    };
    view! {
        <div
            class=class
            data-part="sync-indicator"
            data-testid="sync-indicator"
            data-state=reactive(move || state.get())
            data-tone=reactive(move || look.get().name())
        >
            {shown}
            <span data-part="announcement" role="status" aria-live="polite" use:read_out_only>
                {announced}
            </span>
        </div>
    }
    .into_any()
}

/// Icon, word and the number of pending edits, or how far they are.
fn glance(context: RealtimeContext, socket: UseWebsocket) -> impl IntoView {
    let texts = use_texts();
    let look = memo(move || socket.state.with(tone));
    let is_waiting = memo(move || {
        socket
            .state
            .with(|state| matches!(state, Connection::Waiting { .. }))
    });
    let said = (texts.pending_one.clone(), texts.pending_many.clone());
    let connection = texts.status_label.clone();
    let pending = use_background_sync().pending;
    let progress = progress(context);
    let latency = {
        let texts = texts.clone();
        move || socket.state.with(|state| latency(state, &texts))
    };
    let word = move || {
        // Only a countdown needs the clock.
        let now = if is_waiting.get() {
            use_now()
        } else {
            Moment::now().into()
        };
        let texts = texts.clone();
        changing(move || {
            socket
                .state
                .with(|state| word(state, &texts, now.get().mono_ms))
        })
    };
    let pending = move || {
        if let Some(progress) = progress.get() {
            let progress = words(progress);
            let shown = view! {
                <span data-part="sync-progress" data-testid="sync-progress">
                    {progress}
                </span>
            };
            return Some(shown.into_any());
        }
        let number = pending.get();
        (number > 0).then(|| {
            let said = count(&said.0, &said.1, number);
            let shown = view! {
                <span data-part="sync-pending" aria-hidden="true">
                    {number}
                </span>
                <span data-part="unseen" use:read_out_only>", " {said}</span>
            };
            shown.into_any()
        })
    };
    view! {
        <ToneIcon tone=look />
        <span data-part="unseen" use:read_out_only>{connection}</span>
        <span data-part="sync-word">
            {changing(word)}<span data-part="sync-latency">{changing(latency)}</span>
        </span>
        {changing(pending)}
    }
}

fn detailed(
    context: RealtimeContext,
    socket: UseWebsocket,
    more: Signal<Vec<Fact>>,
) -> impl IntoView {
    let texts = use_texts();
    let open = RwSignal::new(false);
    let heading = texts.status_details.to_string();
    view! {
        <Popover open=open heading=heading trigger=move || glance(context, socket)>
            {details(context, socket, more)}
        </Popover>
    }
}

part! {
    /// What the panel says, line by line.
    fn details(context: RealtimeContext, socket: UseWebsocket, more: Signal<Vec<Fact>>) {
        details_view(context, socket, more).into_any()
    }
}

fn details_view(
    context: RealtimeContext,
    socket: UseWebsocket,
    more: Signal<Vec<Fact>>,
) -> impl IntoView {
    let texts = use_texts();
    let now = use_now();
    let heading = texts.status_details.clone();
    let facts = move || {
        let (status, version) = (context.status.get(), context.version.get());
        let mut facts = connection_facts(&status, &texts, now.get());
        facts.push((texts.board_version.to_string(), version.to_string()));
        facts.extend(server_facts(&status, &texts));
        facts.extend(more.get());
        facts
    };
    view! {
        <h2 data-part="panel-heading">{heading}</h2>
        {facts_list(facts)}
        {connect_button(socket)}
        {diagnosis(context, more)}
    }
}

fn connect_button(socket: UseWebsocket) -> impl IntoView {
    let texts = use_texts();
    let is_off = memo(move || {
        socket.state.with(|state| {
            matches!(
                state,
                Connection::Idle | Connection::Closed { .. } | Connection::Unauthorised { .. }
            )
        })
    });
    let word = move || {
        if is_off.get() {
            texts.connect.clone()
        } else {
            texts.disconnect.clone()
        }
    };
    let press = move |_| {
        if is_off.get_untracked() {
            socket.connect();
        } else {
            socket.disconnect();
        }
    };
    view! {
        <button
            type="button"
            data-part="button"
            data-testid="connect-button"
            on:click=handler(press)
        >
            {changing(word)}
        </button>
    }
}
