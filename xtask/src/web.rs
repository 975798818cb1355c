//! The web app: compile for the browser, generate the glue, lay the files out for serving.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use wasm_bindgen_cli_support::Bindgen;

use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::web_folder::{self, Files};
use crate::{process, shrink, sizes, split};

const PACKAGE: &str = "driftless-dashboard";
/// The page that tests the store, an example of its crate.
const CONFORMANCE: &str = "indexeddb_conformance";
const KIT: &str = "kit_page";
const GALLERY: &str = "driftless-gallery";
/// The example whose page is the client and little else.
const CLIENT_PAGE: &str = "plain-page";

/// How the web app is compiled; the names are cargo profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WebProfile {
    /// Quick to build: for `demo` and the browser tests.
    Web,
    /// As it ships: whole-program optimisation, made smaller by what npm has, sizes printed.
    WebDist,
    /// The same for a page that has nowhere to show what a panic says: it is not compiled.
    #[value(skip)]
    WebDistSilent,
}

impl WebProfile {
    /// The cargo profile's name, which is also the folder of its output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::WebDist | Self::WebDistSilent => "web-dist",
        }
    }

    fn ships(self) -> bool {
        self != Self::Web
    }
}

/// Builds the web app and returns the folder to serve.
pub fn build(repo: &Repo, wasm: &WasmTarget, profile: WebProfile) -> Result<PathBuf> {
    let what = match profile {
        WebProfile::Web => vec!["--package", PACKAGE],
        _ => vec!["--package", PACKAGE, "--features", split::FEATURE],
    };
    let compiled = compile(repo, wasm, &what, profile)?.join(module_of(PACKAGE));
    let static_files = repo.root().join("apps/dashboard/static");
    let parts = format!("{}-parts", profile.name());
    let parts = lay_out(repo, &compiled, &static_files, &parts, profile)?;
    if profile.ships() {
        shrink::files(repo, &parts)?;
    }
    let output = repo.web_output(profile.name());
    put(&web_folder::arrange(gather(&[&parts])?)?, &output)?;
    ensure!(
        output.join(web_folder::PAGE).is_file(),
        "the web app has no page: apps/dashboard/static/index.html is missing"
    );
    Ok(output)
}

/// Builds the page that runs the store's conformance suite, and returns the folder to serve.
pub fn build_conformance(repo: &Repo, wasm: &WasmTarget) -> Result<PathBuf> {
    let package = ["--package", "driftless-store", "--features", "indexeddb"];
    build_page(repo, wasm, &package, CONFORMANCE, "conformance")
}

/// Builds the page with every component of the kit, and returns the folder to serve.
pub fn build_kit(repo: &Repo, wasm: &WasmTarget) -> Result<PathBuf> {
    build_page(repo, wasm, &["--package", "driftless-leptos"], KIT, "kit")
}

/// Builds the page of `examples/NAME`, with the files of its folder `page` around it, and returns
/// the folder to serve. As it ships, it is made smaller too.
pub fn build_example_page(
    repo: &Repo,
    wasm: &WasmTarget,
    name: &str,
    features: &[&str],
    profile: WebProfile,
) -> Result<PathBuf> {
    let what = [&["--package", name, "--bin", name], features].concat();
    let compiled = compile(repo, wasm, &what, profile)?.join(module_of(name));
    let pages = repo.root().join("examples").join(name).join("page");
    let output = match profile {
        WebProfile::Web => format!("example-{name}"),
        _ => format!("example-{name}-dist"),
    };
    let output = lay_out(repo, &compiled, &pages, &output, profile)?;
    if profile.ships() {
        shrink::files(repo, &output)?;
    }
    Ok(output)
}

/// Builds the gallery, with the look of the web app, and returns the folder to serve.
pub fn build_gallery(repo: &Repo, wasm: &WasmTarget) -> Result<PathBuf> {
    let profile = WebProfile::Web;
    let compiled = compile(repo, wasm, &["--package", GALLERY], profile)?.join(module_of(GALLERY));
    let apps = repo.root().join("apps");
    let output = lay_out(
        repo,
        &compiled,
        &apps.join("gallery/static"),
        "gallery",
        profile,
    )?;
    for file in ["theme.css", "app.css", "icon.svg"] {
        let from = apps.join("dashboard/static").join(file);
        let content = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        write_changed(&content, &output.join(file))?;
    }
    Ok(output)
}

