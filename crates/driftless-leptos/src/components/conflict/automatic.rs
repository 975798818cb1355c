//! `auto_resolve`: conflicts that settle themselves, told of one by one.

use driftless_client::ClientEvent;
use futures::StreamExt;
use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{AutoResolve, ConflictDecision, Conflicts, Settlement};
use crate::status_text::Tone;
use crate::texts::{fill, use_texts};
use crate::toast::{Toast, try_use_toasts};

/// Has conflicts settled as the application chose, until the component goes.
pub(super) fn settle(conflicts: Conflicts, auto_resolve: AutoResolve) {
    if auto_resolve == AutoResolve::Never {
        return;
    }
    let (texts, toasts) = (use_texts(), try_use_toasts());
    let client = conflicts.context.client();
    let mut events = client.events();
    client.auto_resolve(auto_resolve);
    let (listening, stop) = abortable(async move {
        while let Some(event) = events.next().await {
            let Some(decision) = decision(&conflicts, &event) else {
                continue;
            };
            if let Some(toasts) = toasts {
                let text = match decision.settlement {
                    Settlement::KeptMine => &texts.auto_kept_mine,
                    _ => &texts.auto_took_theirs,
                };
                let text = fill(text, &[("label", &decision.label)]);
                toasts.push(Toast::new(Tone::Conflict, text));
            }
            if let Some(tell) = conflicts.on_resolved {
                tell.run(decision);
            }
        }
    });
    spawn_local(async move {
        // Aborted with the component, or ended with the client.
        let _ = listening.await;
    });
    on_cleanup(move || {
        stop.abort();
        client.auto_resolve(AutoResolve::Never);
    });
}

fn decision(conflicts: &Conflicts, event: &ClientEvent) -> Option<ConflictDecision> {
    let ClientEvent::AutoResolved {
        board,
        number,
        label,
        kept_mine,
    } = event
    else {
        return None;
    };
    let settlement = if *kept_mine {
        Settlement::KeptMine
    } else {
        Settlement::TookTheirs
    };
    (Ok(board) == conflicts.context.board().id()).then(|| ConflictDecision {
        number: *number,
        label: label.clone(),
        settlement,
        is_automatic: true,
    })
}
