//! `driftless bench` at tiny sizes: what it prints and how it ends. Nothing is said about timings.

use std::process::{Command, Output};

use serde_json::Value;

use crate::process::{Running, driftless, error_of};

fn command(arguments: &[&str]) -> Command {
    driftless(&[&["bench"], arguments].concat())
}

fn bench(arguments: &[&str]) -> Output {
    command(arguments).output().expect("runs")
}

fn report(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", error_of(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The figures of each side, by name.
fn sides(report: &Value) -> Vec<(&str, &Value)> {
    let sides = report["sides"].as_array().expect("a list");
    let mut named = Vec::new();
    for side in sides {
        named.push((side["side"].as_str().expect("a name"), side));
    }
    named
}

fn whole(figures: &Value, name: &str) -> u64 {
    figures[name].as_u64().unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn every_update_of_fanout_reaches_every_follower_of_both_sides() {
    let workload = ["fanout", "--followers", "7", "--rate", "40"];
    let report = report(&[&workload[..], &["--seconds", "0.3"]].concat());
    assert_eq!(report["workload"], "fanout");
    assert_eq!(report["settings"]["followers"], 7);
    assert!(whole(&report["machine"], "sync_p99_us") > 0);
    let names: Vec<_> = sides(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["floor", "driftless"]);
    for (_, figures) in sides(&report) {
        assert_eq!(whole(figures, "connections"), 8);
        assert_eq!(whole(figures, "updates"), 12 * 7);
        assert!(whole(figures, "p50_us") <= whole(figures, "p99_us"));
        assert!(whole(figures, "received_bytes") > 12 * 7 * 200);
        assert!(figures["not_judged"].is_string(), "it was to be too short");
        #[cfg(target_os = "linux")]
        assert!(whole(figures, "server_resident_bytes") > 1_000_000);
    }
    assert_eq!(report["ratios"][0]["to"], "floor");
    assert!(report["ratios"][0]["per_second"].is_number());
}

#[test]
fn edits_are_acknowledged_by_the_server_and_by_both_floors() {
    let workload = ["edits", "--writers", "3", "--in-flight", "4"];
    let report = report(&[&workload[..], &["--seconds", "0.2"]].concat());
    let measured = sides(&report);
    let names: Vec<_> = measured.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["floor", "durable_floor", "driftless"]);
    for (name, figures) in measured {
        assert!(whole(figures, "updates") > 0, "{name}");
        assert_eq!(whole(figures, "connections"), 3);
    }
    assert_eq!(report["ratios"].as_array().map(Vec::len), Some(2));
}

#[test]
fn edits_at_a_pace_on_several_boards_are_all_acknowledged() {
    let workload = ["edits", "--boards", "3", "--writers", "2", "--rate", "20"];
    let report = report(&[&workload[..], &["--seconds", "0.5"]].concat());
    for (name, figures) in sides(&report) {
        assert_eq!(whole(figures, "updates"), 3 * 2 * 10, "{name}");
        assert!(figures["late_p99_us"].is_number());
    }
}

#[test]
fn idle_counts_the_memory_that_comes_with_a_connection() {
    let workload = ["idle", "--connections", "50", "--seconds", "0.2"];
    let report = report(&[&workload[..], &["--rounds", "2"]].concat());
    assert_eq!(report["rounds"], 2);
    for (_, figures) in sides(&report) {
        assert_eq!(whole(figures, "connections"), 51);
        #[cfg(target_os = "linux")]
        assert!(figures["bytes_per_connection"].is_number());
    }
}

#[test]
fn numbers_and_addresses_without_sense_are_one_sentence_and_code_2() {
    let arguments: [&[&str]; 5] = [
        &["fanout", "--followers", "0"],
        &["edits", "--in-flight", "65"],
        &["idle", "--seconds", "0", "--no-floor"],
        &["fanout", "--rate", "NaN"],
        &["idle", "--no-floor", "--url", "http://127.0.0.1:1/rt"],
    ];
    for arguments in arguments {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = error_of(&output);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = bench(&["idle", "--no-floor", "--url", "ws://127.0.0.1:1/rt"]);
    assert_eq!(output.status.code(), Some(1));
    let error = error_of(&output);
    assert!(error.contains("cannot connect to 127.0.0.1:1"), "{error}");
}

/// A counter of the server, at `/metrics`.
fn counter(server: &Running, name: &str) -> u64 {
    let (_, body) = server.get("/metrics");
    let text = String::from_utf8(body).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value
        .expect("is there")
        .trim()
        .parse()
        .expect("a whole number")
}

#[test]
fn a_server_that_runs_already_takes_the_load_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let url = format!("ws://{}/rt", server.address);
    let process = server.process.id().to_string();
    let known = ["--url", &url, "--server-pid", &process];
    let workload = ["edits", "--writers", "2", "--seconds", "0.3"];
    let judged = report(&[&workload[..], &known].concat());
    // It runs where it likes, so the comparison with the floor is no fair one.
    assert_eq!(judged["machine"]["is_pinned"], false);
    let measured = sides(&judged);
    let names: Vec<_> = measured.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["floor", "durable_floor", "driftless"]);
    let own = measured[2].1;
    let applied = "driftless_edits_total{outcome=\"applied\"}";
    let edits = counter(&server, applied);
    assert!(edits >= whole(own, "updates"), "{edits} edits");
    assert_eq!(counter(&server, "driftless_connections_opened_total"), 2);
    #[cfg(target_os = "linux")]
    assert!(whole(own, "server_resident_bytes") > 1_000_000);
    // Without its number, nothing is said about its process.
    let unknown = report(&[&workload[..], &["--url", &url, "--no-floor"]].concat());
    assert!(sides(&unknown)[0].1["server_cpu_s"].is_null());
    assert_eq!(counter(&server, "driftless_connections_opened_total"), 4);
}

