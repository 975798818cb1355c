//! The commands of the documentation, run as they stand: the blocks that are marked with
//! `<!-- run -->`, each page in an empty folder, beside a server on this machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::Running;

/// What stands on the line before a block that is to be run.
const MARK: &str = "<!-- run -->";
/// Where the pages say that the server is.
const ADDRESS: &str = "127.0.0.1:4747";

fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("reads")
}

/// The blocks that are to be run, in their order.
fn marked(text: &str) -> Vec<String> {
    let start = format!("{MARK}\n```sh\n");
    let blocks = text.split(&start).skip(1);
    let block = |rest: &str| {
        rest.split_once("\n```")
            .expect("the block's end")
            .0
            .to_owned()
    };
    blocks.map(block).collect()
}

/// Runs the blocks of a page; answers what they print.
fn run(path: &str, expected: usize) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("driftless-data");
    let server = Running::start(&data, &[]);
    let blocks = marked(&page(path));
    assert_eq!(blocks.len(), expected, "{path}");
    let printed = blocks.iter().map(|block| {
        // The binary by its name, as on the machine of whoever reads the page.
        let binary = Path::new(env!("CARGO_BIN_EXE_driftless"))
            .parent()
            .expect("a folder");
        let before = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c"])
            .arg(block.replace(ADDRESS, &server.address.to_string()))
            .current_dir(folder.path())
            .env("PATH", format!("{}:{before}", binary.display()))
            .env("DRIFTLESS_DATA", &data)
            .env("DRIFTLESS_URL", format!("http://{}", server.address))
            .output()
            .expect("bash runs");
        let (out, error) = (output.stdout, output.stderr);
        let error = String::from_utf8_lossy(&error);
        assert!(output.status.success(), "{path}:\n{block}\n{error}");
        String::from_utf8(out).expect("text")
    });
    printed.collect()
}

#[test]
fn the_quick_starts_commands_do_what_they_say() {
    let printed = run("docs/quick-start.md", 3);
    assert!(printed[0].contains("\"accepted\":1"), "{}", printed[0]);
    assert!(printed[1].contains("this-machine"), "{}", printed[1]);
    assert!(printed[2].contains("#token="), "{}", printed[2]);
}

#[test]
fn a_sample_is_pushed_as_the_page_about_http_says() {
    let printed = run("docs/http.md", 1);
    let text = page("docs/http.md");
    assert!(text.contains(printed[0].trim()), "{}", printed[0]);
}

#[test]
fn what_operators_are_told_to_type_works() {
    let printed = run("docs/operations.md", 2);
    assert!(
        printed[0].contains("https://boards.example.org/#token="),
        "{}",
        printed[0]
    );
}
