//! A board that the user may not read: the copy of it goes, what they made and is not settled
//! stays.

use driftless_model::BoardId;
use driftless_protocol::Code;

use crate::replica::board::Stream;
use crate::replica::machine::Replica;
use crate::replica::types::Now;

impl Replica {
    /// The server says that the user may not read a board. It is asked again every now and then:
    /// the right may come back, and what is pending with it.
    pub(super) fn may_not_read(&mut self, id: &BoardId, detail: String, now: Now) {
        let retry_ms = self.config.rights_retry_ms();
        let at_ms = now.mono_ms + retry_ms + self.socket.draw(retry_ms);
        let Some(board) = self.boards.get_mut(id) else {
            return self.error(Code::Forbidden, detail);
        };
        board.stream = Stream::Retrying { at_ms };
        let before = board.refused.replace(detail.clone());
        if before.is_some() && board.state.cursor().is_none() {
            return;
        }
        let gone = board.leave_copy(&mut self.journal);
        self.processor.whole(id);
        self.processor.local(id, gone);
        self.error(Code::Forbidden, detail);
    }
}
