//! How far each edit of this device came, and how long each step took.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use driftless_model::{BoardId, EditId, Version};
use driftless_protocol::message::Screens;
use driftless_sync::replica::Now;
use serde::Serialize;

/// Most receipts that are kept, over all boards; the oldest go first.
///
/// ```
/// use driftless_client::receipt::RECEIPTS_MAX;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// for number in 0..RECEIPTS_MAX + 10 {
///     board.edit("Add a note", |e| e.create(format!("note{number}"), "note", []))?;
/// }
/// kit.settle();
/// assert_eq!(board.receipts().len(), RECEIPTS_MAX);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
pub const RECEIPTS_MAX: usize = 64;

/// The way of one edit: made, stored on this device, sent, committed by the server, on the screens
/// of others. Each step is told in milliseconds since the edit was made, where this tab or process
/// saw it happen: where tabs share the replica, another one may send what was made here.
///
/// An edit that was not applied has no receipt any more: it waits in [`crate::Board::outbox`], or
/// was taken back. Whether others see it is known only where somebody asked:
/// [`crate::Board::ask_screens`].
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
/// let version = kit.until(edit.applied())?;
/// let receipt = &board.receipts()[0];
/// assert_eq!((receipt.id, receipt.version), (edit.id(), Some(version)));
/// assert!(receipt.stored_ms <= receipt.sent_ms && receipt.sent_ms <= receipt.committed_ms);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The edit. Of a gesture whose edits were joined: the one that was sent.
    pub id: EditId,
    /// What the person did, in words.
    pub label: String,
    /// When it was made, in milliseconds since 1970 by the device's clock.
    pub made_at_ms: u64,
    /// When it was in this device's storage.
    pub stored_ms: Option<u64>,
    /// When it was sent first.
    pub sent_ms: Option<u64>,
    /// When the server's word came that it is committed, which is after its commit.
    pub committed_ms: Option<u64>,
    /// The version that it made; absent until then.
    pub version: Option<Version>,
    /// The screens of others that it is on, as far as they answered; absent until then.
    pub screens: Option<OtherScreens>,
}

/// On how many screens of others an edit is.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let (ann, bob, carol) = (kit.person("Ann"), kit.person("Bob"), kit.person("Carol"));
/// for other in [&bob, &carol] {
///     kit.until(other.client().board("home").loaded())?;
/// }
/// carol.set_visible(false); // she looks at another page
/// let board = ann.client().board("home");
/// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.until(edit.applied())?;
/// board.ask_screens(edit.id());
/// kit.advance_ms(100);
/// let screens = board.receipts()[0].screens.expect("an answer");
/// assert_eq!((screens.asked, screens.shown), (2, 1));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OtherScreens {
    /// How many other devices were asked: those that follow the board, at most
    /// [`driftless_model::limits::SCREENS_ASKED_MAX`]. A process without a screen, and a page in
    /// the background, are among them and do not answer.
    pub asked: u32,
    /// How many show it.
    pub shown: u32,
    /// When the first of them did, at the latest, in milliseconds since the edit was made.
    pub first_ms: Option<u64>,
}

/// Keeps them.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<VecDeque<Kept>>);

/// A receipt, by the clock that never jumps: before its beginning for what was made before this
/// tab or process.
#[derive(Debug)]
struct Kept {
    board: BoardId,
    id: EditId,
    label: String,
    made_at_ms: u64,
    made: i64,
    stored: Option<i64>,
    sent: Option<i64>,
    committed: Option<i64>,
    version: Option<Version>,
    screens: Option<KeptScreens>,
}

#[derive(Debug, Clone, Copy)]
struct KeptScreens {
    asked: u32,
    shown: u32,
    first: Option<i64>,
}

impl Receipts {
    /// Those of a board, newest first.
    pub(crate) fn of(&self, board: &BoardId) -> Vec<Receipt> {
        let kept = self.kept();
        let of_board = kept.iter().rev().filter(|kept| kept.board == *board);
        of_board.map(Kept::receipt).collect()
    }

