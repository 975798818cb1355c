//! The application before: a widget over a signal. What one person does nobody else sees, and a
//! reload forgets it.
#![forbid(unsafe_code)]
// A component's properties are owned: the builder that `view!` calls moves them in.
#![allow(clippy::needless_pass_by_value)]

mod dial;

use leptos::prelude::*;

use crate::dial::Dial;

fn main() {
    leptos::mount::mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    view! {
        <main>
            <h1>"The hall"</h1>
            <Heating />
        </main>
    }
}

#[component]
fn Heating() -> impl IntoView {
    let target = RwSignal::new(20.0);
    view! { <Dial degrees=target on_change=move |degrees| target.set(degrees) /> }
}