/// Builds an example of a package with the files of `e2e/pages/NAME` around it.
fn build_page(
    repo: &Repo,
    wasm: &WasmTarget,
    package: &[&str],
    example: &str,
    name: &str,
) -> Result<PathBuf> {
    let what = [package, &["--example", example]].concat();
    let compiled = compile(repo, wasm, &what, WebProfile::Web)?;
    let compiled = compiled.join("examples").join(module_of(example));
    let page = repo.root().join("e2e/pages").join(name);
    lay_out(repo, &compiled, &page, name, WebProfile::Web)
}

/// Builds the web app and tells what a first visit downloads, in bytes after brotli.
pub fn build_measured(repo: &Repo, wasm: &WasmTarget) -> Result<usize> {
    let output = build(repo, wasm, WebProfile::WebDist)?;
    Ok(sizes::print(&sizes::measure(&output)?))
}

/// Builds the page that has the client and no UI framework, and tells what it downloads, in bytes
/// after brotli. It has no hook that would show what a panic says.
pub fn client_measured(repo: &Repo, wasm: &WasmTarget) -> Result<usize> {
    let output = build_example_page(repo, wasm, CLIENT_PAGE, &[], WebProfile::WebDistSilent)?;
    Ok(sizes::print(&sizes::measure(&output)?))
}

/// Compiles the app and generates its glue into `glue`, without the pages around it.
pub fn prove(repo: &Repo, wasm: &WasmTarget, glue: &Path) -> Result<()> {
    let profile = WebProfile::Web;
    let compiled = compile(repo, wasm, &["--package", PACKAGE], profile)?.join(module_of(PACKAGE));
    generate_glue(&compiled, glue, profile)?;
    let name = glue_name(&compiled);
    for file in [format!("{name}.js"), format!("{name}_bg.wasm")] {
        ensure!(glue.join(&file).is_file(), "wasm-bindgen left no {file}");
    }
    Ok(())
}

/// Compiles one target of a package; answers the folder of the profile's output.
fn compile(repo: &Repo, wasm: &WasmTarget, what: &[&str], profile: WebProfile) -> Result<PathBuf> {
    let mut cargo = match profile {
        WebProfile::Web => wasm.cargo(repo, "build"),
        WebProfile::WebDist => wasm.cargo_to_ship(repo, "build", false),
        WebProfile::WebDistSilent => wasm.cargo_to_ship(repo, "build", true),
    };
    process::run(cargo.args(what).args(["--profile", profile.name()]))?;
    Ok(wasm.artifacts(repo, profile.name()))
}

fn module_of(target: &str) -> String {
    format!("{target}.wasm")
}

/// What the glue of a module is called.
fn glue_name(compiled: &Path) -> String {
    let stem = compiled.file_stem().unwrap_or_default();
    stem.to_string_lossy().replace('-', "_")
}

/// Generates the glue of a module and puts it beside its pages, to be served.
fn lay_out(
    repo: &Repo,
    compiled: &Path,
    pages: &Path,
    name: &str,
    profile: WebProfile,
) -> Result<PathBuf> {
    let glue = repo.web_output(&format!("{name}-glue"));
    generate_glue(compiled, &glue, profile)?;
    let output = repo.web_output(name);
    put(&gather(&[&glue, pages])?, &output)?;
    Ok(output)
}

/// Runs wasm-bindgen, unless the module is the one that the glue was generated from.
fn generate_glue(compiled: &Path, glue: &Path, profile: WebProfile) -> Result<()> {
    let fingerprint = fingerprint(compiled)?;
    let stamp = glue.with_extension("stamp");
    if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == fingerprint) && glue.is_dir() {
        return Ok(());
    }
    empty(glue)?;
    run_bindgen(compiled, glue, profile)?;
    fs::write(&stamp, fingerprint).with_context(|| format!("cannot write {}", stamp.display()))
}

