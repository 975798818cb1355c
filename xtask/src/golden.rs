//! `cargo xtask golden`: makes the golden files of new messages and durable records. One that is
//! there is never changed.

use anyhow::Result;

use crate::process;
use crate::repo::Repo;

/// Writes what is missing, then runs the tests that compare all of it.
pub fn run(repo: &Repo) -> Result<()> {
    let test = |filter: &str| {
        let mut cargo = process::cargo(repo);
        cargo.args([
            "test",
            "--quiet",
            "--package",
            "driftless-protocol",
            "--lib",
            filter,
        ]);
        cargo
    };
    process::run(test("are_golden").env("DRIFTLESS_GOLDEN_BLESS", "1"))?;
    process::run(&mut test("golden"))
}