#[test]
fn a_run_in_which_the_load_was_the_limit_is_refused_with_code_3() {
    // A timer ticks once a millisecond: nobody keeps a quarter of one.
    let workload = ["fanout", "--followers", "1", "--rate", "4000"];
    let output = bench(&[&workload[..], &["--seconds", "1", "--json"]].concat());
    let error = error_of(&output);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    let why = "the load was the limit in the run against floor";
    assert!(error.contains(why), "{error}");
    assert!(output.stdout.is_empty(), "no figures of a refused run");
}

#[cfg(target_os = "linux")]
mod pinned {
    use std::collections::BTreeSet;
    use std::fs;
    use std::process::{Child, Stdio};

    use super::*;

    /// The processors that each thread of a process may use, as the system writes them; empty where
    /// it is gone.
    fn allowed(process: u32) -> BTreeSet<String> {
        let tasks = fs::read_dir(format!("/proc/{process}/task"));
        let tasks = tasks.into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let mut lines = status.lines();
            let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
            Some(list.trim().to_owned())
        });
        lists.collect()
    }

    /// The processes that a process has started and that still run.
    fn children(process: u32) -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{process}/task"));
        let tasks = tasks.into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let lists: Vec<_> = lists.collect();
        let numbers = lists.iter().flat_map(|list| list.split_whitespace());
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    /// Whether load and server have one processor each, another one.
    fn are_apart(load: u32) -> bool {
        let own = allowed(load);
        children(load).into_iter().any(|server| {
            let servers = allowed(server);
            let is_one = |list: &BTreeSet<String>| {
                list.len() == 1 && list.iter().all(|cores| cores.parse::<usize>().is_ok())
            };
            is_one(&own) && is_one(&servers) && own != servers
        })
    }

    fn ended(bench: &mut Child) -> bool {
        bench.try_wait().expect("is a child").is_some()
    }

    #[test]
    fn server_and_load_have_a_processor_each_where_there_are_two() {
        let workload = ["idle", "--connections", "5", "--seconds", "0.5", "--json"];
        let mut bench = command(&workload)
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut seen = false;
        while !seen && !ended(&mut bench) {
            seen = are_apart(bench.id());
            std::thread::yield_now();
        }
        let output = bench.wait_with_output().expect("ends");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let has_two = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        assert_eq!(seen, has_two);
        assert_eq!(report["machine"]["is_pinned"], has_two);
    }
}
