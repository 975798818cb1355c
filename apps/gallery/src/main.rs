//! The gallery: every component of the kit in every state, with its properties to change and its
//! source. Behind each is a world of its own in the page: the server's machine, two persons with
//! the real client, and a network that can be made bad (`driftless-testkit`, on the page's clock).
#![forbid(unsafe_code)]
// A component's properties are owned: the builder that `view!` calls moves them in.
#![allow(clippy::needless_pass_by_value)]

mod scene;
mod control;
mod network_panel;
mod stage;
mod examples;
mod pages;
mod shell;

fn main() {
    console_error_panic_hook::set_once();
    driftless_leptos::executor::start();
    leptos::mount::mount_to_body(shell::Gallery);
}
