//! Pages of docs/ that are made from tables in the code: `cargo xtask pages` writes them, and tidy
//! fails where one is not what its table says.

mod configuration;
mod errors;
mod messages;

use std::fs;

use anyhow::{Context, Result};

use crate::repo::Repo;

/// A page that is made.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it belongs, from the repository's root.
    pub path: &'static str,
    /// What it says.
    pub text: String,
}

/// Every page that is made.
pub fn all() -> Vec<Page> {
    vec![
        Page {
            path: "docs/configuration.md",
            text: configuration::text(),
        },
        Page {
            path: "docs/errors.md",
            text: errors::text(),
        },
        Page {
            path: "docs/messages.md",
            text: messages::text(),
        },
    ]
}

/// Writes them.
pub fn write(repo: &Repo) -> Result<()> {
    for page in all() {
        fs::write(repo.root().join(page.path), page.text)
            .with_context(|| format!("cannot write {}", page.path))?;
        println!("wrote {}", page.path);
    }
    Ok(())
}
