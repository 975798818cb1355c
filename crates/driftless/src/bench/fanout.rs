//! One writer, many followers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Bytes;

use crate::bench::error::BenchError;
use crate::bench::figures::{Figures, per_second};
use crate::bench::latencies::Latencies;
use crate::bench::line::{Heard, Line, of_event, of_floor};
use crate::bench::options::{self, FanoutOptions};
use crate::bench::report::Report;
use crate::bench::run::{CONNECTING_AT_ONCE, Moment, PATIENCE, Run, Workload};
use crate::bench::target::{Side, Target};
use crate::bench::writer::{Pace, Written, paced};

/// Frames that are remembered: those that some followers have read and others have not.
const REMEMBERED: usize = 64;

/// Measures it.
pub fn run(options: &FanoutOptions) -> Result<Report, BenchError> {
    let period = period(options)?;
    let workload = Workload {
        name: "fanout",
        settings: serde_json::to_value(options).expect("options are numbers"),
        common: &options.common,
        floors: &[Side::Floor],
        seconds: options.seconds,
        period: Some(period),
    };
    workload.run(async |target, run| measure(options, period, target, run).await)
}

fn period(options: &FanoutOptions) -> Result<Duration, BenchError> {
    if options.followers == 0 {
        let option = "followers";
        return Err(BenchError::Zero { option });
    }
    options::period(options.rate)?.ok_or(BenchError::Zero { option: "rate" })
}

async fn measure(
    options: &FanoutOptions,
    period: Duration,
    target: &Target,
    run: &Run,
) -> Result<Figures, BenchError> {
    let count = options::count(options.seconds, period)?;
    let audience = Arc::new(Audience {
        is_floor: target.side != Side::Driftless,
        epoch: run.epoch(),
        expected: count.into(),
        got: AtomicU64::new(0),
        remembered: Mutex::default(),
    });
    let mut writer = Line::connect(target, run.who(0, 0)).await?;
    writer.make_record().await?;
    let mut followers = JoinSet::new();
    let mut lines = stream::iter(1..=options.followers)
        .map(|number| Line::connect(target, run.who(number, 0)))
        .buffer_unordered(CONNECTING_AT_ONCE);
    while let Some(line) = lines.next().await {
        followers.spawn(follow(line?, audience.clone()));
    }
    let before = Moment::now(target);
    let pace = Pace {
        count,
        period,
        bytes: options.bytes,
        start: Instant::now() + period,
    };
    let written = tokio::time::timeout(period * count + PATIENCE, paced(writer, pace)).await;
    let followed = tokio::time::timeout(PATIENCE, gather(&mut followers)).await;
    let incomplete = || BenchError::Incomplete {
        expected: audience.expected * options.followers as u64,
        got: audience.got.load(Ordering::Relaxed),
    };
    let followed = followed.map_err(|_| incomplete())??;
    let written = written.map_err(|_| incomplete())??;
    let figures = before.figures(Moment::now(target), options.followers + 1);
    Ok(with(figures, followed, written))
}

/// Everybody who follows.
struct Audience {
    is_floor: bool,
    epoch: std::time::Instant,
    /// Updates for each.
    expected: u64,
    /// Updates that reached somebody.
    got: AtomicU64,
    /// What the newest frames say. All followers get the same bytes: the first one reads them.
    remembered: Mutex<VecDeque<(Bytes, (u64, u64))>>,
}

#[derive(Default)]
struct Followed {
    latencies: Latencies,
    bytes_in: u64,
    bytes_out: u64,
}

async fn gather(
    followers: &mut JoinSet<Result<Followed, BenchError>>,
) -> Result<Followed, BenchError> {
    let mut all = Followed::default();
    while let Some(followed) = followers.join_next().await {
        let followed = followed.expect("the load does not panic")?;
        all.latencies.append(followed.latencies);
        all.bytes_in += followed.bytes_in;
        all.bytes_out += followed.bytes_out;
    }
    Ok(all)
}

/// Reads every update, in order and without a gap.
async fn follow(mut line: Line, audience: Arc<Audience>) -> Result<Followed, BenchError> {
    let mut followed = Followed::default();
    // The first one made the record, before anybody followed.
    for number in 2..=audience.expected + 1 {
        let Heard::Update(frame) = line.heard().await? else {
            let reason = "a follower got an acknowledgement".to_owned();
            return Err(BenchError::Broken(reason));
        };
        let (sent_us, version) = audience.read(frame)?;
        if version != number {
            let reason = format!("update {version} came in place of {number}");
            return Err(BenchError::Broken(reason));
        }
        let sent = Duration::from_micros(sent_us);
        followed
            .latencies
            .add(audience.epoch.elapsed().saturating_sub(sent));
        audience.got.fetch_add(1, Ordering::Relaxed);
    }
    followed.bytes_in = line.bytes_in;
    followed.bytes_out = line.bytes_out;
    Ok(followed)
}

impl Audience {
    /// When an update was sent, and its number.
    fn read(&self, frame: Bytes) -> Result<(u64, u64), BenchError> {
        // Nothing panics while it is held.
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = remembered.iter().rev().find(|(bytes, _)| *bytes == frame);
        if let Some((_, said)) = known {
            return Ok(*said);
        }
        let said = if self.is_floor {
            of_floor(&frame)
        } else {
            of_event(&frame)
        };
        let said = said.ok_or_else(|| BenchError::Broken("an unknown update came".to_owned()))?;
        if remembered.len() == REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back((frame, said));
        Ok(said)
    }
}

fn with(figures: Figures, followed: Followed, written: Written) -> Figures {
    let updates = followed.latencies.count() as u64;
    let (p50_us, p99_us) = followed.latencies.p50_p99();
    Figures {
        updates,
        per_second: per_second(updates, figures.seconds),
        p50_us,
        p99_us,
        sent_bytes: followed.bytes_out + written.bytes_out,
        received_bytes: followed.bytes_in + written.bytes_in,
        late_p99_us: Some(written.late.p50_p99().1),
        ..figures
    }
}
