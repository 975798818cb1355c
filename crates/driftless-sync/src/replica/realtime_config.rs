//! Every setting of a replica in one typed, documented place.

/// How a replica connects, retries and shows changes. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealtimeConfig {
    /// Connect as soon as the storage is read. Default: yes.
    pub auto_connect: bool,
    /// The longest wait before the second attempt to connect; doubles with each further one, and
    /// the wait itself is drawn between 0 and it (full jitter). Default 500.
    pub backoff_base_ms: u64,
    /// The longest wait between two attempts. Default 15,000.
    pub backoff_max_ms: u64,
    /// How long a socket may take to open and the server to answer. Default 10,000.
    pub handshake_timeout_ms: u64,
    /// The wait after a server that asked to come back later. Default 30,000.
    pub retry_later_ms: u64,
    /// How long a failed write to the storage rests before it is tried again. Default 2,000.
    pub storage_retry_ms: u64,
    /// Remote changes are shown at most once in this time: a frame. Default 16.
    pub flush_interval_ms: u64,
    /// The same while the page is hidden. Default 1,000.
    pub flush_interval_hidden_ms: u64,
}

impl Default for RealtimeConfig {
    fn default() -> Self {
        Self {
            auto_connect: true,
            backoff_base_ms: 500,
            backoff_max_ms: 15_000,
            handshake_timeout_ms: 10_000,
            retry_later_ms: 30_000,
            storage_retry_ms: 2_000,
            flush_interval_ms: 16,
            flush_interval_hidden_ms: 1_000,
        }
    }
}
