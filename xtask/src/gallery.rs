//! `cargo xtask gallery`: every component in every state, on this machine.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use clap::Args;

use crate::demo::{self, Serving};
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::{app, web};

/// The options of `cargo xtask gallery`.
#[derive(Debug, Args)]
pub struct GalleryOptions {
    /// The port on this machine.
    #[arg(long, default_value_t = 4748)]
    port: u16,
    /// Don't open the browser.
    #[arg(long)]
    no_open: bool,
}

/// Builds, serves and stays until Ctrl-C.
pub fn run(repo: &Repo, options: &GalleryOptions) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    demo::ensure_free(address)?;
    let stop = demo::stop_requests()?;
    let wasm = WasmTarget::ensure(repo)?;
    println!("Building the gallery, and a server for it (minutes the first time)");
    let (web, server) = (web::build_gallery(repo, &wasm)?, app::build_server(repo)?);
    let serving = Serving {
        server: &server,
        web: &web,
        address,
        data: &repo.target().join("gallery-data"),
        more: &["--no-host-metrics"],
        no_open: options.no_open,
    };
    serving.run(&stop, |url| println!("Ready: {url}  Ctrl-C stops it"))
}
