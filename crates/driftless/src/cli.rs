//! What the command line takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::accounts::{AuditOptions, RoleCommand, TokenCommand, UserCommand};
use crate::bench::BenchOptions;
use crate::boards::{ExportOptions, TailOptions};
use crate::data::Folder;
use crate::deletion::BoardsOptions;
use crate::doctor::DoctorOptions;
use crate::http_get::Server;
use crate::import::ImportOptions;
use crate::push::PushOptions;
use crate::sign_in::JwtOptions;

/// Live dashboards that many people edit at once, that keep working offline, and that never lose an
/// edit.
#[derive(Debug, Parser)]
#[command(version, about, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
To begin:
  driftless serve                                  # for this machine: http://127.0.0.1:4747
  driftless token create --name Ann --role owner   # whoever has no link is a stranger now
  driftless serve --listen 0.0.0.0:8080 --tls-cert cert.pem --tls-key key.pem
  driftless doctor                                 # is all well, and what to do if not

Exit codes: 0 done; 1 it failed, and may not the next time; 2 the command line, the settings or a
file that they name have to be put right first; 3 done in part (push), or the run is worth nothing
(bench: what makes the load was the limit).";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve boards and the web app.
    Serve(Box<ServeOptions>),
    /// Show the settings of `serve`, and from where each comes.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// List the boards, or delete one.
    Boards(BoardsOptions),
    /// Write a board out as JSON: its records and their values.
    Export(ExportOptions),
    /// Put an exported board into a running server, as edits.
    Import(ImportOptions),
    /// Show the newest edits of a board, and go on with `--follow`.
    Tail(TailOptions),
    /// Look over the folder, the file, who may sign in, this machine and the server.
    Doctor(DoctorOptions),
    /// Ask a server whether it can serve: code 0 if so.
    Healthcheck(Server),
    /// Print completions for a shell, such as `driftless completions bash`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Tokens and share links: who may sign in.
    ///
    /// The server may be running: what changes counts at once, also for those who are connected.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Those who were given tokens.
    ///
    /// The server may be running: what changes counts at once, also for those who are connected.
    #[command(subcommand)]
    User(UserCommand),
    /// Roles: what somebody may do on a board.
    ///
    /// The server may be running: what changes counts at once, also for those who are connected.
    #[command(subcommand)]
    Role(RoleCommand),
    /// Show what was done about sign-in and rights, and which sign-ins were refused.
    Audit(AuditOptions),
    /// Measure this server on this machine, beside the least that any server needs.
    Bench(BenchOptions),
    /// Push samples into a running server: a file, standard input or one value.
    Push(PushOptions),
    /// Copy the boards to a file, while a server runs or not.
    Backup(BackupOptions),
    /// Put a backup in the place of the boards, while no server runs. What was there is kept beside
    /// it.
    Restore(RestoreOptions),
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each setting of `serve` with its value and the layer that it comes from: the command
    /// line, the environment, the file of `--config`, or the defaults.
    Print {
        /// The settings, as `serve` takes them.
        #[command(flatten)]
        serve: Box<ServeOptions>,
        /// Answer in JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
}

/// What to copy.
#[derive(Debug, Args)]
pub struct BackupOptions {
    /// The new file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where everything is.
    #[command(flatten)]
    pub folder: Folder,
}

