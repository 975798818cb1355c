//! `driftless token`, `user`, `role` and `audit`: who may sign in and what they may do.

mod options;
mod answer;

use std::future::Future;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use driftless_model::{BoardId, IdError, Role, UserId};
use driftless_server::auth::{LINK_MARK, Secret};
use driftless_store::server::{AccountError, Accounts, Grant, NewToken, StoreError};
use serde_json::json;

use crate::data::{self, Common, DataError};
use crate::table::time;

use options::{CreateOptions, HERE, Place, SetOptions, ShareOptions, WithdrawOptions};

pub use options::{AuditOptions, RoleCommand, TokenCommand, UserCommand};

/// Why nothing was changed or shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The accounts refuse it.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing yet to list or change, or the data folder cannot be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The name of a share link is none.
    #[error(transparent)]
    Name(#[from] IdError),
    /// There was nothing to take back.
    #[error("no such role was given; `driftless role list` names them")]
    NoGrant,
    /// There is no such board to delete.
    #[error("there is no board {0}; `driftless boards` names them")]
    NoBoard(BoardId),
    /// It was not deleted, so that there is no name to give free.
    #[error("no board {0} was deleted; `driftless audit` names those that were")]
    NotDeleted(BoardId),
    /// Nobody is there to be asked.
    #[error("{0} would be deleted for good; give --yes if that is meant")]
    NotAsked(BoardId),
    /// They thought better of it.
    #[error("nothing was deleted")]
    NotMeant,
    /// The answer cannot be written, or there is no runtime.
    #[error("the answer cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl AccountsError {
    /// 2 for what the caller can put right on the command line, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Account(AccountError::Store(_)) | Self::Store(_) | Self::Io(_) => 1,
            _ => 2,
        }
    }
}

/// What a command comes to.
pub type Done = Result<(), AccountsError>;

/// `driftless token`.
pub fn token(command: &TokenCommand) -> Done {
    match command {
        TokenCommand::Create(options) => with_new(&options.common, async |accounts| {
            create(&accounts, options).await
        }),
        TokenCommand::Share(options) => with_new(&options.common, async |accounts| {
            share(&accounts, options).await
        }),
        TokenCommand::List(common) => with(common, async |accounts| {
            let tokens = accounts.tokens().await?;
            Ok(answer::of_tokens(&tokens, now_ms()).print(common.json)?)
        }),
        TokenCommand::Revoke(options) => with(&options.common, async |accounts| {
            let revoked = accounts.revoke(options.number, &actor()).await?;
            let number = options.number;
            let state = if revoked {
                "counts no more"
            } else {
                "was revoked before"
            };
            say(&format!("Token {number} {state}."), &options.common)
        }),
    }
}

/// `driftless user`.
pub fn user(command: &UserCommand) -> Done {
    match command {
        UserCommand::List(common) => with(common, async |accounts| {
            let users = accounts.users().await?;
            Ok(answer::of_users(&users).print(common.json)?)
        }),
        UserCommand::Remove(options) => with(&options.common, async |accounts| {
            accounts.remove_user(&options.name, &actor()).await?;
            let name = &options.name;
            let done = format!("{name} has no token and no role any more.");
            say(&done, &options.common)
        }),
    }
}

/// `driftless role`.
pub fn role(command: &RoleCommand) -> Done {
    match command {
        RoleCommand::List(common) => with(common, async |accounts| {
            let grants = accounts.grants().await?;
            Ok(answer::of_grants(&grants).print(common.json)?)
        }),
        RoleCommand::Set(options) => with_new(&options.common, async |accounts| {
            set_role(&accounts, options).await
        }),
        RoleCommand::Withdraw(options) => with(&options.common, async |accounts| {
            withdraw(&accounts, options).await
        }),
    }
}

/// `driftless audit`.
pub fn audit(options: &AuditOptions) -> Done {
    with(&options.common, async |accounts| {
        let end = accounts.audit_end().await?;
        let above = end.saturating_sub(options.last.into());
        let lines = accounts.audit(above, options.last).await?;
        Ok(answer::of_audit(&lines).print(options.common.json)?)
    })
}

/// The accounts of a folder that has some.
pub fn with<F: Future<Output = Done>>(common: &Common, act: impl FnOnce(Accounts) -> F) -> Done {
    run(&data::existing(&common.folder.data)?, act)
}

/// The accounts of a folder, made where there is none: before the first start there is somebody to
/// let in.
fn with_new<F: Future<Output = Done>>(common: &Common, act: impl FnOnce(Accounts) -> F) -> Done {
    let folder = &common.folder.data;
    data::make(folder)?;
    run(&data::boards(folder), act)
}

fn run<F: Future<Output = Done>>(file: &Path, act: impl FnOnce(Accounts) -> F) -> Done {
    data::runtime()?.block_on(async {
        let accounts = Accounts::open(file).await?;
        let done = act(accounts.clone()).await;
        accounts.close().await;
        done
    })
}

