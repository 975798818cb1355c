//! What an operator reads at `/metrics`: counters and histograms, each updated where it happens.
//!
//! An update is a few atomic additions, so that it may stand on the path of every edit and every
//! write. Nothing here names a user, a board or a client: a metric has few labels, and no secrets.

use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    exponential_buckets,
};

/// The text format that [`Metrics::text`] writes.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// How a room answered a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It made a version; or did so before, and was sent again.
    Applied,
    /// Somebody had changed the same.
    Conflict,
    /// It can never be applied.
    Rejected,
    /// Not now: the client tries again.
    Refused,
    /// Another one has to come first.
    Expected,
    /// An error about the board, which stands for every push under way.
    Failed,
}

impl Answer {
    /// All of them, in order.
    const ALL: [Self; 6] = [
        Self::Applied,
        Self::Conflict,
        Self::Rejected,
        Self::Refused,
        Self::Expected,
        Self::Failed,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Expected => "out_of_order",
            Self::Failed => "failed",
        }
    }
}

/// What a resume was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeKind {
    /// What changed since the replica's version.
    Delta,
    /// The whole board.
    Snapshot,
    /// The whole board, since the replica stood in another history.
    Diverged,
}

/// The metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    connections: IntGauge,
    boards: IntGauge,
    queries: IntGauge,
    /// Connections that said hello and were let in.
    pub connections_opened: IntCounter,
    connections_closed: IntCounterVec,
    edits: [IntCounter; Answer::ALL.len()],
    edit_seconds: Histogram,
    commit_seconds: Histogram,
    commit_edits: Histogram,
    commits: IntCounterVec,
    fanout_seconds: Histogram,
    end_to_end_seconds: Histogram,
    /// Connections that fell behind a board's ring, and got a resume instead.
    pub lagged: IntCounter,
    writes: IntCounter,
    written_frames: IntCounter,
    written_bytes: IntCounter,
    resumes: IntCounterVec,
    resume_bytes: IntCounterVec,
    resume_encoded_bytes: IntCounter,
    /// Samples that came in.
    pub samples: IntCounter,
    /// Samples that could not be taken.
    pub samples_dropped: IntCounter,
    /// Evaluations of queries.
    pub evaluations: IntCounter,
    /// Times that history could not be written or read.
    pub history_failures: IntCounter,
}

