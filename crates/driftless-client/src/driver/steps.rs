//! How far edits come, noted for their receipts and for the ledger; and what coming back cost.

use driftless_model::{BoardId, EditId};
use driftless_protocol::durable::EntryState;
use driftless_protocol::message::{Outcome, Settled};
use driftless_protocol::{ClientMessage, ServerMessage};
use driftless_sync::replica::view::StorageVerdict;
use driftless_sync::replica::{Command, Input, Notice, Now, Replica, Settlement};

use crate::ledger::{Ledger, Waiting};
use crate::shared::State;

/// The machine is handed this.
pub(super) fn handed(state: &State, input: &Input, now: Now) {
    if let Input::Command(Command::Edit(edit)) = input {
        let (board, label) = (&edit.board, &edit.label);
        state
            .receipts
            .made(board, edit.id, label, now.epoch_ms, now);
        state.ledgers.made(board, edit.id);
    }
}

/// The server says this, in so many bytes. Before the machine takes it.
pub(super) fn heard(
    state: &State,
    message: &ServerMessage,
    bytes: usize,
    replica: &Replica,
    now: Now,
) {
    match message {
        ServerMessage::Resume(resume) => {
            let board = replica.board(&resume.board);
            let before = board.and_then(|board| board.state.cursor());
            state.bills.resumed(resume, before, bytes, now.epoch_ms);
            for settled in &resume.outcomes {
                logged(state, settled);
            }
        }
        ServerMessage::Outcome(settled) => logged(state, settled),
        ServerMessage::Event(event) => {
            state.ledgers.logged(&event.board, event.id, event.version);
        }
        _ => {}
    }
}

fn logged(state: &State, settled: &Settled) {
    if let Outcome::Applied { version, .. } = settled.outcome {
        state.ledgers.logged(&settled.board, settled.id, version);
    }
}

/// The server is sent this. What was made before this tab or process, or in another one, has a
/// receipt from here on.
pub(super) fn sent(state: &State, message: &ClientMessage, replica: &Replica, now: Now) {
    let ClientMessage::Push(push) = message else {
        return;
    };
    let receipts = &state.receipts;
    if !receipts.sent(push.id, now)
        && let Some(board) = replica.board(&push.board)
        && let Some(entry) = board.outbox.entries().find(|it| it.row.id == push.id)
    {
        let row = &entry.row;
        receipts.made(&push.board, row.id, &row.label, row.made_at_ms, now);
        receipts.sent(push.id, now);
    }
}

/// The machine tells this.
pub(super) fn told(state: &State, notice: &Notice, now: Now) {
    match notice {
        Notice::EditStored { id } => {
            // Memory alone keeps nothing.
            let keeps = !matches!(
                state.published().status.storage,
                StorageVerdict::MemoryOnly { .. }
            );
            if keeps {
                state.receipts.stored(*id, now);
            }
        }
        Notice::Screens(screens) => state.receipts.screens(screens, now),
        Notice::EditSettled {
            board,
            id,
            settlement,
            ..
        } => settled(state, board, *id, settlement, now),
        _ => {}
    }
}

fn settled(state: &State, board: &BoardId, id: EditId, settlement: &Settlement, now: Now) {
    let State {
        receipts, ledgers, ..
    } = state;
    if let Settlement::Applied(version) = settlement {
        receipts.applied(id, *version, now);
        ledgers.settled(board, id, *version);
        return;
    }
    receipts.forget(id);
    match settlement {
        Settlement::Refused { .. } => ledgers.refused(board, id),
        Settlement::RolledBack | Settlement::Discarded => ledgers.taken_back(board, id),
        // They are in the outbox.
        _ => {}
    }
}

/// The account of a board, as its outbox is now.
pub(super) fn account(state: &State, board: &BoardId, replica: &Replica) -> Ledger {
    let outbox = replica.board(board).map(|board| board.outbox.entries());
    let edits = outbox.into_iter().flatten().flat_map(|entry| {
        let waiting = match &entry.row.state {
            EntryState::Conflicted(_) => Waiting::Conflicted,
            EntryState::Quarantined { .. } => Waiting::Quarantined,
            _ => Waiting::Pending,
        };
        entry.row.ids().map(move |id| (id, waiting))
    });
    state.ledgers.account(board, edits)
}
