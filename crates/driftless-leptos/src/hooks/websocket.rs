//! `use_websocket`: the connection.

use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use super::context_or_complaint;
use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::memo;
use crate::status_text::state_name;

/// The connection: its state, and asking for it.
#[derive(Clone, Copy)]
pub struct UseWebsocket {
    context: Option<RealtimeContext>,
    /// Its state.
    pub state: Signal<Connection>,
}

/// Who is told what of the connection.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct UseWebsocketOptions {
    /// Told of each new state of the connection, the one at the start included.
    pub on_status_change: Option<Callback<Connection>>,
}

impl UseWebsocketOptions {
    /// With somebody who is told of each new state of the connection, the one at the start
    /// included.
    #[must_use]
    pub fn on_status_change(mut self, tell: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self.on_status_change = Some(Callback::new(tell));
        self
    }
}

/// The connection of the nearest provider. Outside of one: `Idle` for ever.
pub fn use_websocket() -> UseWebsocket {
    use_websocket_with_options(UseWebsocketOptions::default())
}

/// As [`use_websocket`], and tells of it.
pub fn use_websocket_with_options(options: UseWebsocketOptions) -> UseWebsocket {
    UseWebsocket::of(context_or_complaint("use_websocket"), options)
}

/// The connection of the nearest provider, where there is one.
pub fn try_use_websocket() -> Option<UseWebsocket> {
    try_use_websocket_with_options(UseWebsocketOptions::default())
}

/// As [`try_use_websocket`], and tells of it.
pub fn try_use_websocket_with_options(options: UseWebsocketOptions) -> Option<UseWebsocket> {
    try_use_realtime().map(|context| UseWebsocket::of(Some(context), options))
}

impl UseWebsocket {
    fn of(context: Option<RealtimeContext>, options: UseWebsocketOptions) -> Self {
        let state = memo(move || {
            context.map_or(Connection::Idle, |context| {
                context.status.with(|status| status.connection.clone())
            })
        });
        if let Some(on_status_change) = options.on_status_change {
            tell(state, on_status_change);
        }
        Self {
            context,
            state: state.into(),
        }
    }

    /// Connects, and stays connected.
    pub fn connect(&self) {
        if let Some(context) = self.context {
            context.client().connect();
        }
    }

    /// Disconnects. Edits wait in the outbox.
    pub fn disconnect(&self) {
        if let Some(context) = self.context {
            context.client().disconnect();
        }
    }
}

fn tell(state: Memo<Connection>, on_status_change: Callback<Connection>) {
    Effect::new(move |before: Option<&'static str>| {
        let state = state.get();
        let name = state_name(&state);
        if before != Some(name) {
            on_status_change.run(state);
        }
        name
    });
}
