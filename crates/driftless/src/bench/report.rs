//! What is printed.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::Value;

use crate::bench::figures::Figures;
use crate::bench::target::Side;

/// A benchmark's result.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which workload.
    pub workload: &'static str,
    /// How it was asked for.
    pub settings: Value,
    /// This machine.
    pub machine: Machine,
    /// How often everything was measured.
    pub rounds: u32,
    /// The figures of each side, medians where there are several rounds.
    pub sides: Vec<Measured>,
    /// Driftless against each floor of the same run.
    pub ratios: Vec<Ratio>,
}

/// This machine.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Whether server and load had a processor of their own each.
    pub is_pinned: bool,
    /// A write of 4 KiB with a sync: the median, in microseconds.
    pub sync_p50_us: u64,
    /// The 99th percentile of that.
    pub sync_p99_us: u64,
}

/// The figures of one side.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// What was measured.
    pub side: &'static str,
    /// Why it is not known of some run whether the load was the limit, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_judged: Option<&'static str>,
    /// What came out.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Driftless divided by a floor.
#[derive(Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The floor.
    pub to: &'static str,
    /// Of updates a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Of the 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// Of processor time of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu: Option<f64>,
    /// Of its resident memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_resident: Option<f64>,
    /// Of the memory that came with each connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_connection: Option<f64>,
}

impl Report {
    /// The ratios of one side to every other.
    pub fn ratios(sides: &[(Side, Figures)]) -> Vec<Ratio> {
        let own = sides.iter().find(|(side, _)| *side == Side::Driftless);
        let Some((_, own)) = own else {
            return Vec::new();
        };
        let floors = sides.iter().filter(|(side, _)| *side != Side::Driftless);
        floors
            .map(|(side, floor)| ratio(own, *side, floor))
            .collect()
    }
}

fn ratio(own: &Figures, side: Side, floor: &Figures) -> Ratio {
    let of = |real: fn(&Figures) -> Option<f64>| quotient(real(own)?, real(floor)?);
    Ratio {
        to: side.name(),
        per_second: of(|figures| Some(figures.per_second)),
        p99: of(|figures| Some(real(figures.p99_us))),
        server_cpu: of(|figures| figures.server_cpu_s),
        server_resident: of(|figures| figures.server_resident_bytes.map(real)),
        bytes_per_connection: of(|figures| figures.bytes_per_connection.map(real)),
    }
}

/// To three decimals; `None` where there is nothing to divide by.
fn quotient(own: f64, floor: f64) -> Option<f64> {
    (floor > 0.0).then(|| (own / floor * 1_000.0).round() / 1_000.0)
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
fn real(number: u64) -> f64 {
    number as f64
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(formatter, "{} {}", self.workload, self.settings)?;
        writeln!(
            formatter,
            "synced write: p50 {} µs, p99 {} µs; server and load {}; rounds: {}",
            machine.sync_p50_us,
            machine.sync_p99_us,
            if machine.is_pinned {
                "on a processor each"
            } else {
                "NOT pinned"
            },
            self.rounds,
        )?;
        for measured in &self.sides {
            writeln!(formatter, "{}", line(measured))?;
        }
        for ratio in &self.ratios {
            writeln!(formatter, "{ratio}")?;
        }
        Ok(())
    }
}

fn line(measured: &Measured) -> String {
    let Measured { side, figures, .. } = measured;
    let mut text = format!("{side:<14}");
    if figures.updates > 0 {
        write!(
            text,
            " {:>9.0}/s  p50 {:>6} µs  p99 {:>6} µs",
            figures.per_second, figures.p50_us, figures.p99_us
        )
        .expect("writing to text does not fail");
    }
    let parts = [
        figures.server_cpu_s.map(|cpu| format!("  cpu {cpu:.2} s")),
        figures
            .server_resident_bytes
            .map(|bytes| format!("  memory {:.1} MB", real(bytes) / 1e6)),
        figures
            .bytes_per_connection
            .map(|bytes| format!("  {:.1} KB a connection", real(bytes) / 1e3)),
        figures.load_cpu_s.map(|cpu| format!("  load {cpu:.2} s")),
    ];
    text.extend(parts.into_iter().flatten());
    let (sent, received) = (figures.sent_bytes, figures.received_bytes);
    let why = measured.not_judged;
    let verdict = why.map(|why| format!("  NOT judged: {why}"));
    text + &format!(
        "  sent {:.1} MB, received {:.1} MB in {:.2} s{}",
        real(sent) / 1e6,
        real(received) / 1e6,
        figures.seconds,
        verdict.unwrap_or_default()
    )
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "to {}:", self.to)?;
        let parts = [
            ("rate", self.per_second),
            ("p99", self.p99),
            ("cpu", self.server_cpu),
            ("memory", self.server_resident),
            ("a connection", self.bytes_per_connection),
        ];
        for (name, ratio) in parts {
            if let Some(ratio) = ratio {
                write!(formatter, "  {name} × {ratio:.2}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::tests::run;

    #[test]
    fn a_side_that_was_not_judged_says_so_and_why() {
        let mut measured = Measured {
            side: "floor",
            not_judged: Some("it was dark"),
            figures: run(),
        };
        assert!(line(&measured).ends_with("  NOT judged: it was dark"));
        measured.not_judged = None;
        assert!(!line(&measured).contains("judged"));
    }

    #[test]
    fn ratios_are_of_driftless_to_each_floor_where_both_are_known() {
        let mut floor = run();
        floor.per_second = 4.0;
        floor.p99_us = 0;
        floor.server_resident_bytes = None;
        let sides = [(Side::Floor, floor), (Side::Driftless, run())];
        let ratio = Ratio {
            to: "floor",
            per_second: Some(0.5),
            p99: None,
            server_cpu: Some(1.0),
            server_resident: None,
            bytes_per_connection: None,
        };
        assert_eq!(Report::ratios(&sides), [ratio]);
        assert!(Report::ratios(&sides[..1]).is_empty());
    }
}