    /// An edit was made, now or, by the device's clock, at another time.
    pub(crate) fn made(&self, board: &BoardId, id: EditId, label: &str, made_at_ms: u64, now: Now) {
        let mut kept = self.kept();
        if kept.iter().any(|kept| kept.id == id) {
            return;
        }
        if kept.len() >= RECEIPTS_MAX {
            kept.pop_front();
        }
        let ago_ms = now.epoch_ms.saturating_sub(made_at_ms);
        kept.push_back(Kept {
            board: board.clone(),
            id,
            label: label.to_owned(),
            made_at_ms,
            made: signed(now.mono_ms).saturating_sub(signed(ago_ms)),
            stored: None,
            sent: None,
            committed: None,
            version: None,
            screens: None,
        });
    }

    /// It is in this device's storage.
    pub(crate) fn stored(&self, id: EditId, now: Now) {
        self.change(id, |kept| {
            kept.stored = kept.stored.or(Some(signed(now.mono_ms)));
        });
    }

    /// It is sent, once more perhaps. Answers whether it has a receipt.
    pub(crate) fn sent(&self, id: EditId, now: Now) -> bool {
        self.change(id, |kept| {
            kept.sent = kept.sent.or(Some(signed(now.mono_ms)));
        })
    }

    /// It was applied. Edits of a gesture that were joined are one version, and one receipt.
    pub(crate) fn applied(&self, id: EditId, version: Version, now: Now) {
        self.change(id, |kept| {
            kept.committed = Some(signed(now.mono_ms));
            kept.version = Some(version);
        });
        let mut kept = self.kept();
        let Some(index) = kept.iter().position(|kept| kept.id == id) else {
            return;
        };
        let board = kept[index].board.clone();
        let is_twin = |other: &Kept| other.board == board && other.version == Some(version);
        let twin = kept
            .iter()
            .position(|other| is_twin(other) && other.id != id);
        if let Some(other) = twin.and_then(|twin| kept.remove(twin))
            && let Some(own) = kept.iter_mut().find(|kept| kept.id == id)
        {
            own.join(&other);
        }
    }

    /// A version is on these screens of others. Who asks again is not told less than before.
    pub(crate) fn screens(&self, screens: &Screens, now: Now) {
        let mut kept = self.kept();
        let is_about =
            |kept: &Kept| kept.board == screens.board && kept.version == Some(screens.version);
        let Some(own) = kept.iter_mut().find(|kept| is_about(kept)) else {
            return;
        };
        let before = own.screens;
        let ago_ms = screens.ago_ms.map(signed);
        let at = ago_ms.map(|ago_ms| signed(now.mono_ms).saturating_sub(ago_ms));
        let first = before.and_then(|before| before.first);
        own.screens = Some(KeptScreens {
            asked: screens.asked,
            shown: screens.shown.max(before.map_or(0, |before| before.shown)),
            first: first.into_iter().chain(at).min(),
        });
    }

    /// It was not applied, or taken back.
    pub(crate) fn forget(&self, id: EditId) {
        self.kept().retain(|kept| kept.id != id);
    }

