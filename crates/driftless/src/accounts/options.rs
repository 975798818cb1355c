//! What `driftless token`, `user`, `role` and `audit` take.

use std::time::Duration;

use clap::{Args, Subcommand};
use driftless_model::{BoardId, Role, UserId};
use driftless_server::auth::{LINK_MARK, is_link_name};

use crate::data::Common;

/// `driftless token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for a person, and print the link that signs them in.
    ///
    /// The person is made where there is none of that name. The token is in the fragment of the
    /// link, which browsers send to no server, and is printed this once: what is kept is its hash.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateOptions),
    /// Make a link to one board that anybody may use who has it.
    #[command(after_help = SHARE_EXAMPLES)]
    Share(ShareOptions),
    /// List all tokens and share links.
    List(Common),
    /// Revoke a token or a share link: whoever uses it is signed out within a second.
    Revoke(RevokeOptions),
}

const CREATE_EXAMPLES: &str = "\
Examples:
  driftless token create --name Ann --role owner --url https://boards.example.org
  driftless token create --name Bo --role editor --board plant --expires 7d
  driftless token create --name Ann          # another one; Ann keeps her role
  TOKEN=$(driftless token create --name ci --role viewer --json | jq -r .token)";

const SHARE_EXAMPLES: &str = "\
Examples:
  driftless token share --board plant --role viewer --name 'Wall screen' --expires never
  driftless token share --board plant --role editor --expires 12h";

/// Where links lead when nobody says where: to a server on this machine.
pub const HERE: &str = "http://127.0.0.1:4747";

/// Where the link leads.
#[derive(Debug, Args)]
pub struct Place {
    /// The address of the server as browsers see it.
    #[arg(
        long,
        value_name = "URL",
        default_value = HERE,
        env = "DRIFTLESS_URL"
    )]
    pub url: String,
}

/// `driftless token create`.
#[derive(Debug, Args)]
pub struct CreateOptions {
    /// Whose token it is: the name that others see beside their edits.
    #[arg(long, value_parser = person)]
    pub name: UserId,
    /// What they may do: viewer, editor or owner. Not needed for who has a role already.
    #[arg(long, value_parser = given_role)]
    pub role: Option<Role>,
    /// The board that the role is on; without it, every board.
    #[arg(long, requires = "role")]
    pub board: Option<BoardId>,
    /// How long the token counts: `12h`, `7d`, `1year` or `never`.
    #[arg(long, default_value = "30d", value_parser = lifetime)]
    pub expires: Lifetime,
    /// Where the link leads.
    #[command(flatten)]
    pub place: Place,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless token share`.
#[derive(Debug, Args)]
pub struct ShareOptions {
    /// The board.
    #[arg(long)]
    pub board: BoardId,
    /// What whoever has the link may do: viewer or editor.
    #[arg(long, value_parser = shared_role)]
    pub role: Role,
    /// What others see beside its edits, with "(link)" behind it. Named after the board without it.
    #[arg(long, value_parser = person)]
    pub name: Option<UserId>,
    /// How long the link counts: `12h`, `7d`, `1year` or `never`.
    #[arg(long, default_value = "7d", value_parser = lifetime)]
    pub expires: Lifetime,
    /// Where the link leads.
    #[command(flatten)]
    pub place: Place,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless token revoke`.
#[derive(Debug, Args)]
pub struct RevokeOptions {
    /// The number of the token, as `driftless token list` shows it.
    pub number: u64,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List everybody who was given a token.
    List(Common),
    /// Revoke all tokens of somebody and take back their roles. What they wrote stays.
    Remove(RemoveOptions),
}

/// `driftless user remove`.
#[derive(Debug, Args)]
pub struct RemoveOptions {
    /// Who.
    #[arg(value_parser = user)]
    pub name: UserId,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless role`.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// List the roles that were given.
    List(Common),
    /// Give somebody a role: viewer, editor, owner, or none to shut them out.
    #[command(after_help = ROLE_EXAMPLES)]
    Set(SetOptions),
    /// Take back a role that was given.
    Withdraw(WithdrawOptions),
}

const ROLE_EXAMPLES: &str = "\
The role for a person goes before the one for everybody, and of those the one on a board before the
one on every board.

Examples:
  driftless role set viewer --everybody
  driftless role set editor --name Ann --board plant
  driftless role set none --name Bo";

/// Whom a role is for.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// Somebody, whether they have a token of this server or come with a JWT.
    #[arg(long, value_parser = user)]
    pub name: Option<UserId>,
    /// Everybody who signs in, but for share links.
    #[arg(long)]
    pub everybody: bool,
}

/// `driftless role set`.
#[derive(Debug, Args)]
pub struct SetOptions {
    /// viewer, editor, owner or none.
    pub role: Role,
    /// Whom it is for.
    #[command(flatten)]
    pub whom: Whom,
    /// The board; without it, every board.
    #[arg(long)]
    pub board: Option<BoardId>,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless role withdraw`.
#[derive(Debug, Args)]
pub struct WithdrawOptions {
    /// Whom it is for.
    #[command(flatten)]
    pub whom: Whom,
    /// The board; without it, the role on every board.
    #[arg(long)]
    pub board: Option<BoardId>,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless audit`.
#[derive(Debug, Args)]
pub struct AuditOptions {
    /// How many lines, the newest.
    #[arg(long, default_value_t = 50)]
    pub last: u32,
    /// Where the accounts are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// How long a token counts; `None` is until it is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(pub Option<Duration>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    if text == "never" {
        return Ok(Lifetime(None));
    }
    match humantime::parse_duration(text) {
        Ok(duration) if !duration.is_zero() => Ok(Lifetime(Some(duration))),
        _ => Err("write 12h, 7d, 1year or never".to_owned()),
    }
}

fn user(text: &str) -> Result<UserId, String> {
    UserId::new(text.trim()).map_err(|error| error.to_string())
}

/// A name that does not look like a share link's.
fn person(text: &str) -> Result<UserId, String> {
    let user = user(text)?;
    if is_link_name(&user) {
        let mark = LINK_MARK.trim_start();
        return Err(format!("names that end in {mark:?} are for share links"));
    }
    Ok(user)
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn given_role(text: &str) -> Result<Role, String> {
    match role(text)? {
        Role::None => Err("a token without a right is none; choose viewer, editor or owner".into()),
        role => Ok(role),
    }
}

fn shared_role(text: &str) -> Result<Role, String> {
    match role(text)? {
        role @ (Role::Viewer | Role::Editor) => Ok(role),
        _ => Err("a link makes viewers or editors; choose one of these".to_owned()),
    }
}
