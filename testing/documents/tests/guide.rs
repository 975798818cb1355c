//! The project that the integration guide ends at, laid out as somebody lays it out who has only
//! the guide: cargo takes it, and neither half needs the other's crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/integration.md")).expect("the guide")
}

/// The first block of a language.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let start = format!("```{language}\n");
    let (_, rest) = text.split_once(&start).expect("a block");
    rest.split("```").next().unwrap_or_default()
}

/// Lays the guide's project out, with the crates of this repository and the versions it is tested
/// with.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = root().canonicalize().expect("the repository");
    let root = root.to_str().expect("text").replace('\\', "/");
    let manifest = block(&guide(), "toml").replace("../driftless", &root);
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("writes");
    let lock = Path::new(&root).join("Cargo.lock");
    fs::copy(lock, folder.path().join("Cargo.lock")).expect("copies");
    fs::create_dir(folder.path().join("src")).expect("makes");
    for file in ["lib.rs", "page.rs", "server.rs"] {
        fs::write(folder.path().join("src").join(file), "").expect("writes");
    }
    folder
}

/// The crates that cargo builds there.
fn crates(project: &Path, arguments: &[&str]) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project);
    cargo.args(["tree", "--edges=normal", "--prefix=none"]);
    let output = cargo.args(arguments).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).expect("text");
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn cargo_takes_the_project_and_each_half_has_only_its_own_crates() {
    let project = project();
    let has = |crates: &[String], name: &str| crates.iter().any(|one| one == name);

    let server = crates(project.path(), &[]);
    assert!(has(&server, "driftless-server"));
    assert!(!has(&server, "leptos") && !has(&server, "driftless-leptos"));

    let page = ["--target=wasm32-unknown-unknown", "--features=page"];
    let page = crates(project.path(), &page);
    assert!(has(&page, "driftless-leptos") && has(&page, "leptos"));
    assert!(!has(&page, "driftless-server") && !has(&page, "axum"));
}

#[test]
fn the_guide_names_the_versions_that_the_crates_are_pinned_to() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let pinned = |line: &str| {
        let (_, rest) = manifest.split_once(line).expect("is pinned");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let bindgen = pinned("\nwasm-bindgen = \"=");
    let leptos = pinned("\nleptos = { version = \"=");
    let rust = pinned("\nrust-version = \"");
    let guide = guide();
    for said in [
        format!("wasm-bindgen-cli --version {bindgen}\n"),
        format!("`{leptos}` with `csr`"),
        format!("leptos = {{ version = \"={leptos}\""),
        format!("Rust {rust}"),
    ] {
        assert!(guide.contains(&said), "the guide does not say: {said}");
    }
}
