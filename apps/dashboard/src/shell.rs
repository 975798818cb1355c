//! The page itself: whether this device keeps a copy that opens without a server, and whether a
//! newer build is there. `shell.js` finds out and says so on the document.

use driftless_leptos::RealtimeContext;
use driftless_leptos::erased::{When, changing, effect, handler, memo};
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use crate::browser;

/// What `shell.js` tells with.
const NEWS: &str = "driftless-shell";
/// What it listens for: the server answers again, and may have another build.
const ONLINE: &str = "driftless-online";

/// Whether the page opens without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageCopy {
    /// Not known yet.
    Unknown,
    /// It does.
    Kept,
    /// The browser did not take it.
    Failed,
    /// Browsers keep one only for pages that came over HTTPS, or from this machine.
    Insecure,
}

impl PageCopy {
    fn named(name: Option<&str>) -> Self {
        match name {
            Some("kept") => Self::Kept,
            Some("failed") => Self::Failed,
            Some("insecure") => Self::Insecure,
            _ => Self::Unknown,
        }
    }

    /// What the indicator's details say.
    fn words(self) -> &'static str {
        match self {
            Self::Unknown => "being prepared",
            Self::Kept => "works on this device",
            Self::Failed => "not possible: the browser keeps no copy of this page",
            Self::Insecure => "reloading offline needs HTTPS",
        }
    }
}

/// What is known about the page itself.
#[derive(Clone, Copy)]
pub struct Shell {
    copy: RwSignal<PageCopy>,
    has_newer: RwSignal<bool>,
}

impl Shell {
    /// Follows what `shell.js` says, for as long as the caller's owner lives.
    pub fn watch(realtime: RealtimeContext) -> Self {
        let shell = Self {
            copy: RwSignal::new(PageCopy::Unknown),
            has_newer: RwSignal::new(false),
        };
        shell.read();
        let listener = window_event_listener_untyped(NEWS, move |_| shell.read());
        on_cleanup(move || listener.remove());
        look_for_a_newer_build(realtime);
        shell
    }

    fn read(self) {
        let copy = said("data-shell");
        self.copy.set(PageCopy::named(copy.as_deref()));
        self.has_newer.set(said("data-newer").is_some());
    }

    /// For the indicator's details.
    pub fn facts(self) -> Signal<Vec<(String, String)>> {
        let page = browser::page_build();
        Signal::derive(move || {
            let reload = self.copy.get().words();
            let facts = [("Reload offline", reload), ("Page", &page)];
            facts
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        })
    }
}

fn said(attribute: &str) -> Option<String> {
    let page = document().document_element()?;
    page.get_attribute(attribute)
}

/// A server that was started anew may have brought another build.
fn look_for_a_newer_build(realtime: RealtimeContext) {
    let is_online = memo(move || realtime.status.with(|status| is_online(&status.connection)));
    effect(move || {
        if is_online.get()
            && let Ok(event) = web_sys::Event::new(ONLINE)
        {
            // Nobody cancels it.
            let _ = browser::window().dispatch_event(&event);
        }
    });
}

fn is_online(connection: &Connection) -> bool {
    matches!(connection, Connection::Online { .. })
}

/// Bars across the full width: a newer build is there; or the server is away, and this page would
/// not come back from a reload.
#[component]
pub fn ShellNotice() -> impl IntoView {
    let shell = expect_context::<Shell>();
    let realtime = expect_context::<RealtimeContext>();
    let is_away = memo(move || realtime.status.with(|status| is_away(&status.connection)));
    let would_be_lost = move || {
        let is_copied = matches!(shell.copy.get(), PageCopy::Kept | PageCopy::Unknown);
        is_away.get() && !is_copied && realtime.loaded.get()
    };
    view! {
        <When is=move || shell.has_newer.get()>
            <div class="notice" role="status" data-part="shell-notice" data-testid="newer-build">
                <span data-part="notice-text">
                    "A new version is ready. This page goes on as it is; reload it when you like."
                </span>
                <button type="button" class="button" data-testid="reload"
                    on:click=handler(|_| reload())>
                    "Reload"
                </button>
            </div>
        </When>
        <When is=would_be_lost>
            <div class="notice" role="status" data-part="shell-notice" data-testid="keep-open">
                <span data-part="notice-text">{changing(move || keep_open(shell.copy.get()))}</span>
            </div>
        </When>
    }
}

fn is_away(connection: &Connection) -> bool {
    matches!(connection, Connection::Waiting { .. } | Connection::Offline)
}

fn keep_open(copy: PageCopy) -> String {
    let reason = match copy {
        PageCopy::Insecure => "Reloading offline needs HTTPS",
        _ => "The browser keeps no copy of this page",
    };
    format!("{reason}: keep this page open until the server answers.")
}

fn reload() {
    // A page that cannot be reloaded goes on as it is.
    let _ = browser::window().location().reload();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_reloading_offline_needs_https_details_and_bar_say_so() {
        assert_eq!(PageCopy::named(Some("insecure")), PageCopy::Insecure);
        assert_eq!(PageCopy::Insecure.words(), "reloading offline needs HTTPS");
        let bar = keep_open(PageCopy::Insecure);
        assert!(
            bar.starts_with("Reloading offline needs HTTPS: keep this page open"),
            "{bar}"
        );
    }

    #[test]
    fn what_is_not_known_yet_is_not_promised() {
        assert_eq!(PageCopy::named(None), PageCopy::Unknown);
        assert_eq!(
            PageCopy::named(Some("kept")).words(),
            "works on this device"
        );
        assert_ne!(PageCopy::named(Some("soon")), PageCopy::Kept);
    }
}
