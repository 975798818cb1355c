//! This machine: its processors, its disk, and what a process has used.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bench::latencies::Latencies;

/// Writes with a sync that are timed.
const SYNCS: u32 = 200;
/// What each of them writes: a page.
const SYNC_BYTES: usize = 4_096;

/// Where server and load run: one processor each, where there are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// The server's.
    pub server: usize,
    /// The load's.
    pub load: usize,
}

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Time on processors, user and system.
    pub cpu: Duration,
    /// Memory that is resident, in bytes.
    pub resident_bytes: u64,
}

/// How long this disk takes for a write that is synced.
pub fn sync_latency(folder: &Path) -> io::Result<Latencies> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let page = [7; SYNC_BYTES];
    let mut latencies = Latencies::default();
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        latencies.add(started.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(latencies)
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{cores, on_core, pin, usage};
#[cfg(target_os = "linux")]
pub use linux::{cores, on_core, pin, usage};

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::{Cores, Usage};

    /// Two processors that this process may use; `None` where there is only one.
    pub fn cores() -> Option<Cores> {
        let allowed = sched_getaffinity(None).ok()?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        Some(Cores {
            server: cores.next()?,
            load: cores.next()?,
        })
    }

    /// Keeps this thread, and what it starts from here on, on one processor.
    pub fn pin(core: usize) {
        let mut set = CpuSet::new();
        set.set(core);
        if let Err(error) = sched_setaffinity(None, &set) {
            tracing::warn!(%error, core, "a thread cannot be pinned");
        }
    }

    /// Runs something on a processor of its own: processes started in it stay there.
    pub fn on_core<T: Send>(core: Option<usize>, run: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let running = scope.spawn(|| {
                if let Some(core) = core {
                    pin(core);
                }
                run()
            });
            running.join().expect("what runs here does not panic")
        })
    }

    /// What a process has used so far; `None` where it is gone.
    pub fn usage(process: u32) -> Option<Usage> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before the last parenthesis may hold anything.
        let fields = stat.rsplit_once(')')?.1;
        let mut fields = fields.split_ascii_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        let ticks = ticks()? + ticks()?;
        let per_second = rustix::param::clock_ticks_per_second();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes = resident.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        Some(Usage {
            cpu: Duration::from_millis(ticks * 1_000 / per_second),
            resident_bytes: kibibytes * 1_024,
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Cores, Usage};

    /// Threads are not pinned here.
    pub fn cores() -> Option<Cores> {
        None
    }

    /// Does nothing here.
    pub fn pin(_core: usize) {}

    /// Runs it.
    pub fn on_core<T: Send>(_core: Option<usize>, run: impl FnOnce() -> T + Send) -> T {
        run()
    }

    /// Not known here.
    pub fn usage(_process: u32) -> Option<Usage> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_used_memory_and_one_that_is_gone_has_not() {
        let own = usage(std::process::id()).expect("is running");
        assert!(own.resident_bytes > 100_000, "{own:?}");
        // Above the largest process id of Linux.
        assert!(usage(u32::MAX).is_none());
    }

    #[test]
    fn every_synced_write_is_timed_and_the_file_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let latencies = sync_latency(folder.path()).expect("writes");
        assert_eq!(latencies.count(), SYNCS as usize);
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
    }
}