    fn change(&self, id: EditId, change: impl FnOnce(&mut Kept)) -> bool {
        let mut kept = self.kept();
        let found = kept.iter_mut().find(|kept| kept.id == id);
        found.map(change).is_some()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn receipt(&self) -> Receipt {
        let span = |at: Option<i64>| {
            let span_ms = at?.saturating_sub(self.made);
            Some(u64::try_from(span_ms).unwrap_or_default())
        };
        Receipt {
            id: self.id,
            label: self.label.clone(),
            made_at_ms: self.made_at_ms,
            stored_ms: span(self.stored),
            sent_ms: span(self.sent),
            committed_ms: span(self.committed),
            version: self.version,
            screens: self.screens.map(|screens| OtherScreens {
                asked: screens.asked,
                shown: screens.shown,
                first_ms: span(screens.first),
            }),
        }
    }

    /// Takes in an edit of the same gesture. The one that was sent stands for both; it began with
    /// the first, and was stored with the last.
    fn join(&mut self, other: &Self) {
        if self.sent.is_none() && other.sent.is_some() {
            self.id = other.id;
            self.sent = other.sent;
        }
        self.made_at_ms = self.made_at_ms.min(other.made_at_ms);
        self.made = self.made.min(other.made);
        self.stored = self.stored.max(other.stored);
    }
}

fn signed(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> BoardId {
        BoardId::new("home").expect("an id")
    }

    fn at(mono_ms: u64) -> Now {
        let epoch_ms = 1_000_000 + mono_ms;
        Now { mono_ms, epoch_ms }
    }

    fn make(receipts: &Receipts, id: u128, now: Now) {
        receipts.made(&home(), EditId(id), "Move", now.epoch_ms, now);
    }

    #[test]
    fn each_step_is_told_from_when_the_edit_was_made_and_the_first_time_counts() {
        let receipts = Receipts::default();
        make(&receipts, 1, at(100));
        receipts.stored(EditId(1), at(104));
        receipts.sent(EditId(1), at(105));
        receipts.sent(EditId(1), at(900));
        receipts.applied(EditId(1), Version(7), at(912));
        let all = receipts.of(&home());
        let told = (all[0].stored_ms, all[0].sent_ms, all[0].committed_ms);
        assert_eq!(told, (Some(4), Some(5), Some(812)));
        assert_eq!(all[0].version, Some(Version(7)));
    }

    #[test]
    fn the_first_screen_counts_and_who_asks_again_is_not_told_less() {
        let receipts = Receipts::default();
        make(&receipts, 1, at(100));
        receipts.applied(EditId(1), Version(7), at(120));
        let told = |shown, ago_ms| Screens {
            board: home(),
            version: Version(7),
            asked: 2,
            shown,
            ago_ms,
        };
        let screens = || receipts.of(&home())[0].screens;
        assert_eq!(screens(), None);
        receipts.screens(&told(0, None), at(130));
        receipts.screens(&told(1, Some(5)), at(150));
        receipts.screens(&told(2, Some(30)), at(160));
        let both = Some(OtherScreens {
            asked: 2,
            shown: 2,
            first_ms: Some(30),
        });
        assert_eq!(screens(), both);
        receipts.screens(&told(0, None), at(900));
        assert_eq!(screens(), both);
        let other = Screens {
            version: Version(8),
            ..told(1, Some(1))
        };
        receipts.screens(&other, at(901));
        assert_eq!(screens(), both);
    }

    #[test]
    fn edits_of_a_gesture_that_were_joined_have_one_receipt() {
        let receipts = Receipts::default();
        for id in 1..=3 {
            make(&receipts, id, at(100 * u64::try_from(id).expect("small")));
            receipts.stored(EditId(id), at(350));
        }
        receipts.sent(EditId(3), at(360));
        for id in [3, 1, 2] {
            receipts.applied(EditId(id), Version(7), at(400));
        }
        let all = receipts.of(&home());
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].id, all[0].made_at_ms), (EditId(3), 1_000_100));
        assert_eq!(
            (all[0].sent_ms, all[0].committed_ms),
            (Some(260), Some(300))
        );
    }

    #[test]
    fn what_was_made_before_this_tab_counts_from_then() {
        let receipts = Receipts::default();
        receipts.made(&home(), EditId(1), "Move", 990_000, at(50));
        receipts.sent(EditId(1), at(50));
        let all = receipts.of(&home());
        assert_eq!((all[0].stored_ms, all[0].sent_ms), (None, Some(10_050)));
    }

    #[test]
    fn the_newest_are_kept_and_those_not_applied_forgotten() {
        let receipts = Receipts::default();
        for id in 0..=RECEIPTS_MAX as u128 {
            make(&receipts, id, at(1));
        }
        receipts.forget(EditId(2));
        let ids: Vec<_> = receipts.of(&home()).iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), RECEIPTS_MAX - 1);
        assert_eq!(ids.first(), Some(&EditId(RECEIPTS_MAX as u128)));
        assert!(!ids.contains(&EditId(0)) && !ids.contains(&EditId(2)));
    }
}
