//! The real binary as a child process, and people who reach it through real sockets.

mod process;
mod person;
mod skipped;

mod trusting;
mod accounts;
mod bench;
mod tls;

mod published_keys;
#[cfg(target_os = "linux")]
mod proxied;
#[cfg(target_os = "linux")]
mod nginx;
#[cfg(target_os = "linux")]
mod caddy;
mod live;
mod tail;
mod documents;

#[cfg(target_os = "linux")]
mod deletion;
mod full_disk;
mod history;
mod restart;
mod restore;
mod health;
mod secrets;
mod settings;
mod serve;
mod upgrade;
mod demo;
#[cfg(target_os = "linux")]
mod stalled;
#[cfg(target_os = "linux")]
mod synced;
