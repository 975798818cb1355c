//! What a shipped module and its glue say to each other, made short.
//!
//! wasm-bindgen gives each function that crosses between them a name with a hash in it, which no
//! compression makes smaller, and lets everything out that anybody might want. Here the names
//! become one letter or two, and what no script of the page asks for goes. Neither file changes
//! otherwise: what nothing leads to any more is for `shrink` to find.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use walrus::{Module, ModuleConfig};

use crate::{process, sizes};

/// What wasm-bindgen's own names begin with: they are words of no script.
const GENERATED: [&str; 2] = ["__wb", "wasm_bindgen_"];

/// A module and its glue, in the folder of a page.
struct Pair {
    module: PathBuf,
    glue: PathBuf,
}

/// A script beside the glue.
struct Script {
    name: String,
    text: String,
}

/// Shortens every module of a page that has its glue beside it.
pub fn shorten(packages: &Path, app: &Path) -> Result<()> {
    for file in sizes::files_below(app)? {
        let module = app.join(&file);
        let stem = file.to_str().and_then(|file| file.strip_suffix("_bg.wasm"));
        let glue = stem.map(|stem| app.join(format!("{stem}.js")));
        if let Some(glue) = glue.filter(|glue| glue.is_file()) {
            Pair { module, glue }.shorten(packages)?;
        }
    }
    Ok(())
}

impl Pair {
    fn shorten(&self, packages: &Path) -> Result<()> {
        println!("Shortening what {} is called by", self.module.display());
        let others = self.other_scripts()?;
        self.drop_unused_parts(packages, &others)?;
        let mut glue = without_fallbacks(&read(&self.glue)?);
        let mut module = read_module(&self.module)?;
        let scripts = others.iter().map(|script| &script.text).chain([&glue]);
        let asked_for: HashSet<&str> = scripts
            .flat_map(|script| words(script))
            .map(|(_, word)| word)
            .collect();
        keep_exports(&mut module, &asked_for);
        glue = renamed(&glue, &short_names(&mut module));
        fs::write(&self.module, module.emit_wasm())?;
        fs::write(&self.glue, glue)?;
        Ok(())
    }

    /// The scripts beside the glue, which may import from it.
    fn other_scripts(&self) -> Result<Vec<Script>> {
        let folder = self.glue.parent().context("glue lies in a folder")?;
        let files = sizes::files_below(folder)?.into_iter();
        let files = files.map(|file| folder.join(file));
        files
            .filter(|file| *file != self.glue && file.extension().is_some_and(|it| it == "js"))
            .map(|file| {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                Ok(Script {
                    name: name.into_owned(),
                    text: read(&file)?,
                })
            })
            .collect()
    }

    /// Leaves of the glue what other scripts import, and what that needs.
    fn drop_unused_parts(&self, packages: &Path, others: &[Script]) -> Result<()> {
        let name = self.glue.file_name().unwrap_or_default().to_string_lossy();
        let mut texts = others.iter().map(|script| &script.text);
        let wanted = if texts.any(|text| text.contains("initSync")) {
            "default, initSync"
        } else {
            "default"
        };
        let entry = self.glue.with_extension("entry.mjs");
        fs::write(&entry, format!("export {{ {wanted} }} from './{name}';\n"))?;
        let outfile = self.glue.with_extension("whole.mjs");
        let mut esbuild = Command::new(packages.join("node_modules/.bin/esbuild"));
        esbuild
            .arg(&entry)
            .args([
                "--bundle",
                "--format=esm",
                "--charset=utf8",
                "--log-level=warning",
            ])
            .arg(format!("--outfile={}", outfile.display()));
        for script in others {
            esbuild.arg(format!("--external:./{}", script.name));
        }
        process::run(&mut esbuild)?;
        fs::remove_file(&entry)?;
        fs::rename(&outfile, &self.glue)?;
        Ok(())
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn read_module(file: &Path) -> Result<Module> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(false)
        .generate_producers_section(false);
    let module = config.parse_file(file);
    module.map_err(|error| anyhow!("cannot read {}: {error:#}", file.display()))
}

/// Lets out only what somebody asks for by name.
fn keep_exports(module: &mut Module, asked_for: &HashSet<&str>) {
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !asked_for.contains(export.name.as_str()))
        .map(walrus::Export::id)
        .collect();
    for export in unused {
        module.exports.delete(export);
    }
}

/// Gives what wasm-bindgen named a short name: answers the old names with the new ones.
fn short_names(module: &mut Module) -> HashMap<String, String> {
    let mut names = HashMap::new();
    let imports = module.imports.iter_mut().map(|import| &mut import.name);
    let exports = module.exports.iter_mut().map(|export| &mut export.name);
    for name in imports.chain(exports) {
        if GENERATED.iter().any(|start| name.starts_with(start)) {
            let short = short(names.len());
            names.insert(std::mem::replace(name, short.clone()), short);
        }
    }
    names
}

