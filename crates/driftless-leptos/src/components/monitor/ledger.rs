//! The account of all edits.

use driftless_client::Ledger;
use leptos::prelude::*;

use crate::context::try_use_realtime;
use crate::erased::{effect, memo};
use crate::figures::grouped;
use crate::icons::ToneIcon;
use crate::missing_provider::MissingProvider;
use crate::status_text::Tone;
use crate::texts::{Texts, fill, use_texts};

/// Whether every edit of this device is accounted for: "128 made = 121 applied + 6 pending +
/// 1 conflicted + 0 refused", and how many are lost or doubled, live. See
/// [`driftless_client::Ledger`] for how it is counted.
///
/// Part: `ledger`; `data-state` is `balanced`, or `trouble` where edits are lost or doubled.
#[component]
pub fn SyncLedger(
    /// Told whenever edits are lost or doubled, with the account as it is then.
    #[prop(into, optional)]
    on_trouble: Option<Callback<Ledger>>,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="SyncLedger" /> }.into_any();
    };
    let ledger = memo(move || {
        // It changes with the outbox and with the board.
        context.outbox.track();
        context.version.track();
        context.board().ledger()
    });
    if let Some(on_trouble) = on_trouble {
        effect(move || {
            let ledger = ledger.get();
            if !ledger.adds_up() {
                on_trouble.run(ledger);
            }
        });
    }
    let tone = move || {
        if ledger.get().adds_up() {
            Tone::Live
        } else {
            Tone::Error
        }
    };
    let state = move || {
        if ledger.get().adds_up() {
            "balanced"
        } else {
            "trouble"
        }
    };
    let texts = use_texts();
    let (made, faults) = (texts.clone(), texts);
    view! {
        <div class=class data-part="ledger" data-testid="ledger" data-state=state>
            <ToneIcon tone=Signal::derive(tone) />
            <span data-part="ledger-sum">{move || sum(ledger.get(), &made)}</span>
            <strong data-part="ledger-faults">{move || self::faults(ledger.get(), &faults)}</strong>
        </div>
    }
    .into_any()
}

fn sum(ledger: Ledger, texts: &Texts) -> String {
    let mut sum = fill(
        &texts.ledger_sum,
        &[
            ("made", &grouped(ledger.made)),
            ("applied", &grouped(ledger.applied)),
            ("pending", &grouped(ledger.pending)),
            ("conflicted", &grouped(ledger.conflicted)),
            ("quarantined", &grouped(ledger.quarantined)),
        ],
    );
    if ledger.taken_back > 0 {
        let number = grouped(ledger.taken_back);
        sum.push_str(&fill(&texts.ledger_taken_back, &[("n", &number)]));
    }
    sum
}

fn faults(ledger: Ledger, texts: &Texts) -> String {
    let (lost, doubled) = (grouped(ledger.lost), grouped(ledger.doubled));
    fill(
        &texts.ledger_faults,
        &[("lost", &lost), ("doubled", &doubled)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_told_as_a_sum() {
        let mut ledger = Ledger::default();
        (ledger.made, ledger.applied, ledger.pending) = (1_288, 1_281, 6);
        ledger.conflicted = 1;
        let texts = Texts::default();
        let said = |text: String| text.replace('\u{a0}', " ");
        assert_eq!(
            said(sum(ledger, &texts)),
            "1,288 made = 1,281 applied + 6 pending + 1 conflicted + 0 refused"
        );
        assert_eq!(said(faults(ledger, &texts)), "0 lost · 0 doubled");
        ledger.taken_back = 2;
        assert!(said(sum(ledger, &texts)).ends_with("+ 0 refused + 2 taken back"));
    }

    #[test]
    fn a_line_ends_before_a_sign_and_never_between_a_number_and_its_word() {
        let mut ledger = Ledger::default();
        (ledger.made, ledger.taken_back) = (2, 2);
        let texts = Texts::default();
        let text = sum(ledger, &texts);
        let pieces: Vec<_> = text.split(' ').collect();
        assert_eq!(pieces.len(), 6, "{text}");
        assert!(
            pieces
                .iter()
                .skip(1)
                .all(|piece| piece.starts_with(['=', '+']))
        );
        assert_eq!(faults(ledger, &texts).split(' ').count(), 3);
    }
}
