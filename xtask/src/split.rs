//! The shipped web app in two files: what a board is shown with, and its panels, which are loaded
//! when the first of them opens (`driftless_leptos::part`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use wasm_split_cli_support::{Options, transform};

/// The cargo feature that marks where the module is split.
pub const FEATURE: &str = "split";

/// The linker tells what refers to what: a function that only panels refer to is theirs.
pub const RUSTFLAG: &str = "-Clink-arg=--emit-relocs";

/// The file of the panels: `driftless_leptos::part!` names it.
pub const PANELS: &str = "split_panels.wasm";

/// What loads the other file; the glue imports it.
const LOADER: &str = "__wasm_split.js";

/// Splits a compiled module: answers the part for wasm-bindgen to go on with. What is loaded on
/// demand is put into `folder`, beside the glue that will be called `glue_name`.
pub fn module(compiled: &Path, folder: &Path, glue_name: &str) -> Result<PathBuf> {
    let main = folder.with_added_extension("wasm");
    let input =
        fs::read(compiled).with_context(|| format!("cargo left no {}", compiled.display()))?;
    let glue = format!("./{glue_name}.js");
    let link = format!("./{LOADER}");
    let mut options = Options::new(&input);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.link_name = &link;
    options.main_module = &glue;
    options.emit_dwarf = false;
    let split = transform(options);
    let split = split.map_err(|error| anyhow!("cannot split {}: {error:#}", compiled.display()))?;
    if split.split_modules.is_empty() {
        // Nothing is marked in it.
        let loader = folder.join(LOADER);
        fs::remove_file(&loader).with_context(|| format!("no {}", loader.display()))?;
    }
    Ok(main)
}
