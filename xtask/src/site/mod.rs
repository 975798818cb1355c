//! `cargo xtask docs`: the documentation as a site that can be searched, made by mdBook from
//! `docs/`.
//!
//! mdBook, since it is one program without a runtime, kept by the Rust project, with its search and
//! its fonts inside, and since it hides the lines of an example that `rustdoc` hides. It is
//! installed once into the target folder, unoptimised: the site takes a second either way, and the
//! program is there in half the time.

mod sources;
mod check;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::repo::Repo;

/// The release that the site is made with.
const MDBOOK: &str = "0.5.4";

/// Builds the site and looks it over; answers where it is.
pub fn build(repo: &Repo) -> Result<PathBuf> {
    let mdbook = ensure_mdbook(repo)?;
    let folder = repo.target().join("site");
    lay_out(repo, &folder.join("book"))?;
    let output = folder.join("html");
    let mut command = Command::new(mdbook);
    command.arg("build").arg(folder.join("book"));
    process::run(command.arg("--dest-dir").arg(&output))?;
    let pages = check::check(&output)?;
    println!(
        "The site has {pages} pages: {}",
        output.join("index.html").display()
    );
    Ok(output)
}

fn ensure_mdbook(repo: &Repo) -> Result<PathBuf> {
    let root = repo.target().join("tools");
    let mdbook = root
        .join("bin/mdbook")
        .with_extension(std::env::consts::EXE_EXTENSION);
    let version = process::output_of(Command::new(&mdbook).arg("--version"));
    if version.is_some_and(|version| version.ends_with(MDBOOK)) {
        return Ok(mdbook);
    }
    println!("Installing mdBook {MDBOOK} into {}", root.display());
    let mut cargo = process::cargo(repo);
    cargo
        .args([
            "install", "--quiet", "--debug", "--locked", "--force", "mdbook",
        ])
        .args([
            "--version",
            MDBOOK,
            "--no-default-features",
            "--features",
            "search",
        ])
        .arg("--root")
        .arg(&root)
        // What it is built from is of no use afterwards: a folder that goes by itself.
        .env_remove("CARGO_TARGET_DIR");
    process::run(&mut cargo).context("mdBook cannot be installed")?;
    Ok(mdbook)
}

/// Writes the book: its settings, the pages, and the pictures.
fn lay_out(repo: &Repo, book: &Path) -> Result<()> {
    if book.is_dir() {
        fs::remove_dir_all(book).with_context(|| format!("cannot empty {}", book.display()))?;
    }
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    git.args(["docs", "ARCHITECTURE.md", "CONTRIBUTING.md"]);
    let listed = process::output_of(git.current_dir(repo.root()));
    let listed =
        listed.context("cannot list the documents: git is missing, or this is no clone")?;
    let mut documents = Vec::new();
    for path in listed
        .lines()
        .filter(|path| repo.root().join(path).is_file())
    {
        let content = fs::read(repo.root().join(path))?;
        match String::from_utf8(content) {
            Ok(text) if is_page(path) => documents.push((path, text)),
            Ok(text) if path == "docs/book.toml" => {
                write(&book.join("book.toml"), text.as_bytes())?;
            }
            Ok(text) => put(book, path, text.as_bytes())?,
            Err(picture) => put(book, path, picture.as_bytes())?,
        }
    }
    let texts = documents.iter().map(|(path, text)| (*path, text.as_str()));
    let pages = sources::pages(texts);
    for (path, text) in &pages {
        write(&book.join("src").join(path), text.as_bytes())?;
    }
    Ok(())
}

fn is_page(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "md")
}

fn put(book: &Path, path: &str, content: &[u8]) -> Result<()> {
    match sources::place_of(path) {
        Some(place) => write(&book.join("src").join(place), content),
        None => Ok(()),
    }
}

fn write(file: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}
