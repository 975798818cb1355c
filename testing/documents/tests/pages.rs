//! Pages and sources agree.

use std::fs;
use std::path::{Path, PathBuf};

use driftless_documents::PAGES;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page, from the repository's root.
fn pages() -> Vec<String> {
    let folders = ["", "docs", "docs/components"].into_iter();
    let pages = folders.flat_map(|folder| {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        entries.filter_map(move |entry| {
            let path = Path::new(folder).join(entry.expect("an entry").file_name());
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            is_page.then(|| path.to_str().expect("text").to_owned())
        })
    });
    pages.collect()
}

#[test]
fn no_page_with_rust_in_it_is_left_out() {
    let leptos = read("crates/driftless-leptos/src/lib.rs");
    let client = read("crates/driftless-client/src/lib.rs");
    for page in pages() {
        let text = read(&page);
        let has_rust = text
            .lines()
            .any(|line| line.trim_start().starts_with("```rust"));
        let here = PAGES.contains(&page.as_str());
        let component = page.strip_prefix("docs/components/");
        let there = component.is_some_and(|name| leptos.contains(&format!("\"{name}\"")));
        let there = there || client.contains(&format!("../../../{page}"));
        assert_eq!(has_rust, here || there, "{page} has Rust: {has_rust}");
    }
}

/// The names in the second column of the row that a name begins.
fn row(text: &str, name: &str) -> Vec<String> {
    let start = format!("| `{name}` |");
    let line = text.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("the quick reference has no row for {name}"));
    let column = line.split('|').nth(2).expect("a second column");
    let mut names: Vec<_> = column
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

fn is_name(name: &str) -> bool {
    name.chars()
        .all(|character| character.is_ascii_lowercase() || character == '_')
}

#[test]
fn the_quick_reference_has_every_property_of_every_component() {
    let text = read("docs/quick-reference.md");
    let listed = read("crates/driftless-leptos/src/lib.rs");
    let (_, listed) = listed
        .split_once("const PAGES")
        .expect("the list of components");
    // `include_str!("FILE"),` and `"COMPONENT",` take turns with the page.
    let quoted: Vec<_> = listed
        .split("];")
        .next()
        .unwrap_or_default()
        .split('"')
        .collect();
    let components = quoted.chunks(6).filter(|chunk| chunk.len() == 6);
    let mut count = 0;
    for (file, component) in components.map(|chunk| (chunk[1], chunk[3])) {
        count += 1;
        let source = read(&format!("crates/driftless-leptos/src/{file}"));
        let (_, rest) = source
            .split_once(&format!("pub fn {component}("))
            .expect("the component");
        let (list, _) = rest.split_once(") -> impl IntoView").expect("its end");
        let named = list.lines().filter_map(|line| line.trim().split_once(": "));
        let named = named.map(|(name, _)| name).filter(|name| is_name(name));
        let mut expected: Vec<_> = named.filter(|name| *name != "children").collect();
        expected.sort_unstable();
        assert_eq!(row(&text, component), expected, "{component}");
    }
    assert!(count > 7, "the list was read: {count} components");
}

#[test]
fn the_quick_reference_has_everything_of_every_handle() {
    let text = read("docs/quick-reference.md");
    for (hook, handle, file) in [
        ("use_websocket", "UseWebsocket", "hooks/websocket.rs"),
        (
            "use_realtime_updates",
            "UseRealtimeUpdates",
            "hooks/realtime_updates.rs",
        ),
        (
            "use_background_sync",
            "UseBackgroundSync",
            "hooks/background_sync.rs",
        ),
        ("try_use_realtime", "RealtimeContext", "context.rs"),
        (
            "try_use_widget",
            "WidgetContext",
            "components/widget/handle.rs",
        ),
        ("try_use_toasts", "Toasts", "toast.rs"),
    ] {
        let source = read(&format!("crates/driftless-leptos/src/{file}"));
        let mut expected = members(&source, handle);
        expected.sort();
        assert_eq!(row(&text, hook), expected, "{hook}");
    }
}

