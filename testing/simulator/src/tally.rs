//! What a run met: shown at the end, so that a simulator which reaches nothing is seen.

use std::ops::AddAssign;

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident: $label:literal),* $(,)?) => {
        /// How often something happened.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct Tally {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl AddAssign for Tally {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl Tally {
            /// Each with its label.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$(($label, self.$name),)*]
            }
        }
    };
}

tally! {
    /// Edits that persons made.
    edits: "edits made",
    /// Of those, in tabs that did not lead.
    follower_edits: "edits made in followers",
    /// Edits whose number another tab took first.
    renumbered: "entries renumbered",
    /// Tabs that took the lock from a silent one.
    takeovers: "takeovers",
    /// Writes of a tab that led, refused since another one leads.
    refused_by_term: "leaders refused by term",
    /// Writes that met what another tab wrote.
    refused_tabs: "writes refused since another tab wrote",
    /// Tabs in which nothing happened for a while.
    frozen_tabs: "tabs frozen and thawed",
    /// Tabs that were closed, or died alone.
    closed_tabs: "tabs closed",
    /// Edits in the servers' logs.
    applied: "edits applied",
    /// Edits that joined a queued one of the same gesture.
    squashed: "edits squashed",
    /// Conflict outcomes.
    conflicts: "conflicts",
    /// Edits that waited for a conflicted one and joined it.
    folded: "edits folded into a conflict",
    /// Outcomes that refused for good.
    rejected: "rejections",
    /// Undo edits for entries that were taken back too late.
    taken_back: "edits taken back after sending",
    /// Persons who undid.
    undone: "undos asked for",
    /// Persons who did again what they had undone.
    redone: "redos asked for",
    /// Leaves that an own edit left out.
    skipped: "own edits with skipped leaves",
    /// Values that somebody replaced, and was told about.
    overwritten: "owners told of a replaced value",
    /// Conflicts that settled themselves.
    auto_resolved: "conflicts settled without asking",
    /// Decisions of persons on conflicts.
    resolved: "conflicts resolved",
    /// Resumes answered with a delta.
    deltas: "resumes by delta",
    /// Resumes answered with a snapshot.
    snapshots: "resumes by snapshot",
    /// Checks looked up in the store.
    look_ups: "checks looked up",
    /// Connections past the ring's tail.
    lapped: "readers lapped by the ring",
    /// Connections cut.
    cuts: "connections cut",
    /// Server crashes.
    server_crashes: "server crashes",
    /// Server crashes while a commit was under way.
    server_crashes_in_commit: "server crashes inside a commit",
    /// Client crashes.
    client_crashes: "client crashes",
    /// Client crashes while a commit was under way.
    client_crashes_in_commit: "client crashes inside a commit",
    /// Commits that failed on the server.
    server_commits_failed: "server commits that failed",
    /// Commits of unknown outcome on the server.
    server_commits_unknown: "server commits of unknown outcome",
    /// Commits that failed to sync on the server, and were there after its next crash.
    unsynced_came_back: "failed syncs that came back after a crash",
    /// Writes that failed on a client.
    client_commits_failed: "client writes that failed",
    /// Pushes that a server answered from its ledger.
    repeated: "outcomes repeated from the ledger",
    /// Profiles copied to another device.
    clones: "profiles cloned",
    /// Profiles set back to an earlier state.
    rollbacks: "profiles rolled back",
    /// Crashes that took transactions with them that had been told done.
    relaxed_lost: "crashes that lost relaxed writes",
    /// Times in which a device's storage was full.
    quota_spells: "spells of full storage",
    /// Jumps of a device's clock.
    clock_jumps: "clock jumps",
    /// Connections that came late or twice.
    ghosts: "late or duplicate connections",
    /// Tokens that expired.
    expiries: "tokens expired",
    /// Sign-ins of another user.
    user_switches: "user switches",
    /// Of those, at a tab that did not lead.
    follower_sign_ins: "sign-ins in followers",
    /// Edits that wait since nobody knows who made them.
    kept_apart: "edits kept from another user",
    /// Servers of the older build that were updated.
    updates: "servers updated",
    /// Old server files put in the place of the newest.
    restores: "servers restored from a backup",
    /// Applied edits that a restored server lacked, and that their authors were offered again.
    offered: "applied edits offered again",
    /// Rights to read that were withdrawn.
    reads_withdrawn: "rights to read withdrawn",
    /// Rights to edit that were withdrawn, with those to read kept or given back.
    edits_withdrawn: "rights to edit withdrawn",
    /// Rights that were given back.
    rights_returned: "rights given back",
    /// Copies of boards that devices deleted since their user may not read them.
    copies_deleted: "copies deleted",
    /// Edits that were refused for good since their author may not edit.
    forbidden: "edits refused as forbidden",
    /// Marks of removed records that were pruned.
    marks_pruned: "removal marks pruned",
    /// Commits that pruned the log.
    logs_pruned: "logs pruned",
    /// Replicas below the marks or the log, among the deltas that were compared.
    below_horizon: "resumes from below the horizon",
    /// Edits of which nobody can tell whether they were applied before the log begins.
    forgotten: "edits too old to tell",
    /// Client ids given up.
    identities: "client ids given up",
    /// Looks for an edit that may have been applied under another client id.
    finds: "edits looked for in the log",
    /// Of those, found.
    found: "edits found in the log",
    /// Views compared with a naive fold.
    views: "views compared with a naive fold",
    /// Times that a person looked elsewhere, or chose a pace.
    looks: "attentions changed",
    /// Views that stayed behind at a flush.
    held_views: "views held back",
    /// Pairs of versions whose delta was compared.
    delta_pairs: "deltas compared with log replay",
}