fn run_bindgen(compiled: &Path, glue: &Path, profile: WebProfile) -> Result<()> {
    let ships = profile.ships();
    let main = if ships {
        split::module(compiled, glue, &glue_name(compiled))?
    } else {
        compiled.to_owned()
    };
    Bindgen::new()
        .input_path(&main)
        .out_name(&glue_name(compiled))
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(false)
                // The page calls `init()` without a path: the module lies beside its glue.
                .omit_default_module_path(false)
                // The part on demand takes the table of functions, which the linker exports.
                .keep_lld_exports(ships)
                .remove_name_section(ships)
                .remove_producers_section(ships)
                .generate(glue)
        })
        .with_context(|| format!("wasm-bindgen cannot process {}", compiled.display()))
}

/// Cargo leaves an unchanged artifact's time alone, so time and length tell a rebuild: of the
/// module, and of this xtask, whose wasm-bindgen and options make the glue.
fn fingerprint(compiled: &Path) -> Result<String> {
    let mut text = String::new();
    for file in [
        compiled,
        &env::current_exe().context("cannot tell where xtask runs from")?,
    ] {
        let metadata =
            fs::metadata(file).with_context(|| format!("cargo left no {}", file.display()))?;
        let modified = metadata
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        writeln!(
            text,
            "{} {} {}",
            file.display(),
            metadata.len(),
            modified.as_nanos()
        )?;
    }
    Ok(text)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Reads every file of the folders that are there.
fn gather(folders: &[&Path]) -> Result<Files> {
    let mut files = Files::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for path in sizes::files_below(folder)? {
            let file = folder.join(&path);
            let content = fs::read(&file);
            let content = content.with_context(|| format!("cannot read {}", file.display()))?;
            files.push((path, content));
        }
    }
    Ok(files)
}

/// Makes `output` hold exactly these files. Unchanged ones keep their times, and with them the
/// caches of whoever serves or embeds them.
fn put(files: &Files, output: &Path) -> Result<()> {
    fs::create_dir_all(output).with_context(|| format!("cannot create {}", output.display()))?;
    for (path, content) in files {
        write_changed(content, &output.join(path))?;
    }
    for path in sizes::files_below(output)? {
        if !files.iter().any(|(wanted, _)| *wanted == path) {
            fs::remove_file(output.join(&path))?;
            remove_emptied(&path, output);
        }
    }
    Ok(())
}

/// The folder of a build that is gone goes with its last file.
fn remove_emptied(path: &Path, output: &Path) {
    let folders = path.ancestors().skip(1);
    for folder in folders.take_while(|folder| !folder.as_os_str().is_empty()) {
        // One that something is left in stays.
        if fs::remove_dir(output.join(folder)).is_err() {
            return;
        }
    }
}

fn write_changed(content: &[u8], to: &Path) -> Result<()> {
    if fs::read(to).is_ok_and(|current| current == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, content).with_context(|| format!("cannot write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, content: &str) {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    #[test]
    fn the_output_holds_exactly_the_sources_files() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let output = folder.path().join("output");
        write(&first, "glue.js", "glue");
        write(&second, "icons/live.svg", "svg");
        write(&output, "left-over.js", "old");
        write(&output, "assets/0123/left-over.js", "old");
        write(&output, "glue.js", "older");

        let files = gather(&[&first, &second, &folder.path().join("absent")]).unwrap();
        put(&files, &output).unwrap();

        let files = sizes::files_below(&output).unwrap();
        assert_eq!(
            files,
            [PathBuf::from("glue.js"), PathBuf::from("icons/live.svg")]
        );
        assert_eq!(fs::read_to_string(output.join("glue.js")).unwrap(), "glue");
        assert!(!output.join("assets").exists());
    }

    #[test]
    fn an_unchanged_file_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (source, output) = (folder.path().join("source"), folder.path().join("output"));
        write(&source, "page.css", "same");
        write(&output, "page.css", "same");
        let long_ago = UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let file = fs::File::options()
            .write(true)
            .open(output.join("page.css"))
            .unwrap();
        file.set_modified(long_ago).unwrap();

        put(&gather(&[&source]).unwrap(), &output).unwrap();

        let modified = fs::metadata(output.join("page.css"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(modified, long_ago);
    }
}
