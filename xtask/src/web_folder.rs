//! How the web app lies in the folder that is served: the page and the worker at the top, all else
//! in `assets/BUILD/`, where BUILD is a hash of everything. So a browser may keep the files of a
//! build for good, and those of two builds never meet.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

/// The page, which every visit begins with.
pub const PAGE: &str = "index.html";
/// What keeps a copy of the page; its place decides which pages those are.
const WORKER: &str = "worker.js";
/// What lies at the top, under the same name in every build, and names the build and its files.
const TOP: [&str; 2] = [PAGE, WORKER];

/// Digits of a build's name: 64 bits, as no two builds of anybody share.
const BUILD_DIGITS: usize = 16;

/// One build's files: where each lies below the folder that is served, and what is in it.
pub type Files = Vec<(PathBuf, Vec<u8>)>;

/// Puts the parts of a web app where they are served.
pub fn arrange(mut parts: Files) -> Result<Files> {
    parts.sort();
    let build = build_of(&parts)?;
    let (top, assets): (Files, Files) = parts.into_iter().partition(|(path, _)| is_top(path));
    let folder = Path::new("assets").join(&build);
    let mut files: Files = assets
        .into_iter()
        .map(|(path, content)| (folder.join(path), content))
        .collect();
    let names: Vec<String> = files.iter().map(|(path, _)| in_address(path)).collect();
    for (path, content) in top {
        let text = String::from_utf8(content)
            .with_context(|| format!("{} is not UTF-8", path.display()))?;
        let text = text.replace("{{build}}", &build);
        files.push((path, text.replace("{{files}}", &names.join(" ")).into()));
    }
    Ok(files)
}

fn is_top(path: &Path) -> bool {
    TOP.iter().any(|top| path == Path::new(top))
}

fn in_address(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// The name of a build, from the names and contents of its files.
fn build_of(parts: &Files) -> Result<String> {
    let mut hash = Sha256::new();
    for (path, content) in parts {
        hash.update(format!("{} {}\n", in_address(path), content.len()));
        hash.update(content);
    }
    let mut name = String::new();
    for byte in hash.finalize().iter().take(BUILD_DIGITS / 2) {
        write!(name, "{byte:02x}")?;
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(script: &str) -> Files {
        let part = |name: &str, text: &str| (PathBuf::from(name), text.as_bytes().to_vec());
        vec![
            part("index.html", r#"<script src="/assets/{{build}}/boot.js">"#),
            part(
                "worker.js",
                "const BUILD = '{{build}}', FILES = '{{files}}';",
            ),
            part("boot.js", script),
            part("icons/live.svg", "svg"),
        ]
    }

    #[test]
    fn page_and_worker_are_at_the_top_and_name_the_files_of_their_build() {
        let files = arrange(parts("boot")).unwrap();
        let build = build_of_files(&files);
        assert_eq!(build.len(), BUILD_DIGITS);
        let named = |name: &str| {
            let found = files.iter().find(|(path, _)| path == Path::new(name));
            String::from_utf8(found.expect(name).1.clone()).unwrap()
        };
        let page = format!(r#"<script src="/assets/{build}/boot.js">"#);
        assert_eq!(named("index.html"), page);
        let (boot, icon) = (
            format!("assets/{build}/boot.js"),
            format!("assets/{build}/icons/live.svg"),
        );
        let worker = format!("const BUILD = '{build}', FILES = '{boot} {icon}';");
        assert_eq!(named("worker.js"), worker);
        assert_eq!((named(&boot), named(&icon)), ("boot".into(), "svg".into()));
        assert_eq!(files.len(), 4);
    }

    #[test]
    fn the_same_files_are_the_same_build_and_a_changed_one_is_another() {
        let build = |script| build_of_files(&arrange(parts(script)).unwrap());
        assert_eq!(build("boot"), build("boot"));
        assert_ne!(build("boot"), build("reboot"));
    }

    fn build_of_files(files: &Files) -> String {
        let asset = files.iter().find(|(path, _)| path.starts_with("assets"));
        let build = asset.unwrap().0.iter().nth(1).unwrap();
        build.to_string_lossy().into_owned()
    }
}
