//! `use_websocket`: the connection.

use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use super::context_or_complaint;
use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::memo;

/// The connection: its state, and asking for it.
#[derive(Clone, Copy)]
pub struct UseWebsocket {
    context: Option<RealtimeContext>,
    /// Its state.
    pub state: Signal<Connection>,
}

/// The connection of the nearest provider. Outside of one: `Idle` for ever.
pub fn use_websocket() -> UseWebsocket {
    UseWebsocket::of(context_or_complaint("use_websocket"))
}

/// The connection of the nearest provider, where there is one.
pub fn try_use_websocket() -> Option<UseWebsocket> {
    try_use_realtime().map(|context| UseWebsocket::of(Some(context)))
}

impl UseWebsocket {
    fn of(context: Option<RealtimeContext>) -> Self {
        let state = memo(move || {
            context.map_or(Connection::Idle, |context| {
                context.status.with(|status| status.connection.clone())
            })
        });
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
