//! Every text that a component shows, each replaceable.

use std::borrow::Cow;
use std::sync::Arc;

use leptos::prelude::use_context;

/// One text. `{name}` in it is filled in; which names there are stands at each field of [`Texts`].
pub type Text = Cow<'static, str>;

/// Fills the `{names}` of a text. A name that the text lacks is left out; one that nobody fills
/// stays as it is written.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            let value = values.iter().find(|(known, _)| *known == name)?.1;
            Some((value, after))
        });
        if let Some((value, after)) = value {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// Fills `{n}` in the text for one or in the text for any other number.
pub fn count(one: &str, many: &str, number: usize) -> String {
    fill(
        if number == 1 { one } else { many },
        &[("n", &number.to_string())],
    )
}

/// The texts in context, or the English ones where there are none.
pub fn use_texts() -> Arc<Texts> {
    use_context::<Arc<Texts>>().unwrap_or_default()
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Every text that a component shows. Change what you want and hand it to the provider:
        ///
        /// ```
        /// use driftless_leptos::Texts;
        /// let mut texts = Texts::default();
        /// texts.live = "Verbunden".into();
        /// texts.live_latency = ", {ms} ms".into();
        /// ```
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct Texts {
            $($(#[$doc])* pub $name: Text,)*
        }

        impl Default for Texts {
            fn default() -> Self {
                Self { $($name: Cow::Borrowed($text),)* }
            }
        }
    };
}

texts! {
    /// The connection is not asked for.
    idle = "Not connected";
    /// A socket is being opened, or the server has not answered yet.
    connecting = "Connecting";
    /// Live.
    live = "Live";
    /// What follows once the round trip is measured; `{ms}`: in milliseconds.
    live_latency = " · {ms} ms";
    /// Between two attempts; `{span}`: until the next.
    waiting = "Reconnecting in {span}";
    /// The next attempt is due.
    waiting_due = "Reconnecting";
    /// No network.
    offline = "Offline";
    /// The token is missing, wrong or expired.
    unauthorised = "Sign in again";
    /// Closed for good.
    closed = "Disconnected";
    /// Before the status, for screen readers only.
    status_label = "Connection: ";
    /// The heading of the indicator's details.
    status_details = "Connection";
    /// Before the measured round trip, in the details.
    latency = "Latency";
    /// `{ms}`: milliseconds.
    latency_value = "{ms} ms";
    /// Nothing measured yet.
    not_measured = "not measured yet";
    /// Before the time of the last message that confirmed anything.
    last_sync = "Last sync";
    /// `{span}`: how long ago.
    ago = "{span} ago";
    /// Less than a second ago.
    just_now = "just now";
    /// Never since this page was opened.
    never = "not yet";
    /// Before the number of attempts since the last success.
    attempts = "Attempts";
    /// Before the time of the next attempt.
    next_retry = "Next attempt";
    /// `{span}`: until then.
    in_span = "in {span}";
    /// Before the reason why the last connection ended.
    reason = "Reason";
    /// Before the board's version.
    board_version = "Board";
    /// Before the protocol version.
    protocol = "Protocol";
    /// While a long outbox is sent. `{sent}`: how many are through; `{total}`: how many there were.
    sending = "Sending {sent} of {total}";
    /// Copies what a maintainer needs to see.
    copy_diagnostics = "Copy diagnostics";
    /// It is in the clipboard.
    diagnostics_copied = "Copied";
    /// There is no clipboard: the person takes the text by hand.
    diagnostics_shown = "Copying is not possible here: select the text, or save it.";
    /// Saves it as a file.
    diagnostics_save = "Save as a file";
    /// Before the server's build.
    server = "Server";
    /// Before the name that the server knows the person by.
    user = "You are";
    /// Before what is said about storage.
    storage = "This device";
    /// Storage has not been read yet.
    storage_loading = "reading stored edits";
    /// Everything is kept.
    storage_durable = "keeps unsent edits";
    /// `{reason}`: why nothing is kept.
    storage_memory = "not saved on this device: {reason}";
    /// Everything is kept, without a promise of the browser.
    storage_evictable = "keeps unsent edits; the browser may clear them when space runs out";
    /// The button that connects.
    connect = "Connect";
    /// The button that disconnects.
    disconnect = "Disconnect";

    /// The badge with nothing pending.
    pending_none = "All changes synced";
    /// One edit waits.
    pending_one = "{n} pending change";
    /// `{n}` edits wait.
    pending_many = "{n} pending changes";
    /// One entry waits for a decision, after the count.
    attention_one = "{n} needs you";
    /// `{n}` entries wait for a decision, after the count.
    attention_many = "{n} need you";
    /// The only entry waits for a decision, after the count.
    attention_only_one = "needs you";
    /// All `{n}` entries wait for a decision, after the count.
    attention_only_many = "need you";
    /// The heading of the list.
    pending_heading = "Changes not yet on the server";
    /// Where the list is cut; `{n}`: how many more.
    pending_more = "and {n} more";
    /// An entry that waits to be sent.
    entry_queued = "waiting to be sent";
    /// An entry that waits for an earlier one.
    entry_after = "waits for an earlier change";
    /// An entry that is on its way.
    entry_sealed = "being sent";
    /// An entry that was taken back while on its way.
    entry_take_back = "being taken back";
    /// An entry that conflicts.
    entry_conflicted = "somebody changed the same";
    /// An entry that was refused.
    entry_quarantined = "refused";
    /// An applied entry that the server lacks since it was restored from a backup.
    entry_restored = "missing on the server";
    /// An entry that is not in storage yet.
    entry_not_stored = "not saved on this device yet";
    /// The heading of the latest edits that are on the server.
    recent_heading = "Latest changes on the server";
    /// A step of an edit: it is in this device's storage.
    receipt_stored = "stored here";
    /// A step of an edit: it left this device.
    receipt_sent = "sent";
    /// A step of an edit: the server has it for good. `{version}`: which version of the board it
    /// made; empty before.
    receipt_committed = "committed {version}";
    /// After a step that has not happened yet, for screen readers.
    receipt_waiting = "not yet";
    /// In place of receipts, before there are any.
    receipt_none = "No receipts yet";
    /// A step of an edit: `{shown}` of `{asked}` other screens that show the board have it.
    receipt_seen = "seen by others ({shown} of {asked})";
    /// The same where nobody else has the board.
    receipt_alone = "nobody else is here";
    /// One attempt.
    attempt_one = "{n} attempt";
    /// `{n}` attempts.
    attempt_many = "{n} attempts";
    /// The button that tries again.
    retry = "Retry";
    /// A panel's code is being loaded; for screen readers only.
    part_loading = "Loading";
    /// A panel's code could not be loaded.
    part_failed = "This part of the page could not be loaded. It needs the server once.";
    /// The button that tries all again.
    retry_all = "Retry all";
    /// The button that undoes a pending edit.
    roll_back = "Roll back";
    /// The button that undoes all pending edits.
    roll_back_all = "Roll back all";
    /// The button that asks again before rolling back all.
    roll_back_all_sure = "Really roll back all?";
    /// The button that opens a conflict.
    resolve = "Resolve";
    /// The button that saves the queue as a file.
    export = "Export";

    /// One conflict; `{label}`: what the person did, `{n}`: 1.
    conflict_one = "{n} conflict: {label}";
    /// `{n}` conflicts; `{label}`: the first one's.
    conflict_many = "{n} conflicts: {label} and others";
    /// The button in the alert.
    conflict_review = "Review";
    /// The dialog's heading; `{label}`: what the person did.
    conflict_heading = "{label}: somebody changed the same";
    /// Under the heading.
    conflict_explanation = "Your change is kept on this device and not on the board. Decide here; this works offline too.";
    /// Which of several; `{i}` of `{n}`.
    conflict_position = "{i} of {n}";
    /// The next of several conflicts.
    next = "Next";
    /// The one before.
    previous = "Previous";
    /// The column with the value that the person saw when they began.
    base = "Before";
    /// The column with the person's value.
    mine = "Mine";
    /// The column with the server's value.
    theirs = "Theirs";
    /// The same, where it is known who; `{name}`: who.
    theirs_of = "Theirs · {name}";
    /// A value that is not there.
    absent = "nothing";
    /// The record as such, where a change is its removal.
    whole_record = "the whole widget";
    /// What a removal is, in the column of mine.
    removed_by_me = "removed";
    /// The label of a merge field; `{leaf}`: which leaf.
    merge_label = "Merged value of {leaf}";
    /// Puts mine into the merge field.
    merge_use_mine = "Use mine";
    /// Puts theirs into the merge field.
    merge_use_theirs = "Use theirs";
    /// What a merge field asks for where the value is not text; `{error}`: what is wrong.
    merge_invalid = "This has to be JSON: {error}";
    /// What a merge field asks for where the leaf is a number.
    merge_no_number = "This has to be a number";
    /// What a merge field says where the kind refuses the value; `{error}`: why.
    merge_refused = "{error}";
    /// The choice of a leaf that is true.
    leaf_true = "Yes";
    /// The choice of a leaf that is false.
    leaf_false = "No";
    /// Keep mine.
    keep_mine = "Keep mine";
    /// Take theirs.
    take_theirs = "Take theirs";
    /// Apply what the merge fields hold.
    apply_merge = "Apply merge";
    /// Decide later.
    later = "Later";
    /// Somebody removed the record; `{name}`: who, `{title}`: the record's title.
    removed_by = "{name} removed “{title}”.";
    /// The same, where nobody knows by whom.
    removed_by_somebody = "“{title}” was removed.";
    /// Keep mine, where records were removed.
    restore = "Restore with my change";
    /// Take theirs, where records were removed.
    let_go = "Let it go";
    /// Keep mine, where mine is a removal.
    remove_anyway = "Remove anyway";
    /// Take theirs, where mine is a removal.
    keep_it = "Keep it";
    /// The other leaves that the edit writes.
    also_in_edit = "Also in this change";
    /// What `auto_resolve` did; `{label}`: of which edit.
    auto_kept_mine = "{label}: kept yours over a newer value";
    /// What `auto_resolve` did.
    auto_took_theirs = "{label}: took the newer value";

    /// A widget that waits to be confirmed.
    widget_pending = "not yet on the server";
    /// A widget's badge that opens its conflict.
    widget_conflict = "Conflict";
    /// A widget of a board that the user may not see.
    widget_forbidden = "you may not see this";
    /// A widget that the person paused.
    widget_paused = "paused";
    /// A widget without a connection.
    widget_offline = "offline: showing what was last seen";
    /// A widget without a connection whose feed never had any data.
    widget_waiting = "offline: waiting for the server";
    /// A widget whose feed has no news; `{span}`: for how long.
    widget_late = "{span} old";
    /// A widget whose content failed.
    widget_failed = "This widget could not be shown.";
    /// Shows the cause.
    details = "Details";
    /// Tries again.
    try_again = "Try again";

    /// The heading of the account of all edits.
    ledger_heading = "Every change, accounted for";
    /// The account. `{made}`: edits of this device; `{applied}`, `{pending}`, `{conflicted}`,
    /// `{quarantined}`: what became of them. A no-break space keeps a number and its word in one
    /// line.
    ledger_sum = "{made}\u{a0}made =\u{a0}{applied}\u{a0}applied +\u{a0}{pending}\u{a0}pending +\u{a0}{conflicted}\u{a0}conflicted +\u{a0}{quarantined}\u{a0}refused";
    /// After it, where there are any; `{n}`: how many.
    ledger_taken_back = " +\u{a0}{n}\u{a0}taken\u{a0}back";
    /// What must not be; `{lost}` and `{doubled}`: how many.
    ledger_faults = "{lost}\u{a0}lost · {doubled}\u{a0}doubled";
    /// The heading of what coming back cost.
    bill_heading = "The last connection";
    /// The server was not reached yet.
    bill_none = "not connected yet";
    /// What coming back cost. `{missed}`: edits of others and own ones; `{leaves}`: values;
    /// `{bytes}`: with their unit.
    bill_delta = "missed edits: {missed} · values received: {leaves} · {bytes}";
    /// The same, where the whole board came.
    bill_whole = "the whole board · values received: {leaves} · {bytes}";
    /// The heading of the figures about speed.
    performance_heading = "Performance";
    /// Before the frame rate.
    frames = "Frames";
    /// `{rate}`: frames in the last second; `{ms}`: the longest time between two of them.
    frames_value = "{rate} a second, longest {ms} ms";
    /// Before how long edits take from being sent to being committed.
    commits = "Commits";
    /// `{p50}`, `{p95}`, `{p99}`: percentiles in milliseconds.
    commits_value = "p50 {p50} · p95 {p95} · p99 {p99} ms";
    /// Before how long changes take to be shown.
    flush = "Flush";
    /// `{ms}`: the last one; `{longest}`: the longest one.
    flush_value = "{ms} ms, longest {longest} ms";
    /// Before how many edits wait for what.
    queues = "Outbox";
    /// `{queued}`, `{sent}`: edits; `{waiting}`: edits that wait for a person.
    queues_value = "{queued} queued · {sent} on their way · {waiting} need you";
    /// Before how many feeds are open.
    feeds = "Feeds";
    /// Before how many samples were never shown.
    dropped_samples = "Skipped samples";
    /// Before how much memory is in use.
    memory = "Memory";

    /// Nothing is kept; `{reason}`: why.
    not_saved = "Not saved on this device: {reason}";
    /// The stored data cannot be used; `{reason}`: why.
    storage_unusable = "Stored edits cannot be used: {reason}";

    /// Closes a popover, dialog or toast.
    close = "Close";
    /// A component outside a provider; `{component}`: which.
    missing_provider = "{component} needs a DashboardRealtimeProvider around it.";
    /// A provider that cannot start; `{error}`: why.
    provider_failed = "Live updates cannot start: {error}";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_by_name_and_keeps_what_nobody_fills() {
        assert_eq!(
            fill("{a} and {b}, {a}", &[("a", "x"), ("b", "{a}")]),
            "x and {a}, x"
        );
        assert_eq!(fill("{a} {unknown} {", &[("a", "x")]), "x {unknown} {");
    }

    #[test]
    fn one_is_not_many() {
        let texts = Texts::default();
        let say = |number| count(&texts.pending_one, &texts.pending_many, number);
        assert_eq!(
            (say(1), say(2), say(0)),
            (
                "1 pending change".into(),
                "2 pending changes".into(),
                "0 pending changes".into()
            )
        );
    }
}