impl Metrics {
    /// All of them at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(&registry);
        Self {
            connections: make.gauge("connections", "Clients that are connected."),
            boards: make.gauge("boards_in_use", "Boards that are in memory."),
            queries: make.gauge("queries_watched", "Distinct feed queries that are watched."),
            connections_opened: make.counter("connections_opened_total", "Clients let in."),
            connections_closed: make.counters(
                "connections_closed_total",
                "Connections that ended, by close code; `gone` without one.",
                "code",
            ),
            edits: {
                let help = "Answers to edits, by outcome.";
                let edits = make.counters("edits_total", help, "outcome");
                Answer::ALL.map(|answer| edits.with_label_values(&[answer.label()]))
            },
            edit_seconds: make.seconds(
                "edit_seconds",
                "From an edit's arrival to its durable outcome being published.",
            ),
            commit_seconds: make.seconds("commit_seconds", "One transaction, synced."),
            commit_edits: make.sizes("commit_edits", "Edits applied in one transaction."),
            commits: make.counters(
                "commits_total",
                "Appends of one board, by result.",
                "result",
            ),
            fanout_seconds: make.seconds(
                "fanout_seconds",
                "From publication to the write to a connection; of an item now and then.",
            ),
            end_to_end_seconds: make.seconds(
                "end_to_end_seconds",
                "From an edit's arrival to the write to a connection; of an item now and then.",
            ),
            lagged: make.counter(
                "lagged_total",
                "Connections that fell behind a board's ring.",
            ),
            writes: make.counter("writes_total", "Writes to connections."),
            written_frames: make.counter("written_frames_total", "Messages in these writes."),
            written_bytes: make.counter("written_bytes_total", "Payload bytes in these writes."),
            resumes: make.counters("resumes_total", "Resumes, by kind.", "kind"),
            resume_bytes: make.counters("resume_bytes_total", "Their bytes, by kind.", "kind"),
            resume_encoded_bytes: make.counter(
                "resume_encoded_bytes_total",
                "Bytes encoded for resumes; what two of them have in common is encoded once.",
            ),
            samples: make.counter("samples_total", "Feed samples that came in."),
            samples_dropped: make.counter(
                "samples_dropped_total",
                "Feed samples that could not be taken.",
            ),
            evaluations: make.counter("evaluations_total", "Evaluations of feed queries."),
            history_failures: make.counter(
                "history_failures_total",
                "Times that samples could not be written or read.",
            ),
            registry,
        }
    }

    /// One answer to a push.
    pub fn answered(&self, answer: Answer) {
        self.edits[answer as usize].inc();
    }

    /// What became of an edit was published, so long after it had arrived.
    pub fn published(&self, after: Duration) {
        self.edit_seconds.observe(after.as_secs_f64());
    }

    /// A transaction of so many applied edits ended.
    pub fn committed(&self, edits: usize, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.commit_edits.observe(size(edits));
    }

    /// What became of one board's part of a transaction.
    pub fn stored(&self, result: &'static str) {
        self.commits.with_label_values(&[result]).inc();
    }

    /// A connection ended, with this close code; `None` where the peer was gone.
    pub fn closed(&self, code: Option<u16>) {
        let label = code.map_or_else(|| "gone".to_owned(), |code| code.to_string());
        self.connections_closed.with_label_values(&[&label]).inc();
    }

    /// One write to a connection.
    pub fn wrote(&self, frames: usize, bytes: usize) {
        self.writes.inc();
        self.written_frames.inc_by(count(frames));
        self.written_bytes.inc_by(count(bytes));
    }

    /// A write had an item that is measured: when it was published and, for an edit that this
    /// server took, arrived.
    pub fn fanned_out(&self, published_at: Instant, received_at: Option<Instant>) {
        let now = Instant::now();
        let seconds = |since: Instant| now.duration_since(since).as_secs_f64();
        self.fanout_seconds.observe(seconds(published_at));
        if let Some(received_at) = received_at {
            self.end_to_end_seconds.observe(seconds(received_at));
        }
    }

    /// A resume of so many bytes went out.
    pub fn resumed(&self, kind: ResumeKind, bytes: usize) {
        let label = match kind {
            ResumeKind::Delta => "delta",
            ResumeKind::Snapshot => "snapshot",
            ResumeKind::Diverged => "diverged",
        };
        self.resumes.with_label_values(&[label]).inc();
        let total = self.resume_bytes.with_label_values(&[label]);
        total.inc_by(count(bytes));
    }

    /// So many bytes were encoded for a resume; the others that it has were there.
    pub fn encoded_for_resumes(&self, bytes: usize) {
        self.resume_encoded_bytes.inc_by(count(bytes));
    }

    /// The gauges, as they are when somebody asks.
    pub fn set_now(&self, connections: usize, boards: usize, queries: usize) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.connections.set(gauge(connections));
        self.boards.set(gauge(boards));
        self.queries.set(gauge(queries));
    }

    /// All of it in the text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let families = self.registry.gather();
        let encoded = TextEncoder::new().encode_utf8(&families, &mut text);
        encoded.expect("every metric has a name and a value");
        text
    }
}

/// Makes metrics of one registry. Names are constants, so nothing can be refused.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn register<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let metric = made.expect("a valid name and help");
        let registered = self.0.register(Box::new(metric.clone()));
        registered.expect("a name of its own");
        metric
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::with_opts(options(name, help)))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::with_opts(options(name, help)))
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> IntCounterVec {
        self.register(IntCounterVec::new(options(name, help), &[label]))
    }

    /// From 50 microseconds to 26 seconds, each twice the last.
    fn seconds(&self, name: &str, help: &str) -> Histogram {
        self.histogram(name, help, exponential_buckets(0.000_05, 2.0, 20))
    }

    /// From 1 to 512 of them, each twice the last.
    fn sizes(&self, name: &str, help: &str) -> Histogram {
        self.histogram(name, help, exponential_buckets(1.0, 2.0, 10))
    }

    fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: prometheus::Result<Vec<f64>>,
    ) -> Histogram {
        let buckets = buckets.expect("positive bounds");
        let options = HistogramOpts::from(options(name, help)).buckets(buckets);
        self.register(Histogram::with_opts(options))
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("driftless")
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn size(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_every_metric_under_one_name_each() {
        let metrics = Metrics::new();
        metrics.answered(Answer::Applied);
        metrics.committed(3, Duration::from_millis(4));
        metrics.set_now(2, 1, 0);
        let text = metrics.text();
        for line in [
            "driftless_edits_total{outcome=\"applied\"} 1",
            "driftless_commit_edits_bucket{le=\"2\"} 0",
            "driftless_commit_edits_bucket{le=\"4\"} 1",
            "driftless_commit_edits_sum 3",
            "driftless_connections 2",
            "# TYPE driftless_fanout_seconds histogram",
            "driftless_samples_dropped_total 0",
        ] {
            assert!(text.lines().any(|own| own == line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn two_servers_in_one_process_count_apart() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.lagged.inc();
        assert!(one.text().contains("driftless_lagged_total 1"));
        assert!(other.text().contains("driftless_lagged_total 0"));
    }
}
