//! Every bound of the system, in one place. Each is asserted where input enters, and tested at the
//! bound and one past it.
//!
//! ```
//! use driftless_model::{BoardId, limits};
//!
//! assert!(BoardId::new("b".repeat(limits::ID_BYTES_MAX)).is_ok());
//! assert!(BoardId::new("b".repeat(limits::ID_BYTES_MAX + 1)).is_err());
//! ```

/// Longest id of a board, a record, a kind or a leaf path segment, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// Longest user name, in bytes.
pub const USER_BYTES_MAX: usize = 64;
/// Longest leaf path (`options/legend`), in bytes.
pub const PATH_BYTES_MAX: usize = 128;
/// Deepest nesting of lists and maps in one value.
pub const VALUE_DEPTH_MAX: usize = 16;
/// Largest value of one leaf, in bytes as [`crate::Value::weight_bytes`] counts them.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Most changes in one edit.
pub const CHANGES_PER_EDIT_MAX: usize = 256;
/// Most leaves in one record, map entries included.
pub const LEAVES_PER_RECORD_MAX: usize = 256;
/// Most live records on one board.
pub const RECORDS_PER_BOARD_MAX: usize = 2_000;
/// Longest label of an edit, in bytes.
pub const LABEL_BYTES_MAX: usize = 200;
/// Largest payload of one edit as sent, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// Largest frame that a server accepts, in bytes: a payload with its envelope.
pub const FRAME_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 16 * 1024;
/// Largest frame that a client accepts, in bytes: the resume of a full board.
pub const RESUME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Slowest network on which a connection holds, in bytes a millisecond: a message has the time that
/// it takes at this pace beside the heartbeat.
pub const BYTES_PER_MS_MIN: u64 = 8;
/// Largest message that comes without a word ahead, in bytes: at that pace it takes four seconds. A
/// server announces each larger one, since a page learns nothing of a message before it is whole.
pub const UNANNOUNCED_BYTES_MAX: usize = 32 * 1024;
/// Longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Longest time that a server can ask a client to wait, in milliseconds; also for its heartbeat.
pub const WAIT_MS_MAX: u64 = 60 * 60 * 1_000;
/// Most boards that one connection may subscribe to.
pub const BOARDS_PER_CONNECTION_MAX: usize = 64;
/// Most feeds that one connection may hold open.
pub const FEEDS_PER_CONNECTION_MAX: usize = 256;
/// Most unsettled entries in one replica's outbox for one board.
pub const OUTBOX_ENTRIES_MAX: usize = 20_000;
/// Gestures of one board that a person can undo, one after another.
pub const UNDO_STEPS_MAX: usize = 100;
/// Leaves of one board that undo brought back and remembers as such.
pub const UNDO_STANDINGS_MAX: usize = 4_096;
/// Most applied edits of one board that a replica keeps, should the server be restored from a
/// backup.
pub const APPLIED_KEPT_MAX: usize = 1_000;
/// How long a replica keeps them by its own clock, in milliseconds: seven days.
pub const APPLIED_KEPT_MS: u64 = 7 * 86_400_000;
/// Most of that time that may pass between two of its edits, in milliseconds: a day. What lies
/// above is a clock that jumped, or a device that was off.
pub const APPLIED_STEP_MS_MAX: u64 = 86_400_000;
/// Most sealed edits of one board that a replica has under way at once.
pub const IN_FLIGHT_MAX: usize = 64;
/// Most edits in one group commit of one board.
pub const BATCH_EDITS_MAX: usize = 512;
/// Most pushes that a room holds while a commit is under way; more are refused as transient.
pub const ROOM_QUEUE_MAX: usize = 8_192;
/// Stream items that a room's ring keeps for connections that lag; past it they resume.
pub const RING_ITEMS_MAX: usize = 4_096;
/// The weight of these items in bytes, as their values are counted; past it connections that lag
/// resume, too. A board's ring takes a few times that, in every encoding that is spoken.
pub const RING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Recent checks that a room keeps in memory; older ones are looked up in the store.
pub const CHECKS_IN_MEMORY_MAX: usize = 4_096;
/// Marks of removed records that a board keeps. Where there are more, the oldest are pruned, an
/// eighth more than needed; a replica that stands below them gets a snapshot.
pub const REMOVAL_MARKS_MAX: usize = 4_096;
/// Applied edits of a board that the log keeps. Where there are more, the oldest are pruned, an
/// eighth more than needed.
pub const LOG_ROWS_MAX: usize = 100_000;
/// Outcomes that a ledger row keeps above the settled mark.
pub const LEDGER_OUTCOMES_MAX: usize = 1_024;
/// Most other replicas that one question about a version on screen goes to.
pub const SCREENS_ASKED_MAX: usize = 8;
/// Most versions that one connection waits to see on the screens of others; those that it asked
/// about first are forgotten first. As many wait on one replica for its screen.
pub const SCREENS_WAITING_MAX: usize = 8;
/// Between two questions of one replica about the screens of others, in milliseconds.
pub const SCREENS_PACE_MS: u64 = 250;
/// Most versions of which a replica remembers since when they are on screen.
pub const SHOWN_VERSIONS_MAX: usize = 512;
/// Former client ids that an edit remembers, which may have been applied under one of them.
pub const FORMER_CLIENTS_MAX: usize = 8;
/// Longest selector of a feed query, in bytes.
pub const SELECTOR_BYTES_MAX: usize = 512;
/// Largest program that a pattern in a selector may become, in bytes.
pub const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// Most bins of a sketch of percentiles; past it the smallest numbers are told apart less.
pub const SKETCH_BINS_MAX: usize = 1_024;
/// Most buckets in the window of one feed query.
pub const BUCKETS_PER_QUERY_MAX: usize = 3_600;
/// Most series in the answer to one feed query.
pub const SERIES_PER_QUERY_MAX: usize = 256;
/// Changes of a feed's buckets that are told apart; a viewer that lags further behind gets all.
pub const FEED_CHANGES_MAX: usize = 65_536;
/// Changes of one series that are told apart; older ones count as changes of everything.
pub const SERIES_CHANGES_MAX: usize = 64;
/// How far ahead of the server's clock a sample may lie, in milliseconds.
pub const SAMPLE_AHEAD_MS_MAX: u64 = 5 * 60 * 1_000;
/// How late a sample may come, in milliseconds: an hour. What is older is settled, and taken
/// together.
pub const SAMPLE_LATE_MS_MAX: u64 = 3_600_000;
/// Most samples of one series in memory, where those of two hours are: four a second. More are
/// refused.
pub const SAMPLES_PER_SERIES_MAX: usize = 32_768;
/// Most samples in memory, of all series: 256 MiB. More are refused.
pub const SAMPLES_MAX: usize = 16 * 1024 * 1024;
/// How long samples are kept as they came, in milliseconds: a day.
pub const SAMPLES_KEPT_MS: u64 = 86_400_000;
/// How long what they come to in each minute is kept, in milliseconds: 14 days.
pub const MINUTES_KEPT_MS: u64 = 14 * 86_400_000;
/// How long what they come to in each hour is kept, in milliseconds: 400 days.
pub const HOURS_KEPT_MS: u64 = 400 * 86_400_000;
/// Most series that have history; past it those that were not seen for longest lose theirs.
pub const HISTORY_SERIES_MAX: usize = 65_536;
/// Largest body of a push of samples, in bytes, packed and unpacked.
pub const PUSH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most samples in one push.
pub const PUSH_SAMPLES_MAX: usize = 50_000;
/// Longest id that a client gives a push, in bytes.
pub const PUSH_ID_BYTES_MAX: usize = 128;
/// Pushes that are told again, should they come again; older ones are taken anew.
pub const PUSHES_KEPT_MAX: usize = 65_536;
/// Pushes whose bodies are unpacked and read at once; more wait a while for their turn.
pub const PUSHES_AT_ONCE: usize = 16;
/// Pushes that are under way at once, most of them because their bodies still come; more are
/// refused as rate limited.
pub const PUSH_BODIES_MAX: usize = 64;
/// As many of these may be of one user, so that slow ones of one do not stop the others.
pub const PUSH_BODIES_PER_USER_MAX: usize = 16;
/// Refused samples that the answer to a push names.
pub const PUSH_REFUSALS_MAX: usize = 100;
/// Longest name of a series with its labels, in bytes.
pub const SERIES_NAME_BYTES_MAX: usize = 512;
/// Most labels of one series.
pub const LABELS_PER_SERIES_MAX: usize = 16;
/// Most samples of one feed, in packed bytes, that a replica holds for a flush beside the frame
/// that came first; past it they are dropped, counted, and the feed is asked for again.
pub const FEED_WAITING_BYTES_MAX: usize = 1024 * 1024;
/// Most records and feeds of a replica that are off screen or have a pace of their own; others
/// are shown with every flush.
pub const ATTENTIONS_MAX: usize = 16_384;
/// Longest time that an update may be held back by a pace, in milliseconds.
pub const PACE_MS_MAX: u64 = 60_000;
/// Own applied edits that an outbox remembers, for marks that were taken before they were applied.
pub const RECENT_EDITS_MAX: usize = 4_096;
/// Gestures on one board that may be under way at once before the oldest is taken for ended.
pub const GESTURES_MAX: usize = 64;
/// Most tabs that share a replica and are served by the one that leads.
pub const TABS_MAX: usize = 64;
/// The weight past which no further item of a board's stream is taken out for one write, in bytes:
/// what a connection that does not read holds on to, beside what is in the rings.
pub const DELIVERED_BYTES_MAX: usize = 256 * 1024;
/// Most commands that wait for one room; whoever sends another one waits, too.
pub const ROOM_COMMANDS_MAX: usize = 256;
/// Most boards of which one transaction has appends.
pub const BOARDS_PER_BATCH_MAX: usize = 256;
/// Most series that a server has in memory: what a machine has, and two hours of its processes. A
/// sample of another one is refused, and counted.
pub const SERIES_MAX: usize = 16_384;
/// How long a tab is served after it was heard of, in milliseconds. Hidden ones are heard of once a
/// minute at least.
pub const TAB_FORGOTTEN_MS: u64 = 180_000;
/// Most pushes of one connection on one board without an answer; the next is refused as rate
/// limited.
pub const UNANSWERED_PUSHES_MAX: usize = 4 * IN_FLIGHT_MAX;
/// When a client tries again whose pushes wait for an answer in too great a number, in
/// milliseconds: by then most of them are answered.
pub const UNANSWERED_RETRY_MS: u64 = 1_000;
/// When a client tries again whose edit a room cannot take now, in milliseconds.
pub const REFUSED_RETRY_MS: u64 = 2_000;
/// What of a connection may wait in the system to be sent, in bytes: what a thousand connections
/// that do not read hold on to besides. Where the peer reads, what is on its way does not count, so
/// that a far one gets no less.
pub const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// Largest part of a resume that each connection copies, in bytes; a larger one is written from
/// where it is, which is the same place for all who lack the same.
pub const COPIED_BYTES_MAX: usize = 16 * 1024;
/// Most different versions of a board of which a room keeps what a resume since then is made of.
pub const NEWS_KEPT_MAX: usize = 4;
/// Lines that the audit log of sign-in and rights keeps; past it the oldest go.
pub const AUDIT_ROWS_MAX: usize = 100_000;
/// Of those, how many may be of what changes nothing: sign-ins that were refused.
pub const AUDIT_NOTES_MAX: usize = 10_000;
/// Longest line of detail in the audit log, in bytes; what is longer is cut.
pub const AUDIT_DETAIL_BYTES_MAX: usize = 400;
/// Largest body of a request over HTTP about who may do what on a board, in bytes.
pub const ACCESS_BYTES_MAX: usize = 4 * 1024;
/// Most tokens with a role on one board that are made over HTTP: those that count, and those that
/// were made within a day.
pub const ACCESS_TOKENS_PER_BOARD_MAX: usize = 200;
/// Most people and links, and most of their tokens, that an answer about a board names.
pub const ACCESS_ROWS_MAX: usize = 500;
/// Longest that a token made over HTTP counts, in seconds, unless it counts until it is revoked.
pub const ACCESS_SECONDS_MAX: u64 = 366 * 86_400;
/// Messages of one connection in a second, on the average; past it the connection is closed, to
/// come back later. A client whose edits are all acknowledged at once sends a few thousand.
pub const MESSAGES_PER_S_MAX: u32 = 20_000;
/// Messages of one connection at once.
pub const MESSAGES_AT_ONCE_MAX: u32 = 40_000;
/// Messages of one connection in a second, on the average, that follow a board, open a feed, ask
/// about the screens of others or sign in anew: those that cost a server most.
pub const REQUESTS_PER_S_MAX: u32 = 50;
/// The same at once: more than all boards and feeds of a connection, three times over.
pub const REQUESTS_AT_ONCE_MAX: u32 = 1_024;
/// Connections in a second, on the average, that are begun from one address of another machine.
pub const CONNECTS_PER_S_MAX: u32 = 64;
/// The same at once: everybody in a house comes back after a restart.
pub const CONNECTS_AT_ONCE_MAX: u32 = 2_048;
/// Most connections from one address of another machine.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 2_048;
/// Most sockets from one address of another machine, whatever comes over them: all the connections
/// that it may have, and as many again for pages. Those of trusted proxies are not counted.
pub const SOCKETS_PER_ADDRESS_MAX: usize = 4_096;
/// TLS handshakes under way from one address of another machine, as many as it may begin at once.
/// Those of trusted proxies are not counted.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 2_048;
/// TLS handshakes under way from all addresses together; whoever comes then waits in the system's
/// queue.
pub const HANDSHAKES_MAX: usize = 8_192;
/// Most connections of one user from other machines. All who come by the same share link are one.
pub const CONNECTIONS_PER_USER_MAX: usize = 2_048;
/// When a client comes back that found too many connections, in milliseconds.
pub const OVERLOADED_RETRY_MS: u64 = 5_000;
