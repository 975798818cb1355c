//! What is public in a crate, one line for each item, from what rustdoc says of it.
//!
//! The items are listed by `public-api`. Two things are added in fewer lines than it needs: what a
//! type derives, and the properties of components, which are no names of their own.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Every type has these, or says that it does not.
const ASSUMED: [&str; 3] = ["Send", "Sync", "Unpin"];

/// Nobody writes code that needs these.
const UNUSED: [&str; 5] = [
    "Freeze",
    "RefUnwindSafe",
    "StructuralPartialEq",
    "UnsafeUnpin",
    "UnwindSafe",
];

/// The part of rustdoc's file in which the properties of components are.
#[derive(Debug, Deserialize)]
struct Described {
    index: BTreeMap<String, Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    name: Option<String>,
    docs: Option<String>,
}

/// Lists what is public, from rustdoc's file for the crate.
pub fn of(file: &Path) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("rustdoc left no {}", file.display()))?;
    let described: Described =
        serde_json::from_str(&text).with_context(|| format!("unexpected {}", file.display()))?;
    let builder = public_api::Builder::from_rustdoc_json(file).omit_blanket_impls(true);
    let with_impls = lines(builder.clone())?;
    let mut lines = lines(
        builder
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true),
    )?;
    let properties = properties(&lines, &described);
    let derived = derived(&lines, &with_impls);
    lines.extend(properties);
    lines.extend(derived);
    Ok(lines)
}

/// Each once: what is exported under two names has some lines twice.
fn lines(builder: public_api::Builder) -> Result<Vec<String>> {
    let api = builder.build().context("rustdoc's file is unexpected")?;
    let mut seen = HashSet::new();
    let lines = api.items().map(ToString::to_string);
    Ok(lines.filter(|line| seen.insert(line.clone())).collect())
}

/// One line for each type with what it derives, and what it is not.
fn derived(items: &[String], with_impls: &[String]) -> Vec<String> {
    let items: HashSet<_> = items.iter().map(String::as_str).collect();
    let mut traits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let added = with_impls
        .iter()
        .filter(|line| !items.contains(line.as_str()));
    for (name, of) in added.filter_map(|line| implemented(line)) {
        let is_assumed = ASSUMED.contains(&name.as_str());
        if !is_assumed && !UNUSED.contains(&name.trim_start_matches('!')) {
            traits.entry(of.to_owned()).or_default().insert(name);
        }
    }
    let lines = traits.into_iter().map(|(of, traits)| {
        let traits: Vec<_> = traits.into_iter().collect();
        format!("impl {} for {of}", traits.join(" + "))
    });
    lines.collect()
}

/// The trait's name without its path, and the type: of `impl<T: a::B> a::Trait for b::Type<T>`
/// they are `Trait` and `b::Type<T>`. A `!` before the trait stays, as `!Trait`.
fn implemented(line: &str) -> Option<(String, &str)> {
    let (path, of) = after_generics(line.strip_prefix("impl")?).split_once(" for ")?;
    let path = path.trim_start();
    let not = if path.starts_with('!') { "!" } else { "" };
    let path = path.split('<').next().unwrap_or_default();
    let name = path.rsplit(['!', ':']).next().unwrap_or_default();
    Some((format!("{not}{name}"), of))
}

/// What follows a list in angle brackets; everything where there is none.
fn after_generics(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return text[at..].trim_start_matches('>');
        }
        before = letter;
    }
    text
}

/// One line for each property of each component: `<Component property=Type>`, with a `?` after the
/// name of one that can be left out. Leptos lists them in the component's documentation.
fn properties(items: &[String], described: &Described) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for item in described.index.values() {
        let (Some(component), Some(docs)) = (&item.name, &item.docs) else {
            continue;
        };
        let start = format!("::{component}(");
        let is_public = |line: &String| line.starts_with("pub fn") && line.contains(&start);
        if items.iter().any(is_public) {
            lines.extend(properties_of(component, docs));
        }
    }
    lines.into_iter().collect()
}

fn properties_of(component: &str, docs: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut mark = None;
    for line in docs.lines() {
        mark = match line {
            "# Required Props" => Some(""),
            "# Optional Props" => Some("?"),
            _ => mark,
        };
        let property = line.strip_prefix("- **`").zip(mark);
        let Some((property, mark)) = property else {
            continue;
        };
        let Some((name, rest)) = property.split_once("`**: [`") else {
            continue;
        };
        let kind = rest.split('`').next().unwrap_or_default();
        lines.push(format!("<{component} {name}{mark}={kind}>"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_type_derives_is_one_line() {
        let items = owned(&["impl a::Shown for a::Type"]);
        let with_impls = owned(&[
            "impl a::Shown for a::Type",
            "impl core::fmt::Debug for a::Type",
            "impl core::clone::Clone for a::Type",
            "pub fn a::Type::clone(&self) -> a::Type",
            "impl core::marker::Send for a::Type",
            "impl core::marker::Freeze for a::Type",
            "impl !core::panic::unwind_safe::UnwindSafe for a::Type",
            "impl<F: core::ops::Fn() -> b::B<u8>> !core::marker::Sync for a::Other<F>",
        ]);
        let expected = [
            "impl !Sync for a::Other<F>",
            "impl Clone + Debug for a::Type",
        ];
        assert_eq!(derived(&items, &with_impls), expected);
    }

    #[test]
    fn the_trait_and_the_type_of_an_implementation_are_told_apart() {
        let told = |line| implemented(line).unwrap();
        let line = "impl<'de, T: a::B<u8>> serde::Deserialize<'de> for b::Type<T>";
        assert_eq!(told(line), ("Deserialize".to_owned(), "b::Type<T>"));
        let line = "impl !core::marker::Send for b::Type";
        assert_eq!(told(line), ("!Send".to_owned(), "b::Type"));
        assert_eq!(implemented("impl b::Type"), None);
    }

    #[test]
    fn a_component_has_its_properties_and_says_which_can_be_left_out() {
        let docs = "A button.\n\n- **`no`**: [`u8`]\n# Required Props\n- **`on_press`**: \
                    [`impl Into<Callback<()>>`](Callback<()>)\n   -  What it does.\n\
                    # Optional Props\n- **`class`**: [`String`]\n";
        let item = |name: &str| Item {
            name: Some(name.to_owned()),
            docs: Some(docs.to_owned()),
        };
        let index = [("0", item("Button")), ("1", item("ButtonProps"))];
        let index = index.map(|(id, item)| (id.to_owned(), item)).into();
        let items = owned(&["pub fn a::Button(a::button::ButtonProps) -> impl leptos::IntoView"]);
        let expected = [
            "<Button class?=String>",
            "<Button on_press=impl Into<Callback<()>>>",
        ];
        assert_eq!(properties(&items, &Described { index }), expected);
    }
}
