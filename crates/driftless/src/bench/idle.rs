//! Many connections that do nothing but follow a board and answer heartbeats.

use futures::{StreamExt as _, stream};
use tokio::task::JoinSet;

use crate::bench::error::BenchError;
use crate::bench::figures::Figures;
use crate::bench::line::Line;
use crate::bench::options::{IdleOptions, duration};
use crate::bench::report::Report;
use crate::bench::run::{CONNECTING_AT_ONCE, Moment, Run, Workload};
use crate::bench::target::{Side, Target};

/// Measures it.
pub fn run(options: &IdleOptions) -> Result<Report, BenchError> {
    if options.connections == 0 {
        let option = "connections";
        return Err(BenchError::Zero { option });
    }
    let workload = Workload {
        name: "idle",
        settings: serde_json::to_value(options).expect("options are numbers"),
        common: &options.common,
        floors: &[Side::Floor],
        seconds: options.seconds,
        period: None,
    };
    workload.run(async |target, run| measure(options, target, run).await)
}

async fn measure(options: &IdleOptions, target: &Target, run: &Run) -> Result<Figures, BenchError> {
    let seconds = duration(options.seconds)?;
    // What the server needs for the first one, it does not need for each.
    let first = Line::connect(target, run.who(0, 0)).await?;
    let before = Moment::now(target).server_resident_bytes();
    let mut idle = JoinSet::new();
    idle.spawn(stay(first));
    let mut lines = stream::iter(1..=options.connections)
        .map(|number| Line::connect(target, run.who(number, 0)))
        .buffer_unordered(CONNECTING_AT_ONCE);
    while let Some(line) = lines.next().await {
        idle.spawn(stay(line?));
    }
    let start = Moment::now(target);
    tokio::select! {
        () = tokio::time::sleep(seconds) => {}
        Some(ended) = idle.join_next() => return Err(ended.expect("the load does not panic")),
    }
    let end = Moment::now(target);
    let grown = before.and_then(|before| Some(end.server_resident_bytes()?.saturating_sub(before)));
    Ok(Figures {
        bytes_per_connection: grown.map(|bytes| bytes / options.connections as u64),
        ..start.figures(end, options.connections + 1)
    })
}

/// Answers heartbeats; comes back only when the connection went wrong.
async fn stay(mut line: Line) -> BenchError {
    loop {
        if let Err(error) = line.heard().await {
            return error;
        }
    }
}
