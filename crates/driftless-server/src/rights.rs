//! Rights that other processes change: the command line, while the server runs.

use std::time::Duration;

use driftless_store::server::{Accounts, AuditRow, StoreError};

use crate::auth::StoredAuth;
use crate::driftless::Driftless;

/// How often the audit log is looked at: how long a withdrawal takes to reach a connection.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many looks there are from one line of refused sign-ins to the next.
const LOOKS_A_NOTE: u32 = 40;
/// Lines that are read at once.
const ROWS_AT_ONCE: u32 = 256;

/// Looks for what other processes change in the accounts, and has everybody whom it concerns asked
/// about again ([`Driftless::rights_changed`]), a quarter of a second later at most; the same for
/// boards that they delete ([`Driftless::board_replaced`]), whatever sign-in the server has, in
/// which case `auth` is only where the audit log is. Writes refused
/// sign-ins into the audit log every ten seconds. To be spawned, for as long as the server runs.
///
/// `since` is where the audit log ended before the server started.
pub async fn watch_rights(auth: StoredAuth, driftless: Driftless, since: u64) {
    let mut beat = tokio::time::interval(LOOK_EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watch = Watch {
        auth,
        driftless,
        since,
        were_in_use: false,
        is_failing: false,
    };
    for look in 1_u32.. {
        beat.tick().await;
        let looked = watch.look().await;
        watch.tell(looked);
        if look.is_multiple_of(LOOKS_A_NOTE)
            && let Err(error) = watch.auth.note_refusals().await
        {
            tracing::warn!(%error, "refused sign-ins are not in the audit log");
        }
    }
}

struct Watch {
    auth: StoredAuth,
    driftless: Driftless,
    since: u64,
    were_in_use: bool,
    is_failing: bool,
}

impl Watch {
    async fn look(&mut self) -> Result<(), StoreError> {
        loop {
            let accounts = self.auth.accounts();
            let rows = accounts.audit(self.since, ROWS_AT_ONCE).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            // Before the lines count as seen: where it fails, all of them are read again.
            self.doubt_guests().await?;
            for row in &rows {
                self.tell_of(row).await;
            }
            self.since = last.number;
        }
    }

    async fn tell_of(&self, row: &AuditRow) {
        let (user, board) = (row.user.as_ref(), row.board.as_ref());
        match (row.action.as_str(), board) {
            (StoredAuth::REFUSED, _) => {}
            (Accounts::BOARD_DELETED | Accounts::BOARD_REOPENED, Some(board)) => {
                self.driftless.board_replaced(board).await;
            }
            _ => self.driftless.rights_changed(user, board),
        }
    }

    /// With the first token whoever came without one is a stranger.
    async fn doubt_guests(&mut self) -> Result<(), StoreError> {
        if !self.were_in_use && self.auth.accounts().are_in_use().await? {
            self.were_in_use = true;
            self.driftless.rights_changed(None, None);
        }
        Ok(())
    }

    /// Says once that it cannot look, and once that it can again.
    fn tell(&mut self, looked: Result<(), StoreError>) {
        match looked {
            Err(error) if !self.is_failing => {
                tracing::error!(%error, "changed rights are not seen until the store answers");
                self.is_failing = true;
            }
            Ok(()) if self.is_failing => {
                tracing::info!("changed rights are seen again");
                self.is_failing = false;
            }
            _ => {}
        }
    }
}
