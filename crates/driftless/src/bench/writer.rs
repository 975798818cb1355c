//! The part of the load that writes.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::bench::error::BenchError;
use crate::bench::latencies::Latencies;
use crate::bench::line::{Heard, Line};

/// What a writer saw.
#[derive(Debug, Default)]
pub struct Written {
    /// Updates that were acknowledged, as far as they count.
    pub acknowledged: u64,
    /// From the sending of each of them to its acknowledgement.
    pub latencies: Latencies,
    /// How late each update left, where there is a pace.
    pub late: Latencies,
    /// What came in.
    pub bytes_in: u64,
    /// What went out.
    pub bytes_out: u64,
}

/// As many updates as are acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Rush {
    /// Updates under way at once.
    pub in_flight: usize,
    /// The value of each, in bytes.
    pub bytes: usize,
    /// What is acknowledged before counts for nothing.
    pub start: Instant,
    /// Nothing is sent afterwards, and nothing counts.
    pub end: Instant,
}

/// Updates at a pace.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many.
    pub count: u32,
    /// Between two of them.
    pub period: Duration,
    /// The value of each, in bytes.
    pub bytes: usize,
    /// When the first one leaves.
    pub start: Instant,
}

/// Sends an update whenever one is acknowledged.
pub async fn rush(mut line: Line, rush: Rush) -> Result<Written, BenchError> {
    let mut written = Written::default();
    let mut under_way = VecDeque::with_capacity(rush.in_flight);
    loop {
        let now = Instant::now();
        if now < rush.end {
            while under_way.len() < rush.in_flight {
                line.update(rush.bytes).await?;
                under_way.push_back(now);
            }
            line.flush().await?;
        } else if under_way.is_empty() {
            return Ok(written.with(&line));
        }
        let mut heard = Some(line.heard().await?);
        while let Some(one) = heard {
            if matches!(one, Heard::Acknowledged) {
                let sent = under_way.pop_front();
                let now = Instant::now();
                if now >= rush.start && now < rush.end {
                    written.acknowledge(sent, now);
                }
            }
            heard = line.heard_now().await?;
        }
    }
}

/// Sends updates at a pace, whatever is acknowledged, and waits for the last acknowledgement.
pub async fn paced(mut line: Line, pace: Pace) -> Result<Written, BenchError> {
    let mut written = Written::default();
    let mut under_way = VecDeque::new();
    for number in 0..pace.count {
        let due = pace.start + pace.period * number;
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => break,
                heard = line.heard() => written.hear(&heard?, &mut under_way),
            }
        }
        under_way.push_back(Instant::now());
        written.late.add(due.elapsed());
        line.update(pace.bytes).await?;
        line.flush().await?;
    }
    while !under_way.is_empty() {
        written.hear(&line.heard().await?, &mut under_way);
    }
    Ok(written.with(&line))
}

impl Written {
    fn hear(&mut self, heard: &Heard, under_way: &mut VecDeque<Instant>) {
        if matches!(heard, Heard::Acknowledged) {
            self.acknowledge(under_way.pop_front(), Instant::now());
        }
    }

    fn acknowledge(&mut self, sent: Option<Instant>, now: Instant) {
        self.acknowledged += 1;
        let latency = sent.map(|sent| now.duration_since(sent));
        self.latencies.add(latency.unwrap_or_default());
    }

    fn with(self, line: &Line) -> Self {
        Self {
            bytes_in: line.bytes_in,
            bytes_out: line.bytes_out,
            ..self
        }
    }

    /// Takes another writer's in.
    pub fn append(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.latencies.append(other.latencies);
        self.late.append(other.late);
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}
