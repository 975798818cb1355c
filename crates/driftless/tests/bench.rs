//! `driftless bench` at tiny sizes: what it prints and how it ends. Nothing is said about timings.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
    let command = command.arg("bench").args(arguments).stdin(Stdio::null());
    command.output().expect("runs")
}

fn report(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
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
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = bench(&["idle", "--no-floor", "--url", "ws://127.0.0.1:1/rt"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(error.contains("cannot connect to 127.0.0.1:1"), "{error}");
}
