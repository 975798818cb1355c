//! The app: reads the address, and shows the board that it names.

use driftless_client::ClientError;
use driftless_leptos::DashboardRealtimeProvider;
use leptos::prelude::*;

use crate::address::Address;
use crate::board::page::BoardPage;
use crate::browser;
use crate::theme::ShownTheme;
use crate::visitor::Visitor;

/// The app.
#[component]
pub fn App() -> impl IntoView {
    provide_context(ShownTheme::load());
    match read_address() {
        Ok(address) => view! { <Board address /> }.into_any(),
        Err(reason) => view! { <NoBoard reason /> }.into_any(),
    }
}

#[component]
fn Board(address: Address) -> impl IntoView {
    let visitor = Visitor::arrive(&address);
    provide_context(visitor);
    let on_error = Callback::new(move |error: ClientError| {
        leptos::logging::warn!("{error}");
    });
    view! {
        <DashboardRealtimeProvider ws_url=format!("{}rt", browser::base_path()) board=address.board.as_str().to_owned()
            namespace=address.namespace() token=visitor.token()
            is_token_kept=!visitor.signs_in() on_error>
            <BoardPage has_account=address.has_account />
        </DashboardRealtimeProvider>
    }
}

#[component]
fn NoBoard(reason: String) -> impl IntoView {
    view! {
        <main class="board-message">
            <h1>"There is no such board"</h1>
            <p class="muted">{reason}</p>
            <a class="button" data-kind="primary" href=browser::base_path()>"Open the first board"</a>
        </main>
    }
}

fn read_address() -> Result<Address, String> {
    let location = browser::window().location();
    let path = location.pathname().unwrap_or_default();
    let path = js_sys::decode_uri_component(&path).map_or(path, String::from);
    let base = browser::base_path();
    let search = location.search().unwrap_or_default();
    let parameters = web_sys::UrlSearchParams::new_with_str(&search).ok();
    let parameter = |name: &str| parameters.as_ref().and_then(|found| found.get(name));
    let address = Address::new(&base, &path, parameter("replica"), parameter("name"));
    let address = address.map_err(|error| error.to_string())?;
    Ok(address.with_account(parameter("account").is_some()))
}
