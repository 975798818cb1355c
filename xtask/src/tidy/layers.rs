//! The crates' layers: which crate may build on which, and what some of them may not know.

use super::masked::Masked;
use super::paths::named_paths;
use super::tree::{Finding, Tree};

/// Each package and those of ours that it may build on; dependencies of tests are free.
const MAY_USE: &[(&str, &[&str])] = &[
    ("driftless-model", &[]),
    ("driftless-protocol", &["model"]),
    ("driftless-feeds", &["model", "protocol"]),
    ("driftless-sync", &["model", "protocol", "feeds"]),
    ("driftless-store", &["model", "protocol", "feeds", "sync"]),
    (
        "driftless-client",
        &["model", "protocol", "feeds", "sync", "store"],
    ),
    (
        "driftless-leptos",
        &["model", "protocol", "feeds", "sync", "client"],
    ),
    (
        "driftless-server",
        &["model", "protocol", "feeds", "sync", "store"],
    ),
    (
        "driftless-testkit",
        &[
            "model", "protocol", "feeds", "sync", "store", "client", "server",
        ],
    ),
    (
        "driftless",
        &[
            "model", "protocol", "feeds", "sync", "store", "client", "server",
        ],
    ),
    (
        "driftless-dashboard",
        &["model", "protocol", "feeds", "sync", "client", "leptos"],
    ),
    (
        "driftless-gallery",
        &[
            "model", "protocol", "feeds", "sync", "client", "leptos", "testkit",
        ],
    ),
    (
        "driftless-simulator",
        &["model", "protocol", "feeds", "sync", "store", "client"],
    ),
    ("driftless-crash", &["model", "store", "sync", "client"]),
    (
        "driftless-fuzz",
        &["model", "protocol", "feeds", "sync", "store"],
    ),
    // Only their tables, for the pages of docs/ that are made from them.
    ("xtask", &["protocol", "sync"]),
];

/// The pure crates: everything that they do follows from their arguments.
const PURE: [&str; 3] = ["driftless-model", "driftless-feeds", "driftless-sync"];

/// What every page loads: the crates without what only a server needs.
const IN_BROWSER: [&str; 5] = [
    "driftless-sync",
    "driftless-store",
    "driftless-client",
    "driftless-leptos",
    "driftless-dashboard",
];

/// The feature of the feeds that evaluates queries, and brings regular expressions with it.
const SERVER_ONLY: &str = "\"evaluate\"";

/// What a pure crate may not name.
const IMPURE_PATHS: [&str; 9] = [
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs",
    "std::net",
    "std::thread",
    "getrandom",
    "tokio",
    "web_sys",
    "js_sys",
];

/// What a pure crate may not depend on.
const IMPURE_PACKAGES: [&str; 4] = ["getrandom", "tokio", "web-sys", "js-sys"];

/// Reports dependencies that point up, and pure crates that know more than they may.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (folder, manifest) in tree.packages() {
        let name = package_name(&manifest.text).unwrap_or(folder);
        for (line, dependency) in dependencies(&manifest.text) {
            if let Some(message) = objection(folder, name, dependency) {
                findings.push(Finding::line(&manifest.path, line, message));
            }
            let written = manifest.text.lines().nth(line - 1).unwrap_or_default();
            if IN_BROWSER.contains(&name) && written.contains(SERVER_ONLY) {
                let message = format!("`{name}` is in every page: it may not have {SERVER_ONLY}");
                findings.push(Finding::line(&manifest.path, line, message));
            }
        }
        if PURE.contains(&name) {
            findings.extend(impure_paths(tree, folder, name));
        }
    }
    findings
}

fn objection(folder: &str, name: &str, dependency: &str) -> Option<String> {
    if dependency.starts_with("driftless") {
        return match MAY_USE.iter().find(|(package, _)| *package == name) {
            None if folder.starts_with("examples/") => None,
            None => Some(format!(
                "`{name}` has no layer: list it in xtask/src/tidy/layers.rs"
            )),
            Some((_, below)) => {
                let short = dependency.strip_prefix("driftless-").unwrap_or(dependency);
                let allowed = below.contains(&short);
                (!allowed).then(|| format!("`{name}` may not build on `{dependency}`"))
            }
        };
    }
    let is_leptos = dependency == "leptos" || dependency.starts_with("leptos-");
    let may_render = name == "driftless-leptos"
        || folder.starts_with("apps/")
        || folder.starts_with("examples/");
    if is_leptos && !may_render {
        return Some(format!(
            "only driftless-leptos and the apps know Leptos, not `{name}`"
        ));
    }
    let impure = PURE.contains(&name) && IMPURE_PACKAGES.contains(&dependency);
    impure.then(|| format!("`{name}` is pure: it may not depend on `{dependency}`"))
}

fn impure_paths(tree: &Tree, folder: &str, name: &str) -> Vec<Finding> {
    let source = format!("{folder}/src/");
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| file.path.starts_with(&source)) {
        let code = Masked::new(&file.text).without_tests();
        for path in named_paths(&code) {
            let written = path.segments.join("::");
            // The module by itself or all of it: the clock would come under a shorter name.
            let whole_module = matches!(written.as_str(), "std::time" | "std::time::*" | "std::*");
            if whole_module || IMPURE_PATHS.iter().any(|banned| path.starts_with(banned)) {
                let message = format!("`{name}` is pure: it may not name `{written}`");
                findings.push(Finding::line(&file.path, path.line, message));
            }
        }
    }
    findings
}

