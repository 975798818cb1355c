//! What became of this device's edits: how far each came, whether all are accounted for, and what
//! coming back cost.

use driftless_model::EditId;
use driftless_sync::replica::Command;

use super::Board;
use crate::ledger::Ledger;
use crate::receipt::Receipt;
use crate::reconnect::ReconnectBill;

impl Board {
    /// How far the latest edits of this device came, newest first: see [`Receipt`]. They change
    /// with the outbox, and with [`crate::ClientEvent::Screens`].
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// kit.until(board.edit("Add a note", |e| e.create("note", "note", []))?.applied())?;
    /// assert!(board.receipts()[0].committed_ms.is_some());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn receipts(&self) -> Vec<Receipt> {
        let of_board = |id| self.shared.state().receipts.of(id);
        self.id().map(of_board).unwrap_or_default()
    }

    /// Asks on how many screens of others an applied edit is. What they answer comes with
    /// [`crate::ClientEvent::Screens`] and is in the edit's receipt: at once how many were asked,
    /// then each that shows it. Without a connection, without a receipt, or with a server that does
    /// not know the question, nothing happens. Of many questions in short succession the last
    /// [`driftless_model::limits::SCREENS_WAITING_MAX`] are asked, the newest first.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let (ann, bob) = (kit.person("Ann").client(), kit.person("Bob").client());
    /// let (board, other) = (ann.board("home"), bob.board("home"));
    /// kit.until(other.loaded())?;
    /// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.until(edit.applied())?;
    /// board.ask_screens(edit.id());
    /// kit.advance_ms(100);
    /// let screens = board.receipts()[0].screens.expect("an answer");
    /// assert_eq!((screens.asked, screens.shown), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ask_screens(&self, id: EditId) {
        let receipts = self.receipts();
        let of_edit = receipts.iter().find(|receipt| receipt.id == id);
        let version = of_edit.and_then(|receipt| receipt.version);
        if let (Ok(board), Some(version)) = (self.id(), version) {
            let board = board.clone();
            let command = Command::AskScreens { board, version };
            self.shared.command(command);
        }
    }

    /// Whether every edit of this device is accounted for: see [`Ledger`]. It changes with the
    /// outbox and with the board.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let board = ann.client().board("home");
    /// kit.until(board.edit("Add a note", |e| e.create("note", "note", []))?.applied())?;
    /// ann.go_offline();
    /// board.edit("Add another", |e| e.create("other", "note", []))?;
    /// kit.settle();
    /// let ledger = board.ledger();
    /// assert_eq!((ledger.applied, ledger.pending, ledger.lost), (1, 1, 0));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn ledger(&self) -> Ledger {
        self.read(|board| board.ledger)
    }

    /// What it took to bring this copy up to date, the last time that the server was reached.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    /// let (hers, his) = (ann.client().board("home"), bob.client().board("home"));
    /// kit.until(hers.loaded())?;
    /// ann.go_offline();
    /// kit.until(his.edit("Add a note", |e| e.create("note", "note", []))?.applied())?;
    /// ann.go_online();
    /// kit.advance_ms(60_000);
    /// assert_eq!(hers.reconnect_bill().expect("it came back").missed, Some(1));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn reconnect_bill(&self) -> Option<ReconnectBill> {
        let id = self.id.as_ref().ok()?;
        self.shared.state().bills.of(id)
    }
}
