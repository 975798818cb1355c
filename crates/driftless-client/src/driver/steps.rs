//! How far edits come, noted for their receipts.

use driftless_protocol::ClientMessage;
use driftless_sync::replica::{Command, Input, Notice, Now, Replica, Settlement};

use crate::receipt::Receipts;

/// The machine is handed this.
pub(super) fn handed(receipts: &Receipts, input: &Input, now: Now) {
    if let Input::Command(Command::Edit(edit)) = input {
        receipts.made(&edit.board, edit.id, &edit.label, now.epoch_ms, now);
    }
}

/// The server is sent this. What was made before this tab or process, or in another one, has a
/// receipt from here on.
pub(super) fn sent(receipts: &Receipts, message: &ClientMessage, replica: &Replica, now: Now) {
    let ClientMessage::Push(push) = message else {
        return;
    };
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
pub(super) fn told(receipts: &Receipts, notice: &Notice, now: Now) {
    match notice {
        Notice::EditStored { id } => receipts.stored(*id, now),
        Notice::EditSettled {
            id,
            settlement: Settlement::Applied(version),
            ..
        } => receipts.applied(*id, *version, now),
        Notice::EditSettled { id, .. } => receipts.forget(*id),
        _ => {}
    }
}
