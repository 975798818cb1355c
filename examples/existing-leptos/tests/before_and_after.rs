//! What going live took, counted.

use std::collections::BTreeSet;
use std::process::Command;

const BEFORE: &str = include_str!("../src/before.rs");
const AFTER: &str = include_str!("../src/main.rs");

fn code(source: &str) -> BTreeSet<&str> {
    let lines = source.lines().map(str::trim);
    lines
        .filter(|line| line.len() > 2 && !line.starts_with("//"))
        .collect()
}

#[test]
fn the_page_kept_its_layout_and_grew_by_less_than_forty_lines() {
    let (before, after) = (code(BEFORE), code(AFTER));
    let added = after.difference(&before).count();
    assert!(added < 40, "{added} lines");
    let gone: Vec<_> = before.difference(&after).copied().collect();
    let expected = [
        "let target = RwSignal::new(20.0);",
        "view! { <Dial degrees=target on_change=move |degrees| target.set(degrees) /> }",
    ];
    assert_eq!(gone, expected);
}

#[test]
fn the_widget_knows_nothing_of_boards() {
    assert!(!include_str!("../src/dial.rs").contains("driftless"));
}

#[test]
fn the_servers_of_the_examples_build_without_the_crates_of_their_pages() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["tree", "--locked", "--edges=normal", "--prefix=none"]);
    cargo.args(["--package=minimal", "--package=existing-leptos"]);
    let output = cargo.output().expect("cargo runs");
    let crates = String::from_utf8(output.stdout).expect("text");
    let has = |name: &str| {
        crates
            .lines()
            .any(|line| line.split(' ').next() == Some(name))
    };
    assert!(has("driftless-server"), "{crates}");
    for of_the_page in ["leptos", "driftless-leptos"] {
        assert!(!has(of_the_page), "{of_the_page}");
    }
}
