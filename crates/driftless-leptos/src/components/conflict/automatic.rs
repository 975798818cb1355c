//! `auto_resolve`: settling conflicts without asking, and saying so.

use std::collections::BTreeSet;

use driftless_sync::replica::view::Resolution;
use leptos::prelude::*;

use super::{AutoResolve, ConflictDecision, Conflicts, Settlement};
use crate::status_text::Tone;
use crate::texts::{fill, use_texts};
use crate::toast::{Toast, try_use_toasts};

/// Settles each conflict once, as the application chose.
pub(super) fn settle(conflicts: Conflicts, auto_resolve: AutoResolve) {
    let settlement = match auto_resolve {
        AutoResolve::Never => return,
        AutoResolve::Mine => Settlement::KeptMine,
        AutoResolve::Theirs => Settlement::TookTheirs,
    };
    let (texts, toasts) = (use_texts(), try_use_toasts());
    Effect::new(move |settled: Option<BTreeSet<u64>>| {
        let mut settled = settled.unwrap_or_default();
        for conflict in conflicts.open.get().iter() {
            if !settled.insert(conflict.number) {
                continue;
            }
            let (resolution, text) = match settlement {
                Settlement::KeptMine => (Resolution::KeepMine, &texts.auto_kept_mine),
                _ => (Resolution::TakeTheirs, &texts.auto_took_theirs),
            };
            conflicts
                .context
                .board()
                .resolve(conflict.number, resolution);
            if let Some(toasts) = toasts {
                let text = fill(text, &[("label", &conflict.label)]);
                toasts.push(Toast::new(Tone::Conflict, text));
            }
            if let Some(tell) = conflicts.on_resolved {
                tell.run(ConflictDecision {
                    number: conflict.number,
                    label: conflict.label.clone(),
                    settlement,
                    is_automatic: true,
                });
            }
        }
        settled
    });
}
