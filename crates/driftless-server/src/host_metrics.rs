//! This machine as a source of samples: processor, memory, disks, network, load, temperatures where
//! there are any, and processes. docs/operations.md lists the series.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use driftless_model::SortedMap;
use driftless_protocol::SeriesName;
use sysinfo::{
    Components, Disks, Networks, Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System,
    UpdateKind,
};

/// Processes that are shown: those that use the processor most, and those that use memory most.
const PROCESSES_MAX: usize = 10;
/// Youngest process that is shown, in seconds: each one is a series of its own, and a build starts
/// dozens a second.
const PROCESS_AGE_MIN_S: u64 = 3;
/// Different processes that are shown within an hour: each is two series, of which a server has
/// only so many. Those that begin past it are not shown until the hour is over.
const PROCESSES_PER_HOUR_MAX: usize = 500;
/// Disks and interfaces that are shown, each: container hosts have hundreds.
const PARTS_MAX: usize = 32;
/// Samples between two looks at the disks and the temperatures, which change slowly and may answer
/// slowly.
const SLOW_EVERY: u64 = 10;

/// Samples of one moment.
pub type Samples = Vec<(SeriesName, f64)>;

/// Reads this machine's state. Reading blocks for some milliseconds.
pub struct HostMetrics {
    system: System,
    disks: Disks,
    networks: Networks,
    temperatures: Components,
    sampled: u64,
    sampled_at: Instant,
    /// When the disks were looked at, and how long after the time before, in seconds.
    disks_at: Instant,
    disks_elapsed_s: Option<f64>,
    shown: Shown,
}

/// The processes that were shown since a moment.
struct Shown {
    processes: BTreeSet<Pid>,
    since: Instant,
}

impl Shown {
    fn new() -> Self {
        Self {
            processes: BTreeSet::new(),
            since: Instant::now(),
        }
    }

    /// Whether a process is shown: it was before, or there is room for one more.
    fn shows(&mut self, process: Pid) -> bool {
        if self.processes.len() < PROCESSES_PER_HOUR_MAX {
            self.processes.insert(process);
        }
        self.processes.contains(&process)
    }
}

impl HostMetrics {
    /// A first look, which rates are measured from.
    pub fn new() -> Result<Self, sysinfo::Error> {
        let mut metrics = Self {
            system: System::new()?,
            disks: Disks::new_with_refreshed_list()?,
            networks: Networks::new_with_refreshed_list()?,
            // Many machines have none, or do not tell.
            temperatures: Components::new_with_refreshed_list().or_else(|_| Components::new())?,
            sampled: 0,
            sampled_at: Instant::now(),
            disks_at: Instant::now(),
            disks_elapsed_s: None,
            shown: Shown::new(),
        };
        metrics.refresh();
        Ok(metrics)
    }

    /// Everything but rates, which take two looks.
    pub fn first(&self) -> Samples {
        let mut samples = Samples::new();
        self.add_memory(&mut samples);
        self.add_disks(&mut samples);
        self.add_temperatures(&mut samples);
        add_load(&mut samples);
        samples
    }

