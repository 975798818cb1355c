//! A Rust that compiles for the browser, on machines with and without the wasm target.
//!
//! In this order: the target is installed; rustup can add it; Debian's packages for building
//! web browsers bring a compiler and the sources of its standard library (only as root). The
//! crates and commands are the same either way. What ships is built with the standard library's
//! sources wherever they can be had.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::{machine, process, split};

/// The target that browsers run.
pub const TRIPLE: &str = "wasm32-unknown-unknown";

/// The packages that run in the browser; of the examples only their pages do.
const BROWSER_CRATES: [&str; 8] = [
    "driftless-dashboard",
    "driftless-gallery",
    "driftless-leptos",
    "driftless-client",
    "driftless-store",
    "minimal",
    "existing-leptos",
    "plain-page",
];
/// What of them is only built for the browser.
const BROWSER_FEATURES: &str = "driftless-store/indexeddb,minimal/page,existing-leptos/page";

/// The standard library's own choice of what is small over what is fast.
const SMALL_STD: &str = "-Zbuild-std-features=optimize_for_size";
/// A panic tells its message and not the line of the source; what `derive(Debug)` writes is the
/// name of the variant alone. Nothing that a person reads is made of either.
const SMALL_CODE: [&str; 2] = ["-Zlocation-detail=none", "-Zfmt-debug=shallow"];
/// Loops stay as they are written, and what only some ways through a function need is computed
/// there: what LLVM makes of both is faster on few processors and more code everywhere.
const AS_WRITTEN: &str = "-Cllvm-args=-disable-lsr -enable-pre=false -enable-load-pre=false";
/// A panic tells nothing at all: it stops the page's code where it is.
const SILENT: [&str; 2] = ["-Zunstable-options", "-Cpanic=immediate-abort"];

const FORCE_FALLBACK: &str = "DRIFTLESS_WASM_FALLBACK";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_STD_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std";
const DEBIAN_LINKER: &str = "wasm-ld-19";

/// The toolchain that was found or made for the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WasmTarget {
    /// The toolchain that runs this xtask, with the target's standard library installed.
    Installed,
    /// The same toolchain, which builds the standard library itself, in its own target folder.
    FromSources {
        /// Where its builds go.
        target: PathBuf,
    },
    /// Debian's compiler, which builds the standard library itself, in its own target folder.
    Debian {
        /// Where its builds go: two compilers in one folder would build everything twice.
        target: PathBuf,
    },
}

impl WasmTarget {
    /// Finds or installs a toolchain for the browser, saying what it does.
    pub fn ensure(repo: &Repo) -> Result<Self> {
        if env::var(FORCE_FALLBACK).is_ok_and(|value| value == "1") {
            println!("{FORCE_FALLBACK}=1: building for the browser with Debian's compiler");
            return Self::debian(repo.target().join("wasm-fallback"));
        }
        if is_installed(repo) || add_with_rustup(repo) {
            return Ok(Self::Installed);
        }
        println!("The {TRIPLE} target cannot be added here; trying Debian's compiler");
        Self::debian(repo.target().join("wasm-fallback"))
    }

    /// The same for what ships: with the sources of the standard library, where the toolchain has
    /// them or rustup can add them.
    pub fn ensure_to_ship(repo: &Repo) -> Result<Self> {
        let found = Self::ensure(repo)?;
        if found != Self::Installed || !(has_std_sources(repo) || add_std_sources(repo)) {
            return Ok(found);
        }
        let target = repo.target().join("wasm-from-sources");
        Ok(Self::FromSources { target })
    }

    /// Debian's compiler, installing its packages if they are missing.
    pub fn debian(target: PathBuf) -> Result<Self> {
        if !debian_is_complete() {
            if !machine::can_install() {
                bail!(
                    "no Rust here compiles for the browser: run `rustup target add {TRIPLE}`, or \
                     as root on Debian `apt-get install {}`",
                    DEBIAN_PACKAGES.join(" ")
                );
            }
            machine::install(&DEBIAN_PACKAGES)?;
        }
        if !debian_is_complete() {
            bail!(
                "Debian's packages {} lack a part that we need",
                DEBIAN_PACKAGES.join(", ")
            );
        }
        Ok(Self::Debian { target })
    }