async fn create(accounts: &Accounts, options: &CreateOptions) -> Done {
    let secret = Secret::random();
    let new = NewToken {
        hash: secret.hash(),
        user: options.name.clone(),
        is_link: false,
        role: options.role.map(|role| (options.board.clone(), role)),
        expires_ms: options.expires.0.map(ends_ms),
    };
    let number = accounts.add_token(&new, &actor()).await?;
    let link = link(&options.place, options.board.as_ref(), &secret);
    show(&new, number, &secret, &link, options.common.json)
}

async fn share(accounts: &Accounts, options: &ShareOptions) -> Done {
    let secret = Secret::random();
    let name = options
        .name
        .as_ref()
        .map_or(options.board.as_str(), UserId::as_str);
    let new = NewToken {
        hash: secret.hash(),
        user: UserId::new(format!("{name}{LINK_MARK}"))?,
        is_link: true,
        role: Some((Some(options.board.clone()), options.role)),
        expires_ms: options.expires.0.map(ends_ms),
    };
    let number = accounts.add_token(&new, &actor()).await?;
    let link = link(&options.place, Some(&options.board), &secret);
    show(&new, number, &secret, &link, options.common.json)
}

/// The link on standard output, what else there is to say on standard error.
fn show(new: &NewToken, number: u64, secret: &Secret, link: &str, is_json: bool) -> Done {
    let expires = new.expires_ms.map(time);
    let mut out = io::stdout().lock();
    if is_json {
        let answer = json!({
            "number": number,
            "user": new.user,
            "token": secret.expose(),
            "link": link,
            "expires": expires,
        });
        return Ok(writeln!(out, "{answer}")?);
    }
    let (user, role) = (&new.user, new.role.as_ref());
    let role = role.map_or(String::new(), |(board, role)| {
        format!(", {role} of {}", place_of(board.as_ref()))
    });
    let expires = expires.unwrap_or_else(|| "it is revoked".to_owned());
    eprintln!("Token {number}: {user}{role}, until {expires}. Whoever has this link is {user}:");
    writeln!(out, "{link}")?;
    if link.starts_with(HERE) {
        eprintln!(
            "It opens on this machine only. For others put the server's own address in the place \
             of {HERE}, and give it as --url the next time."
        );
    }
    Ok(())
}

fn link(place: &Place, board: Option<&BoardId>, secret: &Secret) -> String {
    let url = place.url.trim_end_matches('/');
    let path = board.map_or(String::new(), |board| format!("b/{board}"));
    format!("{url}/{path}#token={}", secret.expose())
}

async fn set_role(accounts: &Accounts, options: &SetOptions) -> Done {
    let grant = Grant {
        user: options.whom.name.clone(),
        board: options.board.clone(),
        role: options.role,
    };
    accounts.set_role(&grant, &actor()).await?;
    let whom = whom(grant.user.as_ref());
    let place = place_of(grant.board.as_ref());
    let done = match grant.role {
        Role::None => format!("{whom} may not read {place}."),
        role => format!("{whom}: {role} of {place}."),
    };
    say(&done, &options.common)
}

async fn withdraw(accounts: &Accounts, options: &WithdrawOptions) -> Done {
    let (user, board) = (options.whom.name.as_ref(), options.board.as_ref());
    if !accounts.withdraw_role(user, board, &actor()).await? {
        return Err(AccountsError::NoGrant);
    }
    let (whom, place) = (whom(user), place_of(board));
    let done = format!("{whom}: the role on {place} is taken back.");
    say(&done, &options.common)
}

fn whom(user: Option<&UserId>) -> String {
    user.map_or("Everybody who signs in".to_owned(), UserId::to_string)
}

fn place_of(board: Option<&BoardId>) -> String {
    board.map_or("every board".to_owned(), BoardId::to_string)
}

pub fn say(text: &str, common: &Common) -> Done {
    let told = if common.json {
        json!({ "done": text }).to_string()
    } else {
        text.to_owned()
    };
    Ok(writeln!(io::stdout(), "{told}")?)
}

/// Who does it, for the audit log: as far as the system says.
pub fn actor() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].map(|name| std::env::var(name).ok());
    let name = names.into_iter().flatten().find(|name| !name.is_empty());
    let name = name.unwrap_or_else(nameless);
    format!("{name} at the command line")
}

/// Services and containers often have a number and no name.
#[cfg(target_os = "linux")]
fn nameless() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

#[cfg(not(target_os = "linux"))]
fn nameless() -> String {
    "somebody".to_owned()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since_ms = since.map_or(0, |since| since.as_millis());
    u64::try_from(since_ms).unwrap_or(u64::MAX)
}

fn ends_ms(lifetime: std::time::Duration) -> u64 {
    let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
    now_ms().saturating_add(lifetime_ms)
}