/// What to put back.
#[derive(Debug, Args)]
pub struct RestoreOptions {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where everything is.
    #[command(flatten)]
    pub folder: Folder,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  driftless serve --data /var/lib/driftless
  driftless serve --config /etc/driftless.toml --check-config
  driftless serve --trusted-proxy 127.0.0.1                    # behind nginx or Caddy (deploy/)
  driftless serve --jwt-key keys.json --jwt-audience boards     # the sign-in that you have";

/// How to serve.
#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeOptions {
    /// A TOML file with more settings, each under its name here without the dashes: `listen =
    /// "0.0.0.0:8080"`. The environment and the command line go before it.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Look whether the settings can be used, and end.
    #[arg(long)]
    pub check_config: bool,
    /// Where to listen. Addresses that other machines can reach demand that somebody has a token
    /// (`driftless token create`), or --insecure.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:4747",
        env = "DRIFTLESS_LISTEN"
    )]
    pub listen: SocketAddr,
    /// Where everything is.
    #[command(flatten)]
    pub folder: Folder,
    /// The most that the file of the boards may take, in MiB. Past it edits wait on their devices,
    /// as on a full disk.
    #[arg(long, value_name = "MIB", env = "DRIFTLESS_DATA_MAX")]
    pub data_max: Option<u64>,
    /// The folder of the web app, instead of the one inside this binary.
    #[arg(long, value_name = "DIR", env = "DRIFTLESS_WEB")]
    pub web: Option<PathBuf>,
    /// Who may sign in, in place of those whom `driftless token` lets in: a file with a line `token
    /// name role` for each; the role is viewer, editor or owner.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_TOKENS")]
    pub tokens: Option<PathBuf>,
    /// Who may sign in with a JWT.
    #[command(flatten)]
    pub jwt: JwtOptions,
    /// Let everybody who can reach the server read and edit everything, whatever tokens there are.
    #[arg(long, conflicts_with_all = ["tokens", "jwt_secret", "jwt_key", "jwt_jwks"])]
    pub insecure: bool,
    /// Let the page `/demo` kill this server, to see what becomes of what was being edited. Only
    /// where no other machine reaches it. Whoever started it has to start it again, as `cargo xtask
    /// demo` does.
    #[arg(long)]
    pub demo: bool,
    /// The path before everything, such as `/boards`, where a proxy hands on only that.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "",
        value_parser = base_path,
        env = "DRIFTLESS_BASE_PATH"
    )]
    pub base_path: String,
    /// Speak TLS with this certificate and its chain: a PEM file. Once it is renewed, new
    /// connections have that one.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "DRIFTLESS_TLS_CERT"
    )]
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate: a PEM file.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        env = "DRIFTLESS_TLS_KEY"
    )]
    pub tls_key: Option<PathBuf>,
    /// A web page of another host that may connect, such as `https://boards.example.org` in front of
    /// a proxy. Can be given several times.
    #[arg(
        long,
        value_name = "ORIGIN",
        value_delimiter = ',',
        env = "DRIFTLESS_ALLOW_ORIGIN"
    )]
    pub allow_origin: Vec<String>,
    /// A reverse proxy that is believed about where requests come from (`X-Forwarded-For`): an
    /// address or a network, such as `127.0.0.1` or `10.0.0.0/8`. Can be given several times.
    #[arg(
        long,
        value_name = "ADDRESS",
        value_delimiter = ',',
        env = "DRIFTLESS_TRUSTED_PROXY"
    )]
    pub trusted_proxy: Vec<String>,
    /// Days that samples are kept as they came.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=3_650),
        env = "DRIFTLESS_KEEP_SAMPLES"
    )]
    pub keep_samples: u16,
    /// Days that what samples come to in each minute is kept.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 14,
        value_parser = clap::value_parser!(u16).range(1..=3_650),
        env = "DRIFTLESS_KEEP_MINUTES"
    )]
    pub keep_minutes: u16,
    /// Days that what samples come to in each hour is kept.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 400,
        value_parser = clap::value_parser!(u16).range(1..=3_650),
        env = "DRIFTLESS_KEEP_HOURS"
    )]
    pub keep_hours: u16,
    /// Do not sample this machine, and make no board of it.
    #[arg(long)]
    pub no_host_metrics: bool,
    /// What to log to standard error: `info`, `debug`, `driftless_server=debug`.
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "info",
        env = "DRIFTLESS_LOG"
    )]
    pub log: String,
    /// How to log.
    #[arg(long, value_enum, default_value = "text", env = "DRIFTLESS_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// `/boards`, or nothing where the server has the host for itself.
fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte);
    if path.is_empty() || (path.starts_with('/') && path.bytes().all(is_plain)) {
        return Ok(path.to_owned());
    }
    Err("write a path such as /boards, of letters, digits and - _ . ~".to_owned())
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, with every field under its name.
    Json,
}

#[cfg(test)]
mod tests {
    use driftless_model::limits::{HOURS_KEPT_MS, MINUTES_KEPT_MS, SAMPLES_KEPT_MS};

    use super::*;

    #[test]
    fn what_is_not_said_is_what_the_limits_say() {
        let cli = Cli::try_parse_from(["driftless", "serve"]).expect("parses");
        let Command::Serve(options) = cli.command else {
            panic!("serves");
        };
        let day_ms = 86_400_000;
        assert_eq!(u64::from(options.keep_samples) * day_ms, SAMPLES_KEPT_MS);
        assert_eq!(u64::from(options.keep_minutes) * day_ms, MINUTES_KEPT_MS);
        assert_eq!(u64::from(options.keep_hours) * day_ms, HOURS_KEPT_MS);
        assert!(Cli::try_parse_from(["driftless", "serve", "--keep-hours", "0"]).is_err());
    }
}
