//! What travels between the driver, the machine and the server, said to `tracing` by name only:
//! what is in it is people's, or a token.

use driftless_protocol::{ClientMessage, ServerMessage};
use driftless_sync::replica::{CommitResult, Input};

/// The machine is handed this.
pub(super) fn handed(input: &Input) {
    match input {
        Input::SocketMessage { message, .. } => {
            tracing::trace!(kind = received(message), "received");
        }
        Input::SocketOpened { socket } => tracing::debug!(socket, "socket opened"),
        Input::SocketClosed { socket, code, .. } => tracing::debug!(socket, code, "socket closed"),
        Input::SocketGarbage { socket, .. } => tracing::warn!(socket, "no message arrived"),
        Input::Loaded { rows, .. } => tracing::debug!(rows = rows.len(), "storage read"),
        Input::LoadFailed { .. } => tracing::warn!("storage not read"),
        Input::Committed { ticket, result } => {
            let result = committed(result);
            tracing::trace!(ticket = ticket.0, result, "stored");
        }
        _ => {}
    }
}

/// The server is sent this.
pub(super) fn sent(message: &ClientMessage) {
    tracing::trace!(kind = said(message), "sent");
}

fn committed(result: &CommitResult) -> &'static str {
    match result {
        CommitResult::Done => "done",
        CommitResult::Conflict => "conflict",
        CommitResult::Failed { .. } => "failed",
    }
}

fn said(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Subscribe(_) => "subscribe",
        ClientMessage::Unsubscribe { .. } => "unsubscribe",
        ClientMessage::Push(_) => "push",
        ClientMessage::OpenFeed { .. } => "open_feed",
        ClientMessage::CloseFeed { .. } => "close_feed",
        ClientMessage::Token { .. } => "token",
        ClientMessage::Ping { .. } => "ping",
        ClientMessage::Pong { .. } => "pong",
        _ => "other",
    }
}

fn received(message: &ServerMessage) -> &'static str {
    match message {
        ServerMessage::Welcome(_) => "welcome",
        ServerMessage::Resume(_) => "resume",
        ServerMessage::Event(_) => "event",
        ServerMessage::Outcome(_) => "outcome",
        ServerMessage::Refused { .. } => "refused",
        ServerMessage::Expect { .. } => "expect",
        ServerMessage::Error { .. } => "error",
        ServerMessage::Feed(_) => "feed",
        ServerMessage::Ping { .. } => "ping",
        ServerMessage::Pong { .. } => "pong",
        ServerMessage::Goodbye { .. } => "goodbye",
        _ => "other",
    }
}
