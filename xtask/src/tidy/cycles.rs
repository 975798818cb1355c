//! No cycles between the modules of a crate: modules are declared bottom-up in the crate's root,
//! and a module names only those declared above it.

use std::collections::HashMap;

use super::masked::Masked;
use super::paths::{self, NamedPath};
use super::tree::{Finding, SourceFile, Tree};

/// The top-level modules of one crate root, in the order of their declaration.
#[derive(Debug, Default)]
struct Root {
    modules: Vec<String>,
    /// What the root re-exports, by name, and the module that it comes from.
    exports: HashMap<String, String>,
}

/// Reports each reference from a module to one declared below it.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (folder, _) in tree.packages() {
        let source = format!("{folder}/src/");
        let roots: Vec<_> = ["lib.rs", "main.rs"]
            .iter()
            .filter_map(|name| {
                tree.files()
                    .iter()
                    .find(|file| file.path == format!("{source}{name}"))
            })
            .map(|file| Root::read(&file.text))
            .collect();
        for file in tree.rust() {
            let Some(module) = file.path.strip_prefix(&source).and_then(top_level_module) else {
                continue;
            };
            for root in roots.iter().filter(|root| root.position(module).is_some()) {
                findings.extend(check_file(file, module, root));
            }
        }
    }
    findings
}

fn check_file(file: &SourceFile, module: &str, root: &Root) -> Vec<Finding> {
    let code = Masked::new(&file.text).without_tests();
    let is_module_root = file.path.ends_with(&format!("/src/{module}.rs"))
        || file.path.ends_with(&format!("/src/{module}/mod.rs"));
    let own = declared_modules(&code);
    paths::named_paths(&code)
        .iter()
        .filter_map(|path| {
            let through_super = is_module_root && path.segments.len() > 1;
            let target = match path.segments.first().map(String::as_str) {
                Some("crate") => root.target(path),
                Some("super") if through_super && !own.contains(&path.segments[1]) => {
                    root.target(path)
                }
                _ => None,
            }?;
            (root.position(target) > root.position(module)).then(|| {
                let message = format!(
                    "`{module}` names `{target}`, which is declared below it: a module imports \
                     only those above it"
                );
                Finding::line(&file.path, path.line, message)
            })
        })
        .collect()
}

impl Root {
    fn read(text: &str) -> Self {
        let code = Masked::new(text).without_tests();
        let modules = declared_modules(&code);
        let mut exports = HashMap::new();
        for path in paths::imported_paths(&code) {
            let skipped = usize::from(matches!(path.segments[0].as_str(), "crate" | "self"));
            if let Some(module) = path
                .segments
                .get(skipped)
                .filter(|word| modules.contains(word))
            {
                exports.insert(path.name.clone(), module.clone());
            }
        }
        Self { modules, exports }
    }

    fn position(&self, module: &str) -> Option<usize> {
        self.modules.iter().position(|declared| declared == module)
    }

    /// The top-level module that a `crate::` or `super::` path leads into.
    fn target<'a>(&'a self, path: &'a NamedPath) -> Option<&'a str> {
        let word = path.segments.get(1)?;
        if self.modules.contains(word) {
            Some(word)
        } else {
            self.exports.get(word).map(String::as_str)
        }
    }
}

/// The names after `mod`, in order.
fn declared_modules(code: &Masked) -> Vec<String> {
    code.words("mod")
        .map(|at| {
            code.identifier(code.skip_space(at + "mod".len()))
                .to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// The top-level module that a file under `src/` belongs to; roots and test files have none.
fn top_level_module(path: &str) -> Option<&str> {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    let first = path.split('/').next()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!is_test && !matches!(module, "lib" | "main" | "bin")).then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &str, files: &[(&str, &str)]) -> Vec<String> {
        let mut all = vec![
            ("crates/c/Cargo.toml", "[package]"),
            ("crates/c/src/lib.rs", root),
        ];
        all.extend(files);
        check(&Tree::of(&all))
            .into_iter()
            .map(|finding| finding.place)
            .collect()
    }

    #[test]
    fn a_module_may_name_those_above_it_only() {
        let low = ("crates/c/src/low.rs", "\nuse crate::{high::Thing};");
        let high = ("crates/c/src/high.rs", "use crate::low::Other;");
        assert_eq!(
            places("mod low;\npub mod high;", &[low, high]),
            ["crates/c/src/low.rs:2"]
        );
    }

    #[test]
    fn nested_files_belong_to_their_top_level_module() {
        let nested = ("crates/c/src/low/inner.rs", "fn f() { crate::high::go() }");
        assert_eq!(
            places("mod low;\nmod high;", &[nested]),
            ["crates/c/src/low/inner.rs:1"]
        );
    }

    #[test]
    fn a_name_that_the_root_re_exports_counts_as_its_module() {
        let low = ("crates/c/src/low.rs", "use crate::Thing;");
        let root = "mod low;\nmod high;\npub use high::Thing;";
        assert_eq!(places(root, &[low]), ["crates/c/src/low.rs:1"]);
    }

    #[test]
    fn super_of_a_top_level_module_is_the_root() {
        let low = (
            "crates/c/src/low.rs",
            "mod own;\nuse super::own::A;\nuse super::high::B;",
        );
        assert_eq!(
            places("mod low;\nmod high;", &[low]),
            ["crates/c/src/low.rs:3"]
        );
    }

    #[test]
    fn tests_and_comments_may_name_anything() {
        let text = "// crate::high\n#[cfg(test)]\nmod tests { use crate::high::Thing; }";
        let tests = ("crates/c/src/low/tests.rs", "use crate::high::Thing;");
        assert!(
            places(
                "mod low;\nmod high;",
                &[("crates/c/src/low.rs", text), tests]
            )
            .is_empty()
        );
    }
}
