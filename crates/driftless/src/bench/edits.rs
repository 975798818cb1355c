//! Many writers, each of whom follows what the others on its board do.

use std::time::Duration;

use driftless_model::limits;
use futures::{StreamExt as _, stream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bench::error::BenchError;
use crate::bench::figures::{Figures, per_second};
use crate::bench::line::Line;
use crate::bench::options::{EditsOptions, count, duration, period};
use crate::bench::report::Report;
use crate::bench::run::{CONNECTING_AT_ONCE, Moment, PATIENCE, Run, Workload};
use crate::bench::target::{Side, Target};
use crate::bench::writer::{Pace, Rush, Written, paced, rush};

/// How long the load runs before anything counts.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures it.
pub fn run(options: &EditsOptions) -> Result<Report, BenchError> {
    let numbers = [
        ("boards", options.boards),
        ("writers", options.writers),
        ("in-flight", options.in_flight),
    ];
    if let Some((option, _)) = numbers.into_iter().find(|(_, number)| *number == 0) {
        return Err(BenchError::Zero { option });
    }
    let most = limits::IN_FLIGHT_MAX;
    if options.in_flight > most {
        return Err(BenchError::TooMany {
            option: "in-flight",
            most,
        });
    }
    let period = period(options.rate)?;
    let workload = Workload {
        name: "edits",
        settings: serde_json::to_value(options).expect("options are numbers"),
        common: &options.common,
        floors: &[Side::Floor, Side::DurableFloor],
        seconds: options.seconds,
        period,
    };
    workload.run(async |target, run| measure(options, period, target, run).await)
}

async fn measure(
    options: &EditsOptions,
    period: Option<Duration>,
    target: &Target,
    run: &Run,
) -> Result<Figures, BenchError> {
    let connections = options.boards * options.writers;
    let lines = stream::iter(0..connections)
        .map(|number| async move {
            let who = run.who(number, number % options.boards);
            let mut line = Line::connect(target, who).await?;
            line.make_record().await?;
            Ok::<_, BenchError>((number, line))
        })
        .buffer_unordered(CONNECTING_AT_ONCE);
    let lines: Vec<_> = lines.collect().await;
    let now = Instant::now();
    let start = match period {
        Some(_) => now,
        None => now + WARM_UP,
    };
    let end = start + duration(options.seconds)?;
    let mut writers = JoinSet::new();
    for line in lines {
        let (number, line) = line?;
        if let Some(period) = period {
            // Spread over the period, so that they do not all write at once.
            let share = u32::try_from(number * 1_000 / connections).unwrap_or(0);
            writers.spawn(paced(
                line,
                Pace {
                    count: count(options.seconds, period)?,
                    period,
                    bytes: options.bytes,
                    start: now + period * share / 1_000,
                },
            ));
        } else {
            writers.spawn(rush(
                line,
                Rush {
                    in_flight: options.in_flight,
                    bytes: options.bytes,
                    start,
                    end,
                },
            ));
        }
    }
    tokio::time::sleep_until(start).await;
    let before = Moment::now(target);
    tokio::time::sleep_until(end).await;
    let figures = before.figures(Moment::now(target), connections);
    let written = tokio::time::timeout(PATIENCE, gather(&mut writers)).await;
    let written = written.map_err(|_| BenchError::Stalled)??;
    Ok(with(figures, written, period.is_some()))
}

async fn gather(writers: &mut JoinSet<Result<Written, BenchError>>) -> Result<Written, BenchError> {
    let mut all = Written::default();
    while let Some(written) = writers.join_next().await {
        all.append(written.expect("the load does not panic")?);
    }
    Ok(all)
}

fn with(figures: Figures, written: Written, has_pace: bool) -> Figures {
    let late = written.late.p50_p99().1;
    let (p50_us, p99_us) = written.latencies.p50_p99();
    Figures {
        updates: written.acknowledged,
        per_second: per_second(written.acknowledged, figures.seconds),
        p50_us,
        p99_us,
        sent_bytes: written.bytes_out,
        received_bytes: written.bytes_in,
        late_p99_us: has_pace.then_some(late),
        ..figures
    }
}
