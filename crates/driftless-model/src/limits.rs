//! Every bound of the system, in one place. Each is asserted where input enters, and tested at the
//! bound and one past it.

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
/// Most sealed edits of one board that a replica has under way at once.
pub const IN_FLIGHT_MAX: usize = 64;
/// Most edits in one group commit of one board.
pub const BATCH_EDITS_MAX: usize = 512;
/// Most pushes that a room holds while a commit is under way; more are refused as transient.
pub const ROOM_QUEUE_MAX: usize = 8_192;
/// Stream items that a room's ring keeps for connections that lag; past it they resume.
pub const RING_ITEMS_MAX: usize = 4_096;
/// Recent checks that a room keeps in memory; older ones are looked up in the store.
pub const CHECKS_IN_MEMORY_MAX: usize = 4_096;
/// Outcomes that a ledger row keeps above the settled mark.
pub const LEDGER_OUTCOMES_MAX: usize = 1_024;
/// Former client ids that an edit remembers, which may have been applied under one of them.
pub const FORMER_CLIENTS_MAX: usize = 8;
/// Longest selector of a feed query, in bytes.
pub const SELECTOR_BYTES_MAX: usize = 512;
/// Most buckets in the window of one feed query.
pub const BUCKETS_PER_QUERY_MAX: usize = 3_600;
/// Most series in the answer to one feed query.
pub const SERIES_PER_QUERY_MAX: usize = 256;
