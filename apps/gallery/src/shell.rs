//! The page around the pages: their list, the theme, the source.

use driftless_leptos::erased::{effect, handler, keyed, reactive};
use leptos::html::Nav;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use leptos::web_sys::HtmlElement;

use crate::pages::{PAGES, Page};

/// How much of the line is left in sight before the page that is shown, in pixels.
const BEFORE_PX: i32 = 72;

/// The gallery.
#[component]
pub fn Gallery() -> impl IntoView {
    let shown = RwSignal::new(of_address());
    let listener = window_event_listener_untyped("hashchange", move |_| shown.set(of_address()));
    on_cleanup(move || listener.remove());
    let links = PAGES.iter().enumerate().map(|(index, page)| {
        let current = reactive(move || (shown.get() == index).then_some("page"));
        view! {
            <li><a href=format!("#{}", page.slug) aria-current=current>{page.name}</a></li>
        }
    });
    let list = NodeRef::<Nav>::new();
    effect(move || {
        let slug = PAGES[shown.get()].slug;
        if let Some(list) = list.get() {
            bring_into_view(&list, slug);
        }
    });
    // Made anew for each: elements that were left as they are would stay open, or scrolled.
    let article = keyed(
        move || vec![shown.get()],
        ToString::to_string,
        |index| show(&PAGES[index]),
    );
    view! {
        <header class="gallery-bar">
            <h1>"Driftless components"</h1>
            <Theme />
        </header>
        <div class="gallery">
            <nav aria-label="Components" node_ref=list><ul>{links.collect_view()}</ul></nav>
            <main>{article}</main>
        </div>
    }
}

/// Where the list is one line, it is scrolled to the page that is shown, with the end of the name
/// before it in sight: there are more.
fn bring_into_view(list: &HtmlElement, slug: &str) {
    let link = list.query_selector(&format!("a[href='#{slug}']"));
    let link = link.ok().flatten();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        list.set_scroll_left(link.offset_left() - BEFORE_PX);
    }
}

/// The page that the address names; the first where it names none.
fn of_address() -> usize {
    let hash = window().location().hash().unwrap_or_default();
    let slug = hash.trim_start_matches('#');
    let found = PAGES.iter().position(|page| page.slug == slug);
    found.unwrap_or_default()
}

fn show(page: &'static Page) -> AnyView {
    document().set_title(&format!("{} · Driftless", page.name));
    view! {
        <article data-testid="page" data-page=page.slug>
            <h2>{page.name}</h2>
            <p class="lead">{page.about}</p>
            {(page.view)()}
            <details class="source">
                <summary>"Source of the example"</summary>
                <pre tabindex="0" aria-label="Source"><code>{page.source}</code></pre>
            </details>
        </article>
    }
    .into_any()
}

/// Dark, light, or as the system has it.
#[component]
fn Theme() -> impl IntoView {
    const THEMES: [&str; 3] = ["system", "dark", "light"];
    let theme = RwSignal::new(0_usize);
    effect(move || {
        let Some(root) = document().document_element() else {
            return;
        };
        // Neither fails for a name like this.
        let _ = match THEMES[theme.get()] {
            "system" => root.remove_attribute("data-theme"),
            chosen => root.set_attribute("data-theme", chosen),
        };
    });
    let buttons = THEMES.iter().enumerate().map(|(index, name)| {
        let pressed = reactive(move || (theme.get() == index).to_string());
        view! {
            <button type="button" class="button" aria-pressed=pressed
                data-testid=format!("theme-{name}")
                on:click=handler(move |_| theme.set(index))>{*name}</button>
        }
    });
    view! { <div class="themes" role="group" aria-label="Theme">{buttons.collect_view()}</div> }
}