    /// A cargo command that builds or checks for the browser.
    pub fn cargo(&self, repo: &Repo, subcommand: &str) -> Command {
        match self {
            Self::Installed => {
                let mut command = process::cargo(repo);
                command.args([subcommand, "--target", TRIPLE]);
                command
            }
            Self::FromSources { target } => {
                let mut command = process::cargo(repo);
                build_std(&mut command, subcommand, target);
                command
            }
            Self::Debian { target } => debian_cargo(repo, target, subcommand),
        }
    }

    /// A cargo command that builds what ships for the browser: whoever splits the module is told
    /// what refers to what, and a standard library that is built here is built to be small. Where
    /// panics are `silent`, it is built without what puts them into words too.
    pub fn cargo_to_ship(&self, repo: &Repo, subcommand: &str, silent: bool) -> Command {
        let mut command = self.cargo(repo, subcommand);
        let mut flags = vec![AS_WRITTEN];
        if self.builds_std() {
            command.arg(SMALL_STD);
            flags.extend(SMALL_CODE);
            flags.extend(SILENT.iter().filter(|_| silent));
        }
        flags.push(split::RUSTFLAG);
        // Added to those of .cargo/config.toml.
        let flags = format!("target.{TRIPLE}.rustflags={flags:?}");
        command.args(["--config", &flags]);
        command
    }

    /// Whether the standard library is compiled with the app. Only then can it be made small.
    pub fn builds_std(&self) -> bool {
        *self != Self::Installed
    }

    /// The folder that holds one profile's artifacts for the browser.
    pub fn artifacts(&self, repo: &Repo, profile_folder: &str) -> PathBuf {
        let target = match self {
            Self::Installed => repo.target(),
            Self::FromSources { target } | Self::Debian { target } => target,
        };
        target.join(TRIPLE).join(profile_folder)
    }

    /// Whether clippy comes with this toolchain; Debian's has only the compiler's own warnings.
    pub fn has_clippy(&self) -> bool {
        !matches!(self, Self::Debian { .. })
    }
}

/// Chooses the libraries of everything that runs in the browser, in one resolution: what is built
/// for one command serves the next.
pub fn browser_libraries() -> impl Iterator<Item = &'static str> {
    let packages = BROWSER_CRATES.iter().flat_map(|name| ["--package", name]);
    packages.chain(["--features", BROWSER_FEATURES, "--lib"])
}

fn is_installed(repo: &Repo) -> bool {
    rustlib(repo).is_some_and(|rustlib| rustlib.join(TRIPLE).join("lib").is_dir())
}

fn has_std_sources(repo: &Repo) -> bool {
    rustlib(repo).is_some_and(|rustlib| rustlib.join("src/rust/library/std").is_dir())
}

/// Where the toolchain has its standard libraries.
fn rustlib(repo: &Repo) -> Option<PathBuf> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "sysroot"]).current_dir(repo.root());
    let sysroot = process::output_of(&mut rustc)?;
    Some(Path::new(&sysroot).join("lib/rustlib"))
}

fn add_with_rustup(repo: &Repo) -> bool {
    println!("Adding the {TRIPLE} target with rustup");
    rustup(repo, &["target", "add", TRIPLE]) && is_installed(repo)
}

fn add_std_sources(repo: &Repo) -> bool {
    println!("Adding the sources of the standard library with rustup");
    rustup(repo, &["component", "add", "rust-src"]) && has_std_sources(repo)
}

fn rustup(repo: &Repo, arguments: &[&str]) -> bool {
    if machine::find_program("rustup").is_none() {
        return false;
    }
    let mut rustup = Command::new("rustup");
    rustup.args(arguments).current_dir(repo.root());
    process::run(&mut rustup).is_ok()
}

