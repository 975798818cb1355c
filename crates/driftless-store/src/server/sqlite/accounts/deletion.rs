//! Boards that are deleted, and names that may be used again.

use driftless_model::BoardId;

use crate::server::account::AccountError;
use crate::server::sqlite::accounts::change::{Change, failed};

/// What the audit log calls it.
pub const DELETED: &str = "board deleted";
/// What it calls that the name may be used again.
pub const REOPENED: &str = "board reopened";

impl Change<'_> {
    /// A board is gone for everybody from here on, with who might what there; says whether there
    /// was one. Its rows are swept afterwards ([`crate::server::sqlite::sweep`]).
    pub async fn delete_board(&mut self, board: &BoardId) -> Result<bool, AccountError> {
        let head = sqlx::query("DELETE FROM boards WHERE board = ?").bind(board.as_str());
        let head = head.execute(self.connection()).await.map_err(failed)?;
        if head.rows_affected() == 0 {
            return Ok(false);
        }
        let mark = sqlx::query("INSERT INTO deleted_boards (board, deleted_ms) VALUES (?, ?)");
        let mark = mark.bind(board.as_str()).bind(self.now_ms());
        mark.execute(self.connection()).await.map_err(failed)?;
        self.forget_rights(board).await?;
        self.note(DELETED, None, Some(board), "").await?;
        Ok(true)
    }

    /// Whoever uses the name again does not share the new board with whom the old one was shared
    /// with.
    async fn forget_rights(&mut self, board: &BoardId) -> Result<(), AccountError> {
        let revoke = sqlx::query(
            "UPDATE tokens SET revoked_ms = ?1 WHERE revoked_ms IS NULL AND user IN (
                 SELECT grants.user FROM grants JOIN users ON users.user = grants.user
                 WHERE is_link GROUP BY grants.user HAVING min(board) = ?2 AND max(board) = ?2)",
        );
        let revoke = revoke.bind(self.now_ms()).bind(board.as_str());
        revoke.execute(self.connection()).await.map_err(failed)?;
        let take_back = sqlx::query("DELETE FROM grants WHERE board = ?").bind(board.as_str());
        take_back.execute(self.connection()).await.map_err(failed)?;
        Ok(())
    }

    /// The name of a deleted board may be used again; says whether it could not. Nothing of the old
    /// board is left by then.
    pub async fn reopen_board(&mut self, board: &BoardId) -> Result<bool, AccountError> {
        let unmark = sqlx::query("DELETE FROM deleted_boards WHERE board = ?");
        let unmark = unmark.bind(board.as_str());
        let unmarked = unmark.execute(self.connection()).await.map_err(failed)?;
        if unmarked.rows_affected() == 0 {
            return Ok(false);
        }
        self.note(REOPENED, None, Some(board), "").await?;
        Ok(true)
    }
}