/// `a` to `z`, then `aa`.
fn short(number: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(number % 26).expect("below 26"));
    match (number / 26).checked_sub(1) {
        Some(rest) => short(rest) + &letter.to_string(),
        None => letter.to_string(),
    }
}

/// Parts of wasm-bindgen's glue, by how each begins, and what is there instead: what ships is
/// served by ours as what it is, asked for by scripts of ours, and runs in no browser that lacks
/// these.
const FALLBACKS: [(&str, &str); 2] = [
    (
        "async function __wbg_load(module, imports) {\n",
        "async function __wbg_load(module, imports) {\n  \
         return WebAssembly.instantiateStreaming(module, imports);\n}\n",
    ),
    ("if (!(\"encodeInto\" in cachedTextEncoder)) {\n", ""),
];
/// What the glue says to scripts that are not ours.
const WARNING: &str = "console.warn(\"using deprecated parameters for the initialization \
     function; pass a single object instead\");";

/// The glue without what only others need: servers that call a module something else, scripts that
/// have its bytes already, browsers of before.
fn without_fallbacks(glue: &str) -> String {
    let mut text = glue.replace(WARNING, "");
    for (head, instead) in FALLBACKS {
        if let Some((before, part)) = text.split_once(head)
            && let Some((_, after)) = part.split_once("\n}\n")
        {
            text = [before, instead, after].concat();
        }
    }
    text
}

/// The glue, with what crosses called by its new name: keys of what is imported, members of what is
/// exported. Functions of the glue that are called the same keep their names, for esbuild.
fn renamed(glue: &str, names: &HashMap<String, String>) -> String {
    let mut text = String::new();
    let mut end = 0;
    for (at, word) in words(glue) {
        let Some(short) = names.get(word) else {
            continue;
        };
        let (before, after) = (&glue[..at], &glue[at + word.len()..]);
        if before.ends_with('.') || after.starts_with(": ") {
            text += &glue[end..at];
            text += short;
            end = at + word.len();
        }
    }
    text + &glue[end..]
}

/// Each word of a script, and where it is.
fn words(script: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let words = script
        .split(move |c| !is_part(c))
        .filter(|it| !it.is_empty());
    words.map(|word| (word.as_ptr() as usize - script.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_all_different() {
        let names: HashSet<String> = (0..2000).map(short).collect();
        assert_eq!(names.len(), 2000);
        assert_eq!(
            [0, 25, 26, 701, 702].map(short),
            ["a", "z", "aa", "zz", "aaa"]
        );
    }

    #[test]
    fn what_crosses_is_renamed_and_functions_of_the_glue_are_not() {
        let names = HashMap::from([
            ("__wbg_now_12".to_owned(), "a".to_owned()),
            ("__wbindgen_free".to_owned(), "b".to_owned()),
        ]);
        let glue = "\
function __wbindgen_free(it) { wasm.__wbindgen_free(it); }
const import0 = {
    __wbg_now_12: function() { return Date.now(); },
    __wbg_now_123: 1,
};
";
        assert_eq!(
            renamed(glue, &names),
            "\
function __wbindgen_free(it) { wasm.b(it); }
const import0 = {
    a: function() { return Date.now(); },
    __wbg_now_123: 1,
};
"
        );
    }

    #[test]
    fn fallbacks_go_and_what_is_around_them_stays() {
        let glue = "\
var cachedTextEncoder = new TextEncoder();
if (!(\"encodeInto\" in cachedTextEncoder)) {
  cachedTextEncoder.encodeInto = function(arg, view) {
    view.set(cachedTextEncoder.encode(arg));
  };
}
var wasm;
async function __wbg_load(module, imports) {
  if (typeof Response === \"function\" && module instanceof Response) {
    const bytes = await module.arrayBuffer();
  }
}
var __wbg_init_promise;
";
        let lean = "\
var cachedTextEncoder = new TextEncoder();
var wasm;
async function __wbg_load(module, imports) {
  return WebAssembly.instantiateStreaming(module, imports);
}
var __wbg_init_promise;
";
        assert_eq!(without_fallbacks(glue), lean);
        assert_eq!(without_fallbacks(lean), lean);
    }

    #[test]
    fn what_nobody_asks_for_stays_inside() {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        for name in ["memory", "__wbindgen_malloc", "__heap_base"] {
            module.exports.add(name, memory);
        }
        keep_exports(&mut module, &HashSet::from(["memory", "__wbindgen_malloc"]));
        let names = short_names(&mut module);
        let exports: Vec<_> = module.exports.iter().map(|export| &export.name).collect();
        assert_eq!(exports, ["memory", "a"]);
        assert_eq!(names["__wbindgen_malloc"], "a");
    }
}