fn package_name(manifest: &str) -> Option<&str> {
    let after = manifest.split_once("[package]")?.1;
    let line = after.lines().find(|line| key(line) == Some("name"))?;
    line.split('"').nth(1)
}

/// The packages of the dependency tables that ship, with their lines counted from 1.
fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        if let Some(header) = line
            .trim()
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        {
            let table = if line.contains("cfg(") {
                line.trim()
            } else {
                header.0
            };
            inside = is_dependency_table(table);
            if let Some(single) = single_dependency(table) {
                found.push((index + 1, single));
            }
        } else if inside && let Some(name) = key(line) {
            found.push((index + 1, name));
        }
    }
    found
}

fn is_dependency_table(table: &str) -> bool {
    let name = table
        .trim_matches(['[', ']'])
        .rsplit('.')
        .next()
        .unwrap_or(table);
    matches!(name, "dependencies" | "build-dependencies")
}

/// The package of a table such as `[dependencies.serde]`.
fn single_dependency(table: &str) -> Option<&str> {
    let (kind, name) = table.trim_matches(['[', ']']).rsplit_once('.')?;
    (is_dependency_table(kind) && !name.contains("dependencies")).then_some(name)
}

/// The key of a line such as `serde.workspace = true`; array elements and comments have none.
fn key(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))?;
    let rest = line[end..].trim_start();
    (end > 0 && (rest.starts_with('=') || rest.starts_with('.'))).then(|| &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files))
            .into_iter()
            .map(|f| format!("{} {}", f.place, f.message))
            .collect()
    }

    #[test]
    fn every_form_of_dependency_is_read() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n\
                        b = { version = \"1\", features = [\n  \"c\",\n] }\n\
                        [target.'cfg(not(target_arch = \"wasm32\"))'.dependencies]\nd = \"1\"\n\
                        [dev-dependencies]\ne = \"1\"\n[dependencies.f]\nversion = \"1\"\n\
                        [features]\ng = []\n";
        let names: Vec<_> = dependencies(manifest)
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        assert_eq!(names, ["a", "b", "d", "f"]);
    }

    #[test]
    fn a_dependency_may_only_point_down() {
        let up = "[package]\nname = \"driftless-model\"\n[dependencies]\ndriftless-sync = \"1\"\n";
        let down = "[package]\nname = \"driftless-sync\"\n[dependencies]\ndriftless-model = \"1\"\n\
                    [dev-dependencies]\ndriftless-server = \"1\"\n";
        let found = messages(&[("crates/a/Cargo.toml", up), ("crates/b/Cargo.toml", down)]);
        assert_eq!(
            found,
            ["crates/a/Cargo.toml:4 `driftless-model` may not build on `driftless-sync`"]
        );
    }

    #[test]
    fn only_a_server_evaluates_queries() {
        let text = |name| {
            format!(
                "[package]\nname = \"{name}\"\n[dependencies]\n\
                 driftless-feeds = {{ workspace = true, features = [\"evaluate\"] }}\n"
            )
        };
        let (client, server) = (text("driftless-client"), text("driftless-server"));
        assert_eq!(messages(&[("crates/a/Cargo.toml", &client)]).len(), 1);
        assert!(messages(&[("crates/b/Cargo.toml", &server)]).is_empty());
    }

    #[test]
    fn a_package_without_a_layer_is_reported() {
        let text = "[package]\nname = \"newcomer\"\n[dependencies]\ndriftless-model = \"1\"\n";
        assert_eq!(messages(&[("crates/newcomer/Cargo.toml", text)]).len(), 1);
        assert!(messages(&[("examples/minimal/Cargo.toml", text)]).is_empty());
    }

    #[test]
    fn only_the_user_interface_knows_leptos() {
        let text = |name| format!("[package]\nname = \"{name}\"\n[dependencies]\nleptos = \"1\"\n");
        let (client, ours) = (text("driftless-client"), text("driftless-leptos"));
        assert_eq!(messages(&[("crates/a/Cargo.toml", &client)]).len(), 1);
        assert!(messages(&[("crates/b/Cargo.toml", &ours)]).is_empty());
    }

    #[test]
    fn a_pure_crate_does_not_know_the_clock() {
        let manifest = "[package]\nname = \"driftless-sync\"\n";
        let text = "use std::time::{Duration, Instant};\nfn f() { std::fs::read(x); }\n\
                    #[cfg(test)]\nmod tests { use std::fs; }\n// tokio::spawn\n";
        let found = messages(&[
            ("crates/s/Cargo.toml", manifest),
            ("crates/s/src/lib.rs", text),
        ]);
        assert_eq!(
            found,
            [
                "crates/s/src/lib.rs:1 `driftless-sync` is pure: it may not name \
                 `std::time::Instant`",
                "crates/s/src/lib.rs:2 `driftless-sync` is pure: it may not name `std::fs::read`",
            ]
        );
    }

    #[test]
    fn a_pure_crate_may_not_hide_the_clock_behind_a_module() {
        let manifest = "[package]\nname = \"driftless-model\"\n";
        let text = "use std::time;\nuse std::time::Duration;";
        let found = messages(&[
            ("crates/m/Cargo.toml", manifest),
            ("crates/m/src/lib.rs", text),
        ]);
        assert_eq!(found.len(), 1);
    }
}
