//! This machine as a source of samples: processor, memory, disks, network and processes.

use std::time::Instant;

use driftless_model::SortedMap;
use driftless_protocol::SeriesName;
use sysinfo::{
    Disks, Networks, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind,
};

/// Processes that are shown.
const PROCESSES_MAX: usize = 10;
/// Youngest process that is shown, in seconds: each one is a series of its own, and a build starts
/// dozens a second.
const PROCESS_AGE_MIN_S: u64 = 3;
/// Disks and interfaces that are shown, each: container hosts have hundreds.
const PARTS_MAX: usize = 32;
/// Samples between two looks at the disks, which change slowly and may answer slowly.
const DISKS_EVERY: u64 = 10;

/// Samples of one moment.
pub type Samples = Vec<(SeriesName, f64)>;

/// Reads this machine's state. Reading blocks for some milliseconds.
pub struct HostMetrics {
    system: System,
    disks: Disks,
    networks: Networks,
    sampled: u64,
    sampled_at: Instant,
}

impl HostMetrics {
    /// A first look, which rates are measured from.
    pub fn new() -> Result<Self, sysinfo::Error> {
        let mut metrics = Self {
            system: System::new()?,
            disks: Disks::new_with_refreshed_list()?,
            networks: Networks::new_with_refreshed_list()?,
            sampled: 0,
            sampled_at: Instant::now(),
        };
        metrics.refresh();
        Ok(metrics)
    }

    /// Everything but rates, which take two looks.
    pub fn first(&self) -> Samples {
        let mut samples = Samples::new();
        self.add_memory(&mut samples);
        self.add_disks(&mut samples);
        add_load(&mut samples);
        samples
    }

    /// Looks again: everything, rates since the last look.
    pub fn sample(&mut self) -> Samples {
        let elapsed_s = self.sampled_at.elapsed().as_secs_f64();
        self.sampled_at = Instant::now();
        self.networks.refresh(true);
        if self.sampled.is_multiple_of(DISKS_EVERY) {
            self.disks.refresh(true);
        }
        self.refresh();
        self.sampled += 1;
        let mut samples = self.first();
        self.add_processor(&mut samples);
        self.add_network(&mut samples, elapsed_s);
        self.add_processes(&mut samples);
        samples
    }

    fn refresh(&mut self) {
        self.system.refresh_memory();
        self.system.refresh_cpu_usage();
        let kind = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .with_exe(UpdateKind::Never)
            .without_tasks();
        self.system
            .refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    }

    fn add_processor(&self, samples: &mut Samples) {
        add(
            samples,
            "cpu_usage_percent",
            [],
            self.system.global_cpu_usage(),
        );
        for (core, cpu) in self.system.cpus().iter().enumerate() {
            let core = [("core", core.to_string())];
            add(samples, "cpu_core_usage_percent", core, cpu.usage());
        }
    }

    fn add_memory(&self, samples: &mut Samples) {
        let (used, total) = (self.system.used_memory(), self.system.total_memory());
        add(samples, "memory_used_bytes", [], whole(used));
        add(samples, "memory_total_bytes", [], whole(total));
        add(samples, "memory_used_percent", [], percent(used, total));
    }

    fn add_disks(&self, samples: &mut Samples) {
        let disks = self.disks.iter();
        for disk in disks.filter(|disk| disk.total_space() > 0).take(PARTS_MAX) {
            let used = disk.total_space().saturating_sub(disk.available_space());
            let mount = || [("mount", disk.mount_point().display().to_string())];
            let share = percent(used, disk.total_space());
            add(samples, "disk_used_percent", mount(), share);
            add(samples, "disk_used_bytes", mount(), whole(used));
        }
    }

    fn add_network(&self, samples: &mut Samples, elapsed_s: f64) {
        let mut interfaces: Vec<_> = self
            .networks
            .iter()
            .filter(|(_, data)| data.total_received() + data.total_transmitted() > 0)
            .collect();
        interfaces.sort_by_key(|(name, _)| *name);
        for (name, data) in interfaces.into_iter().take(PARTS_MAX) {
            let interface = || [("interface", name.to_string_lossy().into_owned())];
            let rate = |bytes| whole(bytes) / elapsed_s.max(0.001);
            let (received, sent) = (rate(data.received()), rate(data.transmitted()));
            add(
                samples,
                "network_receive_bytes_per_second",
                interface(),
                received,
            );
            add(
                samples,
                "network_transmit_bytes_per_second",
                interface(),
                sent,
            );
        }
    }

    fn add_processes(&self, samples: &mut Samples) {
        let processes = self.system.processes().values();
        let mut processes: Vec<_> = processes
            .filter(|process| process.run_time() >= PROCESS_AGE_MIN_S)
            .collect();
        let by_usage = |process: &&Process| process.cpu_usage();
        processes.sort_by(|a, b| by_usage(b).total_cmp(&by_usage(a)));
        for process in processes.into_iter().take(PROCESSES_MAX) {
            let labels = || {
                let name = process.name().to_string_lossy().into_owned();
                [("name", name), ("pid", process.pid().to_string())]
            };
            add(
                samples,
                "process_cpu_percent",
                labels(),
                process.cpu_usage(),
            );
            add(
                samples,
                "process_memory_bytes",
                labels(),
                whole(process.memory()),
            );
        }
    }
}

fn add_load(samples: &mut Samples) {
    if let Ok(load) = System::load_average() {
        add(samples, "load1", [], load.one);
    }
    if let Ok(uptime_s) = System::uptime() {
        add(samples, "uptime_seconds", [], whole(uptime_s));
    }
}

fn add<const N: usize>(
    samples: &mut Samples,
    name: &str,
    labels: [(&str, String); N],
    value: impl Into<f64>,
) {
    let labels: SortedMap<_, _> = labels
        .into_iter()
        .map(|(label, value)| (label.to_owned(), value))
        .collect();
    let name = name.to_owned();
    samples.push((SeriesName { name, labels }, value.into()));
}

#[allow(
    clippy::cast_precision_loss,
    reason = "bytes and seconds below 2^53 are exact, and above it the last digit does not matter"
)]
fn whole(count: u64) -> f64 {
    count as f64
}

fn percent(part: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    whole(part) / whole(of) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_series_is_there_and_in_range() {
        let mut metrics = HostMetrics::new().expect("this machine can be read");
        let samples = metrics.sample();
        let value = |name: &str| {
            let mut found = samples.iter().filter(|(series, _)| series.name == name);
            let (_, value) = found.next().unwrap_or_else(|| panic!("{name} is missing"));
            *value
        };
        assert!((0.0..=100.0).contains(&value("cpu_usage_percent")));
        assert!((0.0..=100.0).contains(&value("cpu_core_usage_percent")));
        assert!((0.0..=100.0).contains(&value("memory_used_percent")));
        assert!(value("memory_used_bytes") <= value("memory_total_bytes"));
        assert!(value("load1") >= 0.0);
        assert!(value("uptime_seconds") > 0.0);
        assert!(samples.iter().all(|(_, value)| value.is_finite()));
    }

    #[test]
    fn the_first_look_has_no_rates() {
        let first = HostMetrics::new()
            .expect("this machine can be read")
            .first();
        let has = |name: &str| first.iter().any(|(series, _)| series.name == name);
        assert!(has("memory_used_percent"));
        assert!(!has("cpu_usage_percent"));
    }
}