fn debian_is_complete() -> bool {
    Path::new(DEBIAN_CARGO).is_file()
        && Path::new(DEBIAN_RUSTC).is_file()
        && Path::new(DEBIAN_STD_SOURCES).is_dir()
        && machine::find_program(DEBIAN_LINKER).is_some()
}

/// Debian's cargo is called by its path rather than linked into rustup: it works without rustup,
/// and changes nothing in the person's own set of toolchains.
fn debian_cargo(repo: &Repo, target: &Path, subcommand: &str) -> Command {
    let mut command = Command::new(DEBIAN_CARGO);
    build_std(&mut command, subcommand, target);
    command
        .current_dir(repo.root())
        .env("RUSTC", DEBIAN_RUSTC)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
    process::forget_xtask(&mut command);
    for inherited in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTDOC", "LD_LIBRARY_PATH"] {
        command.env_remove(inherited);
    }
    command
}

/// Builds the standard library with everything else. That is for nightly compilers: the variable
/// makes a released one take the flags.
fn build_std(command: &mut Command, subcommand: &str, target: &Path) {
    let arguments = [
        subcommand,
        "--target",
        TRIPLE,
        "-Zbuild-std=std,panic_abort",
    ];
    command
        .args(arguments)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", target);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(command: &Command, name: &str) -> Option<String> {
        let (_, value) = command.get_envs().find(|(key, _)| *key == name)?;
        Some(value?.to_string_lossy().into_owned())
    }

    #[test]
    fn the_fallback_builds_the_standard_library_in_its_own_folder() {
        let wasm = WasmTarget::Debian {
            target: PathBuf::from("elsewhere"),
        };
        let command = wasm.cargo(&Repo::locate(), "build");
        let arguments: Vec<_> = command
            .get_args()
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(arguments[0], "build");
        assert!(arguments.contains(&"-Zbuild-std=std,panic_abort"));
        assert_eq!(
            environment(&command, "CARGO_TARGET_DIR").as_deref(),
            Some("elsewhere")
        );
        assert_eq!(
            environment(&command, "RUSTC").as_deref(),
            Some(DEBIAN_RUSTC)
        );
    }

    #[test]
    fn what_ships_tells_what_refers_to_what_and_is_small_where_its_std_is_built() {
        let arguments = |wasm: &WasmTarget, silent: bool| -> Vec<String> {
            let command = wasm.cargo_to_ship(&Repo::locate(), "build", silent);
            let words = command.get_args().map(|word| word.to_string_lossy());
            words.map(std::borrow::Cow::into_owned).collect()
        };
        let target = PathBuf::from("elsewhere");
        let debian = WasmTarget::Debian {
            target: target.clone(),
        };
        for wasm in [debian, WasmTarget::FromSources { target }] {
            let small = arguments(&wasm, false);
            assert!(small.iter().any(|word| word == SMALL_STD), "{small:?}");
            let flags = small.last().unwrap();
            for flag in SMALL_CODE.iter().chain([&split::RUSTFLAG]) {
                assert!(flags.contains(&format!("{flag:?}")), "{flags}");
            }
            assert!(!flags.contains(SILENT[1]), "{flags}");
            let silent = arguments(&wasm, true);
            assert!(silent.last().unwrap().contains(SILENT[1]), "{silent:?}");
        }
        let flags = arguments(&WasmTarget::Installed, true);
        let flags = flags.last().unwrap();
        assert!(flags.contains(split::RUSTFLAG), "{flags}");
        assert!(
            !flags.contains("-Z") && !flags.contains(SILENT[1]),
            "a released compiler takes none: {flags}"
        );
    }

    #[test]
    fn artifacts_lie_where_the_build_put_them() {
        let wasm = WasmTarget::Debian {
            target: PathBuf::from("elsewhere"),
        };
        let folder = wasm.artifacts(&Repo::locate(), "web");
        assert_eq!(folder, Path::new("elsewhere/wasm32-unknown-unknown/web"));
    }
}