/// The public fields and methods of a type.
fn members(source: &str, name: &str) -> Vec<String> {
    let headers = ["pub struct ", "impl ", "impl<K: Kind> "];
    let (mut is_inside, mut found) = (false, Vec::new());
    for line in source.lines() {
        let named = headers
            .iter()
            .find_map(|header| line.strip_prefix(header)?.strip_prefix(name));
        if let Some(rest) = named {
            is_inside = rest.starts_with([' ', '<']) && rest.ends_with('{');
        } else if line == "}" {
            is_inside = false;
        }
        let member = line.strip_prefix("    pub ").filter(|_| is_inside);
        let member = member.map(|member| member.trim_start_matches("fn "));
        let member = member.and_then(|member| member.split([':', '(', '<']).next());
        found.extend(member.filter(|member| is_name(member)).map(str::to_owned));
    }
    found
}

#[test]
fn every_type_of_the_quick_reference_is_public() {
    let text = read("docs/quick-reference.md");
    let (_, table) = text.split_once("## Types").expect("the table of types");
    let (table, _) = table.split_once("## A whole edit").expect("its end");
    let mut count = 0;
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let mut columns = line.split('|').skip(1);
        let names = columns
            .next()
            .unwrap_or_default()
            .split('`')
            .skip(1)
            .step_by(2);
        let places = columns
            .next()
            .unwrap_or_default()
            .split('`')
            .skip(1)
            .step_by(2);
        let crates: Vec<_> = places
            .filter(|place| place.starts_with("driftless_"))
            .collect();
        let sources = crates.iter().map(|place| {
            let name = place.split("::").next().unwrap_or_default();
            read(&format!("crates/{}/src/lib.rs", name.replace('_', "-")))
        });
        let sources: String = sources.collect();
        for name in names {
            // `view` and `realtime_config` are modules of the sync crate, handed on whole.
            let handed_on = sources.contains(name)
                || ["Preset", "Connection"].contains(&name) && sources.contains("realtime_config");
            assert!(handed_on, "{name} is not public in {crates:?}");
            count += 1;
        }
    }
    assert!(count > 30, "the table was read: {count} types");
}

#[test]
fn every_component_is_in_the_gallery_and_on_the_pages() {
    let public = read("api/driftless-leptos.txt");
    let gallery = read("apps/gallery/src/pages/mod.rs");
    let reference = read("docs/quick-reference.md");
    let names = public.lines().filter_map(|line| {
        let name = line.strip_prefix("pub fn driftless_leptos::")?;
        let (name, _) = name.split_once('(')?;
        let is_component = name.starts_with(char::is_uppercase) && !name.contains(':');
        is_component.then_some(name)
    });
    let mut count = 0;
    for name in names {
        count += 1;
        // What the others show without a provider, which the gallery has among their states.
        let is_state = name == "MissingProvider";
        let is_shown = gallery.contains(name) || is_state;
        assert!(is_shown, "the gallery lacks {name}");
        let written = format!("`{name}`");
        assert!(reference.contains(&written), "the reference lacks {name}");
    }
    assert!(count > 7, "the list was read: {count} components");
}

#[test]
fn every_example_is_named_where_somebody_looks_for_one() {
    let examples = fs::read_dir(root().join("examples")).expect("a folder");
    let (index, map) = (read("docs/README.md"), read("ARCHITECTURE.md"));
    for example in examples {
        let name = example.expect("an entry").file_name();
        let name = name.to_str().expect("text");
        assert!(
            index.contains(&format!("[{name}]")),
            "docs/README.md lacks {name}"
        );
        assert!(map.contains(name), "ARCHITECTURE.md lacks {name}");
    }
}

#[test]
fn no_page_is_a_stub() {
    for page in pages() {
        // The site's contents are links.
        if page == "docs/SUMMARY.md" {
            continue;
        }
        let text = read(&page);
        let words = text.split_whitespace().count();
        assert!(
            words > 100 || page == "CHANGELOG.md",
            "{page} has {words} words"
        );
        let lower = text.to_lowercase();
        for promise in ["to be written", "coming soon", "tbd", "lorem ipsum"] {
            assert!(!lower.contains(promise), "{page} says: {promise}");
        }
    }
}
