//! Bugs that the simulator's builds can plant, one at a time, to prove that its checkers see them.
//!
//! Each breaks one rule of the design, at the place that keeps it. Without the feature
//! `planted-bugs` there is nothing to switch on: `is_planted` is `false` where it is compiled.

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A broken rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $name,)*
        }

        impl Bug {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

bugs! {
    // The room.
    /// A seq that is used up is decided again.
    SkipLedger,
    /// The ledger is not part of the commit.
    CommitWithoutLedger,
    /// Outcomes and events go out before their commit is durable.
    AcknowledgeBeforeCommit,
    /// An edit that may have been applied under a former client id is not looked for.
    NeverLook,
    /// The client ids that a replica gave up stay good.
    KeepFormerClients,
    /// Every cursor counts as part of this history.
    IgnoreCheck,
    /// A delta lacks its last leaf.
    HalfDelta,
    /// A delta does not name removed records.
    ForgetRemovals,
    /// A commit lacks a record that changed.
    CommitWithoutRecord,
    /// Nothing is ever stale.
    NothingIsStale,
    /// A removal counts as having seen everything.
    RemovalSeesAll,
    /// An undo counts as having seen everything.
    UndoSeesAll,
    /// An applied edit takes two versions.
    SkipVersion,
    /// The check of a version does not rest on the one before.
    BreakCheck,
    /// Whoever lost the right to read goes on following.
    KeepFollowing,
    /// What is committed is not published.
    NeverPublish,
    /// A leaf is written under today's name only.
    ForgetFormerNames,
    // The replica.
    /// An edit is told to be saved before it is.
    SaidSavedTooEarly,
    /// An edit is sent before it is saved.
    SendBeforeSaved,
    /// Two edits are sealed under one seq.
    ReuseSeq,
    /// A lost connection makes sealed edits queued again, their seq to be given out anew.
    UnsealOnRetry,
    /// A gesture goes on in an edit that is sealed.
    SquashSealed,
    /// A refused edit vanishes.
    DropRejected,
    /// What waits for a set-aside edit vanishes.
    DropWaiting,
    /// What joined a set-aside edit is not stored with it.
    JoinUnsaved,
    /// What joins an edit lies below a making or removal of its record that came before it.
    JoinBelow,
    /// What a person saw is taken when the edit is made, not when they began.
    SeenAtTheEnd,
    /// An own edit vouches for leaves that it skipped.
    VouchForSkipped,
    /// After a restore of the server, what was seen in the lost history counts.
    KeepSeen,
    /// What a restored server lacks is not offered again.
    NeverOffer,
    /// Edits of one user are sent as another.
    IgnoreOwner,
    /// What was made with a token that no server knew is sent for whoever is let in.
    IgnoreToken,
    /// The copy of a board stays after the right to read it is lost.
    KeepCopy,
    /// The view lacks the last pending change.
    HalfOverlay,
    /// What waits for a person's decision stays in the view.
    ShowSetAside,
    /// Of an event with several effects the last is not taken.
    HalfEvent,
    /// Records that an event changed are not stored.
    StoreHalf,
    /// After a transient refusal nothing is sent any more.
    NeverResume,
    /// A tab that no longer leads goes on writing as if it did.
    IgnoreTerm,
    /// A tab stores its edits over those of another.
    OverwriteEntries,
    /// A second transaction begins before the first has ended.
    TwoTransactions,
}

#[cfg(feature = "planted-bugs")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug in everything that this thread runs, or takes it out.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether a bug is planted.
#[cfg(feature = "planted-bugs")]
pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether a bug is planted.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is_planted(_bug: Bug) -> bool {
    false
}
