//! Who is at the page: the name they edit under, or the token they came with.

use driftless_model::UserId;
use leptos::prelude::*;

use crate::address::Address;
use crate::browser;

/// Who is at the page.
#[derive(Clone, Copy)]
pub struct Visitor {
    /// The name that they gave; kept for the next visit.
    pub name: RwSignal<Option<String>>,
    namespace: StoredValue<String>,
    guest: StoredValue<String>,
    token: StoredValue<Option<String>>,
    /// Whether they came with a token, or a name, in the address.
    signs_in: bool,
}

impl Visitor {
    /// From the address, the browser's storage, and a `#token=…` that is taken out of the
    /// address.
    pub fn arrive(address: &Address) -> Self {
        let namespace = address.namespace();
        let known = browser::stored(browser::local_storage(), &name_key(&namespace));
        let fresh = fresh_token(&namespace);
        let signs_in = fresh.is_some() || address.name.is_some();
        let kept = || browser::stored(browser::session_storage(), &token_key(&namespace));
        let visitor = Self {
            name: RwSignal::new(None),
            token: StoredValue::new(fresh.or_else(kept)),
            signs_in,
            namespace: StoredValue::new(namespace),
            guest: StoredValue::new(address.guest()),
        };
        if let Some(name) = &address.name {
            visitor.call_them(name);
        } else {
            visitor.name.set(known);
        }
        visitor
    }

    /// Keeps a name for this visit and the next.
    pub fn call_them(&self, name: &str) {
        let key = self.namespace.with_value(|namespace| name_key(namespace));
        browser::store(browser::local_storage(), &key, name);
        self.name.set(Some(name.to_owned()));
    }

    /// Whether they sign in now: otherwise another tab's sign-in counts.
    pub fn signs_in(&self) -> bool {
        self.signs_in
    }

    /// Whether an edit has an author, perhaps the user that another tab is signed in as: otherwise
    /// their name is asked for.
    pub fn is_known(&self, user: Option<&UserId>) -> bool {
        let is_guest = |user: &UserId| self.guest.with_value(|guest| guest == user.as_str());
        self.token.with_value(Option::is_some)
            || self.name.with_untracked(Option::is_some)
            || user.is_some_and(|user| !is_guest(user))
    }

    /// Takes the token of a link that is opened while the page is there: the browser changes only
    /// the fragment then. `renewed` is told what the server is to be told.
    pub fn listen(self, renewed: impl Fn(String) + 'static) {
        let listener = window_event_listener(leptos::ev::hashchange, move |_| {
            let Some(token) = self
                .namespace
                .with_value(|namespace| fresh_token(namespace))
            else {
                return;
            };
            self.token.set_value(Some(token.clone()));
            renewed(token);
        });
        on_cleanup(move || listener.remove());
    }

    /// The token that they came with, if they did.
    pub fn secret(&self) -> Option<String> {
        self.token.get_value()
    }

    /// What the server is told: a token if they came with one, else their name.
    pub fn token(&self) -> String {
        let token = self.token.get_value();
        let token = token.or_else(|| self.name.get_untracked());
        token.unwrap_or_else(|| self.guest.get_value())
    }
}

fn name_key(namespace: &str) -> String {
    format!("driftless/name/{namespace}")
}

fn token_key(namespace: &str) -> String {
    format!("driftless/token/{namespace}")
}

/// A token in the address. It is moved to the tab's storage, so that it is neither copied with the
/// address nor kept after the tab.
fn fresh_token(namespace: &str) -> Option<String> {
    let location = browser::window().location();
    let fragment = location.hash().unwrap_or_default();
    let token = fragment.strip_prefix("#token=");
    let token = token.filter(|token| !token.is_empty())?;
    let decoded = js_sys::decode_uri_component(token).ok();
    let token = decoded.map_or_else(|| token.to_owned(), String::from);
    browser::store(browser::session_storage(), &token_key(namespace), &token);
    forget_fragment();
    Some(token)
}

fn forget_fragment() {
    let location = browser::window().location();
    let path = location.pathname().unwrap_or_default();
    let search = location.search().unwrap_or_default();
    if let Ok(history) = browser::window().history() {
        let address = format!("{path}{search}");
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
}