    /// Looks again: everything, rates since the last look.
    pub fn sample(&mut self) -> Samples {
        let elapsed_s = self.sampled_at.elapsed().as_secs_f64();
        self.sampled_at = Instant::now();
        self.networks.refresh(true);
        if self.sampled.is_multiple_of(SLOW_EVERY) {
            self.disks.refresh(true);
            self.disks_elapsed_s = Some(self.disks_at.elapsed().as_secs_f64());
            self.disks_at = Instant::now();
            self.temperatures.refresh(true);
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
        let available = self.system.available_memory();
        add(samples, "memory_available_bytes", [], whole(available));
        let (used, total) = (self.system.used_swap(), self.system.total_swap());
        add(samples, "swap_used_bytes", [], whole(used));
        add(samples, "swap_total_bytes", [], whole(total));
        add(samples, "swap_used_percent", [], percent(used, total));
    }

    fn add_disks(&self, samples: &mut Samples) {
        let disks = self.disks.iter();
        for disk in disks.filter(|disk| disk.total_space() > 0).take(PARTS_MAX) {
            let used = disk.total_space().saturating_sub(disk.available_space());
            let mount = || [("mount", disk.mount_point().display().to_string())];
            let share = percent(used, disk.total_space());
            add(samples, "disk_used_percent", mount(), share);
            add(samples, "disk_used_bytes", mount(), whole(used));
            let total = whole(disk.total_space());
            add(samples, "disk_total_bytes", mount(), total);
            if let Some(elapsed_s) = self.disks_elapsed_s {
                let rate = |bytes| whole(bytes) / elapsed_s.max(0.001);
                let (read, written) = (disk.usage().read_bytes, disk.usage().written_bytes);
                let (read, written) = (rate(read), rate(written));
                add(samples, "disk_read_bytes_per_second", mount(), read);
                add(samples, "disk_write_bytes_per_second", mount(), written);
            }
        }
    }

    fn add_temperatures(&self, samples: &mut Samples) {
        let sensors = self.temperatures.iter();
        let sensors = sensors.filter_map(|sensor| {
            let temperature = sensor.temperature().filter(|it| it.is_finite())?;
            Some((sensor.label().to_owned(), temperature))
        });
        // Of two sensors of the same name the hotter one.
        let mut hottest = BTreeMap::<String, f32>::new();
        for (label, temperature) in sensors {
            let known = hottest.entry(label).or_insert(temperature);
            *known = known.max(temperature);
        }
        for (label, temperature) in hottest.into_iter().take(PARTS_MAX) {
            let sensor = [("sensor", label)];
            add(samples, "temperature_celsius", sensor, temperature);
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
            let errors = rate(data.errors_on_received() + data.errors_on_transmitted());
            add(samples, "interface_errors_per_second", interface(), errors);
        }
    }

    fn add_processes(&mut self, samples: &mut Samples) {
        if self.shown.since.elapsed() > Duration::from_hours(1) {
            self.shown = Shown::new();
        }
        let processes = self.system.processes();
        add(samples, "processes", [], whole(processes.len() as u64));
        let processes = processes.values();
        let processes: Vec<_> = processes
            .filter(|process| process.run_time() >= PROCESS_AGE_MIN_S)
            .collect();
        for process in top(processes) {
            if !self.shown.shows(process.pid()) {
                continue;
            }
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

/// Those that use most of the processor, and those that use most memory.
fn top(mut processes: Vec<&Process>) -> impl Iterator<Item = &Process> {
    processes.sort_by(|a, b| b.cpu_usage().total_cmp(&a.cpu_usage()));
    let busy = processes.iter().take(PROCESSES_MAX).copied();
    let mut chosen: BTreeMap<Pid, &Process> = busy.map(|it| (it.pid(), it)).collect();
    processes.sort_by_key(|process| std::cmp::Reverse(process.memory()));
    let large = processes.iter().take(PROCESSES_MAX).copied();
    chosen.extend(large.map(|it| (it.pid(), it)));
    chosen.into_values()
}

fn add_load(samples: &mut Samples) {
    if let Ok(load) = System::load_average() {
        add(samples, "load1", [], load.one);
        add(samples, "load5", [], load.five);
        add(samples, "load15", [], load.fifteen);
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
        assert!(value("memory_available_bytes") <= value("memory_total_bytes"));
        assert!((0.0..=100.0).contains(&value("swap_used_percent")));
        assert!(value("swap_used_bytes") <= value("swap_total_bytes"));
        for load in ["load1", "load5", "load15"] {
            assert!(value(load) >= 0.0, "{load}");
        }
        assert!(value("processes") >= 1.0);
        assert!(value("uptime_seconds") > 0.0);
        assert!(samples.iter().all(|(_, value)| value.is_finite()));
        // Machines without disks or network of their own have none of these.
        for name in [
            "disk_total_bytes",
            "disk_read_bytes_per_second",
            "disk_write_bytes_per_second",
            "network_receive_bytes_per_second",
            "network_transmit_bytes_per_second",
            "interface_errors_per_second",
        ] {
            let mut found = samples.iter().filter(|(series, _)| series.name == name);
            assert!(found.all(|(_, value)| *value >= 0.0), "{name}");
        }
        let celsius = samples.iter();
        let mut celsius = celsius.filter(|(name, _)| name.name == "temperature_celsius");
        assert!(celsius.all(|(_, value)| (-100.0..200.0).contains(value)));
    }

    #[test]
    fn so_many_processes_are_shown_within_an_hour_and_those_go_on() {
        let mut shown = Shown::new();
        for pid in 1..=PROCESSES_PER_HOUR_MAX {
            assert!(shown.shows(Pid::from(pid)));
        }
        assert!(!shown.shows(Pid::from(PROCESSES_PER_HOUR_MAX + 1)));
        assert!(shown.shows(Pid::from(1)));
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
