//! Settings in layers, and what is wrong with them before anything starts.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::process::{driftless, error_of};

fn print(file: &Path, more: &[&str]) -> Output {
    let file = file.to_str().expect("text");
    let mut command = driftless(&["config", "print", "--json", "--config", file]);
    let command = command.args(more).env("DRIFTLESS_LOG", "warn");
    command
        .env("DRIFTLESS_DATA_MAX", "64")
        .output()
        .expect("runs")
}

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let file = folder.join("driftless.toml");
    std::fs::write(&file, text).expect("writes");
    file
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "listen = \"127.0.0.1:1\"\ndata_max = 32\nlog = \"debug\"\n\
                no-host-metrics = true\ntrusted-proxy = [\"127.0.0.1\", \"10.0.0.0/8\"]\n";
    let file = write(folder.path(), text);
    let output = print(&file, &["--listen", "127.0.0.1:2"]);
    assert!(output.status.success(), "{}", error_of(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let from_file = file.to_str().expect("text");
    for (name, value, origin) in [
        ("listen", "127.0.0.1:2".into(), "command line"),
        ("data-max", "64".into(), "environment DRIFTLESS_DATA_MAX"),
        ("log", "warn".into(), "environment DRIFTLESS_LOG"),
        ("no-host-metrics", true.into(), from_file),
        ("log-format", "text".into(), "default"),
        ("tls-cert", Value::Null, "default"),
    ] {
        assert_eq!(printed[name]["value"], value, "{name}: {printed}");
        assert_eq!(printed[name]["origin"], origin, "{name}");
    }
    assert_eq!(printed["trusted-proxy"]["value"][1], "10.0.0.0/8");
}

#[test]
fn what_is_no_setting_is_one_sentence_that_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, said) in [
        ("lisen = \"127.0.0.1:1\"", "\"lisen\" is no setting"),
        ("config = \"other.toml\"", "\"config\" is no setting"),
        ("insecure = \"yes\"", "insecure is a text, a number"),
        ("listen = ", "cannot be read"),
    ] {
        let output = print(&write(folder.path(), text), &[]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let error = error_of(&output);
        assert!(
            error.contains(said) && error.contains("driftless.toml"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let bad = print(&write(folder.path(), "listen = \"here\""), &[]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(error_of(&bad).contains("--listen"), "{}", error_of(&bad));
}

#[test]
fn settings_are_looked_over_without_a_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let at = data.to_str().expect("text");
    let serve = |more: &[&str]| {
        let arguments = [&["serve", "--data", at], more].concat();
        driftless(&arguments).output().expect("runs")
    };
    assert!(serve(&["--check-config"]).status.success());
    for (bad, remedy) in [
        (["--listen", "0.0.0.0:1"], "driftless token create"),
        (["--trusted-proxy", "proxy"], "10.0.0.0/8"),
        (["--trusted-proxy", "127.0.0.1"], "driftless token create"),
        (["--jwt-key", "none.pem"], "none.pem"),
        (["--tokens", "none"], "none"),
        (["--log", "[["], "--log"),
    ] {
        // What is looked over is what a start looks at, before it makes anything.
        for output in [
            serve(&[&bad[..], &["--check-config"]].concat()),
            serve(&bad),
        ] {
            assert_eq!(output.status.code(), Some(2), "{bad:?}");
            assert!(error_of(&output).contains(remedy), "{}", error_of(&output));
        }
    }
    assert!(!data.exists(), "nothing is made");
}

#[test]
fn completions_know_the_commands() {
    let output = driftless(&["completions", "bash"]).output().expect("runs");
    let script = String::from_utf8(output.stdout).expect("text");
    assert!(script.contains("healthcheck") && script.contains("--tls-cert"));
}
