//! The documentation, as tests. Every block of Rust in a page is compiled, and run where it can be:
//! those of the pages below here, those of `docs/clients.md` and `docs/components` in the crates
//! that they are about. `tests/pages.rs` sees to it that no page is forgotten, and `tests/guide.rs`
//! that cargo takes the project of the integration guide.
//!
//! Commands are run by `crates/driftless/tests/binary/documents.rs`, which has the binary.
#![forbid(unsafe_code)]

macro_rules! pages {
    ($($page:ident = $file:literal;)*) => {
        /// The pages whose blocks of Rust are compiled here, from the repository's root.
        pub const PAGES: &[&str] = &[$($file),*];

        #[cfg(doctest)]
        mod blocks {
            $(#[doc = include_str!(concat!("../../../", $file))] pub struct $page;)*
        }
    };
}

pages! {
    Readme = "README.md";
    Integration = "docs/integration.md";
    QuickReference = "docs/quick-reference.md";
    Testing = "docs/testing.md";
}
