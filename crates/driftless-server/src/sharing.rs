//! Who may do what on a board, over HTTP, for its owners: `/api/boards/BOARD/access`.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{delete, get, put};
use driftless_model::limits::{ACCESS_BYTES_MAX, ACCESS_ROWS_MAX, ACCESS_SECONDS_MAX};
use driftless_model::{BoardId, Role, UserId};
use driftless_protocol::access::{
    Access, AccessList, AccessToken, HttpAnswer, HttpRefusal, MadeAccess, NewAccess, NewRole,
};
use driftless_protocol::{Code, Codec};
use driftless_store::server::{
    AccountError, Accounts, Grant, Holder, NewToken, StoreError, TokenHash, TokenRow,
};
use serde::de::DeserializeOwned;

use crate::auth::{LINK_MARK, Secret, SignedIn, StoredAuth, is_link_name};
use crate::clock::now_ms;
use crate::driftless::Driftless;
use crate::http::{caller, no_sign_in};
use crate::proxies::Remote;
use crate::refusal::Refused;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(20);
/// The shortest that a token counts, in seconds: less is a slip of the pen.
const SECONDS_MIN: u64 = 60;
/// How many links of one name are told apart by a number.
const NAMESAKES_MAX: u32 = 20;
/// When to try again where a board has too many tokens, in seconds.
const TOO_MANY_RETRY_S: u32 = 3_600;

/// `/api/boards/BOARD/access` (docs/http.md): owners of a board see who has a role on it (`GET`),
/// make a token (`POST`), revoke one (`DELETE`, with its number behind the path), and give a person
/// another role (`PUT` to `role` behind the path). Without the accounts all of it is refused, with
/// words about where else that is decided.
pub fn sharing_router<S: Clone + Send + Sync + 'static>(
    driftless: Driftless,
    auth: Option<StoredAuth>,
) -> Router<S> {
    Router::new()
        .route("/api/boards/{board}/access", get(list).post(make))
        .route("/api/boards/{board}/access/role", put(change))
        .route("/api/boards/{board}/access/{number}", delete(revoke))
        .with_state(Sharing { driftless, auth })
}

#[derive(Clone)]
struct Sharing {
    driftless: Driftless,
    auth: Option<StoredAuth>,
}

impl FromRef<Sharing> for Driftless {
    fn from_ref(sharing: &Sharing) -> Self {
        sharing.driftless.clone()
    }
}

type Answer<T> = Result<T, Box<Response>>;

/// Who asks, once it is known that they own the board.
struct Owner<'a> {
    signed_in: SignedIn,
    accounts: &'a Accounts,
    board: BoardId,
    /// They own every board: whom they let in may be anybody.
    owns_all: bool,
    may_invite: bool,
}

impl Sharing {
    async fn owner(&self, remote: Remote, headers: &HeaderMap, board: &str) -> Answer<Owner<'_>> {
        let signed_in = caller(&self.driftless, remote, headers).await?;
        let board = BoardId::new(board);
        let board = board.map_err(|error| invalid(error.to_string()))?;
        let Some(auth) = &self.auth else {
            let detail = "who may sign in is not decided here: this server takes it from \
                          --tokens, or lets everybody in";
            return Err(Refused::new(Code::Forbidden, detail).boxed());
        };
        if auth
            .is_open_now()
            .await
            .map_err(|error| no_sign_in(&error))?
        {
            let detail = "nobody signs in here yet. Make the first owner on the server with \
                          `driftless token create --name NAME --role owner`, and open the link \
                          that it prints; then links can be made here";
            return Err(Refused::new(Code::Forbidden, detail).boxed());
        }
        let role = self.driftless.role(&signed_in.user, &board).await;
        if role.map_err(|error| no_sign_in(&error))? != Role::Owner {
            let detail = format!(
                "{} is no owner of {board}; ask one of its owners for a link",
                signed_in.user
            );
            return Err(Refused::new(Code::Forbidden, detail).boxed());
        }
        let owns_all = auth.owns_all(&signed_in.user).await;
        let owns_all = owns_all.map_err(|error| no_sign_in(&error))?;
        Ok(Owner {
            accounts: auth.accounts(),
            board,
            owns_all,
            may_invite: owns_all && !auth.takes_jwt(),
            signed_in,
        })
    }
}

/// As the audit log names them.
fn actor(signed_in: &SignedIn) -> String {
    format!("{} over HTTP", signed_in.user)
}

fn invalid(detail: impl Into<String>) -> Refused {
    Refused::new(Code::Invalid, detail)
}

fn refused(error: &AccountError) -> Refused {
    match error {
        AccountError::Store(error) => unavailable(error),
        AccountError::TooMany { .. } => {
            let refused = Refused::new(Code::RateLimited, error.to_string());
            refused.retry_after(TOO_MANY_RETRY_S)
        }
        error => invalid(error.to_string()),
    }
}

fn unavailable(error: &StoreError) -> Refused {
    tracing::warn!(%error, "a request about who may do what is answered as unavailable");
    Refused::new(Code::Unavailable, error.to_string())
}

/// Neither a browser nor a proxy keeps it.
const NOT_KEPT: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

fn takes_message_pack(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|accept| accept.as_bytes() == HttpRefusal::MESSAGE_PACK.as_bytes())
}

fn answer<T: HttpAnswer>(headers: &HeaderMap, status: StatusCode, outcome: Answer<T>) -> Response {
    match outcome {
        Ok(answer) if takes_message_pack(headers) => {
            let body = answer.to_bytes(Codec::MessagePack);
            let kind = [(header::CONTENT_TYPE, T::MESSAGE_PACK)];
            (status, NOT_KEPT, kind, body).into_response()
        }
        Ok(answer) => (status, NOT_KEPT, Json(answer)).into_response(),
        Err(refusal) => in_their_words(headers, *refusal),
    }
}

/// A refusal in the encoding that was asked for, where it is one of ours.
fn in_their_words(headers: &HeaderMap, refusal: Response) -> Response {
    let said = refusal.extensions().get::<HttpRefusal>();
    match said.filter(|_| takes_message_pack(headers)) {
        Some(said) => {
            let body = said.to_bytes(Codec::MessagePack);
            let kind = [(header::CONTENT_TYPE, HttpRefusal::MESSAGE_PACK)];
            (refusal.status(), kind, body).into_response()
        }
        None => refusal,
    }
}

async fn list(
    State(sharing): State<Sharing>,
    remote: Remote,
    Path(board): Path<String>,
    headers: HeaderMap,
) -> Response {
    let listed = listed(&sharing, remote, &headers, &board).await;
    answer(&headers, StatusCode::OK, listed)
}

async fn listed(
    sharing: &Sharing,
    remote: Remote,
    headers: &HeaderMap,
    board: &str,
) -> Answer<AccessList> {
    let owner = sharing.owner(remote, headers, board).await?;
    let accounts = owner.accounts;
    // One more of each than is told: so that it is known that there are more.
    let rows_max = ACCESS_ROWS_MAX + 1;
    let holders = accounts.holders(&owner.board, rows_max).await;
    let mut holders = holders.map_err(|error| unavailable(&error))?;
    let tokens = accounts.tokens_on(&owner.board, now_ms(), rows_max).await;
    let mut tokens = tokens.map_err(|error| unavailable(&error))?;
    let is_cut = holders.len() == rows_max || tokens.len() == rows_max;
    holders.truncate(ACCESS_ROWS_MAX);
    tokens.truncate(ACCESS_ROWS_MAX);
    let people = holders
        .into_iter()
        .map(|holder| owner.shown(holder, &tokens));
    // A link without a token that counts is nobody.
    let people = people.filter(|access| !access.is_link || !access.tokens.is_empty());
    Ok(AccessList {
        people: people.collect(),
        user: owner.signed_in.user.clone(),
        may_invite: owner.may_invite,
        is_cut,
    })
}

impl Owner<'_> {
    fn shown(&self, holder: Holder, tokens: &[TokenRow]) -> Access {
        let own = tokens
            .iter()
            .filter(|row| Some(&row.user) == holder.grant.user.as_ref());
        let token = |row: &TokenRow| {
            let is_own = self.signed_in.token == Some(row.number);
            AccessToken {
                number: row.number,
                expires_ms: row.expires_ms,
                is_own,
                may_revoke: !is_own && self.may_revoke(&holder),
            }
        };
        Access {
            may_change: self.why_not(&holder).is_none(),
            tokens: own.map(token).collect(),
            is_link: holder.is_link,
            role: holder.grant.role.name().to_owned(),
            is_everywhere: holder.grant.board.is_none(),
            user: holder.grant.user,
        }
    }

    /// Whoever owns one board revokes links to it, and what opens other boards as well not.
    fn may_revoke(&self, holder: &Holder) -> bool {
        let is_only_here = holder.grant.board.is_some() && !holder.is_elsewhere;
        self.owns_all || (holder.is_link && is_only_here)
    }
}

async fn make(
    State(sharing): State<Sharing>,
    remote: Remote,
    Path(board): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let made = made(&sharing, remote, &headers, &board, body).await;
    answer(&headers, StatusCode::CREATED, made)
}

async fn made(
    sharing: &Sharing,
    remote: Remote,
    headers: &HeaderMap,
    board: &str,
    body: Body,
) -> Answer<MadeAccess> {
    let owner = sharing.owner(remote, headers, board).await?;
    let asked: NewAccess = asked(body).await?;
    let secret = Secret::random();
    let (number, user) = owner.add(&asked, secret.hash()).await?;
    Ok(MadeAccess {
        number,
        user,
        token: secret.expose().to_owned(),
    })
}

async fn asked<T: DeserializeOwned>(body: Body) -> Answer<T> {
    let reading = axum::body::to_bytes(body, ACCESS_BYTES_MAX);
    let body = match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let detail = format!("the body has at most {ACCESS_BYTES_MAX} bytes");
            return Err(Refused::new(Code::TooLarge, detail).boxed());
        }
        Err(_) => {
            let seconds = BODY_TIME.as_secs();
            let detail = format!("the body did not come within {seconds} s; send it again");
            return Err(Refused::new(Code::Malformed, detail).boxed());
        }
    };
    serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("the body is not what docs/http.md says: {error}");
        Refused::new(Code::Malformed, detail).boxed()
    })
}

impl Owner<'_> {
    async fn add(&self, asked: &NewAccess, hash: TokenHash) -> Answer<(u64, UserId)> {
        let role = self.role(asked)?;
        let expires_ms = asked.expires_s.map(ends_ms).transpose()?;
        let name = person(&asked.name)?;
        let mut namesake = 1;
        loop {
            let user = match (asked.is_link, namesake) {
                (false, _) => Ok(name.clone()),
                (true, 1) => UserId::new(format!("{name}{LINK_MARK}")),
                (true, number) => UserId::new(format!("{name} {number}{LINK_MARK}")),
            };
            let user = user.map_err(|error| invalid(error.to_string()))?;
            let new = NewToken {
                hash,
                user: user.clone(),
                is_link: asked.is_link,
                role: Some((Some(self.board.clone()), role)),
                expires_ms,
            };
            let actor = actor(&self.signed_in);
            match self.accounts.share(&new, &self.board, &actor).await {
                Ok(number) => return Ok((number, user)),
                // A link that was revoked keeps its name, since its edits have it.
                Err(AccountError::Taken(..)) if asked.is_link && namesake < NAMESAKES_MAX => {
                    namesake += 1;
                }
                Err(error) => return Err(refused(&error).boxed()),
            }
        }
    }

    fn role(&self, asked: &NewAccess) -> Answer<Role> {
        let role = asked.role.parse::<Role>();
        let role = role.map_err(|error| invalid(error.to_string()))?;
        if !asked.is_link && !self.may_invite {
            let detail = "a token for a person is made by who owns every board, where this server \
                          knows its people; make a link instead";
            return Err(Refused::new(Code::Forbidden, detail).boxed());
        }
        match role {
            Role::None => {
                Err(invalid("a token without a right is none; choose another role").boxed())
            }
            Role::Owner if asked.is_link => {
                Err(invalid("a link makes viewers or editors; choose one of these").boxed())
            }
            role => Ok(role),
        }
    }
}

/// A name that does not look like a link's.
fn person(name: &str) -> Answer<UserId> {
    let user = UserId::new(name.trim());
    let user = user.map_err(|error| invalid(error.to_string()))?;
    if is_link_name(&user) {
        return Err(invalid("names that end in (link) are for links; choose another").boxed());
    }
    Ok(user)
}

/// What was asked for is done, and there is nothing to say of it.
fn nothing_more(headers: &HeaderMap, done: Answer<()>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => in_their_words(headers, *refusal),
    }
}

fn ends_ms(seconds: u64) -> Answer<u64> {
    if (SECONDS_MIN..=ACCESS_SECONDS_MAX).contains(&seconds) {
        return Ok(now_ms().saturating_add(seconds * 1_000));
    }
    let most = ACCESS_SECONDS_MAX;
    let detail = format!(
        "expires_s is from {SECONDS_MIN} to {most}; leave it out for a token that counts until it \
         is revoked"
    );
    Err(invalid(detail).boxed())
}

async fn revoke(
    State(sharing): State<Sharing>,
    remote: Remote,
    Path((board, number)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Response {
    let revoked = revoked(&sharing, remote, &headers, &board, number).await;
    nothing_more(&headers, revoked)
}

async fn revoked(
    sharing: &Sharing,
    remote: Remote,
    headers: &HeaderMap,
    board: &str,
    number: u64,
) -> Answer<()> {
    let owner = sharing.owner(remote, headers, board).await?;
    let user = owner.of_token(number).await?;
    let actor = actor(&owner.signed_in);
    let revoked = owner.accounts.revoke(number, &actor).await;
    revoked.map_err(|error| refused(&error))?;
    // Whoever looks at the audit log finds out by themselves, a little later.
    sharing.driftless.rights_changed(Some(&user), None);
    Ok(())
}

impl Owner<'_> {
    /// Whose a token is that they may revoke.
    async fn of_token(&self, number: u64) -> Answer<UserId> {
        if self.signed_in.token == Some(number) {
            let detail = "you came with this token; revoke it with another one of an owner, or \
                          with `driftless token revoke` on the server";
            return Err(invalid(detail).boxed());
        }
        let row = self.accounts.token_numbered(number).await;
        let row = row.map_err(|error| unavailable(&error))?;
        let row = row.ok_or_else(|| refused(&AccountError::NoToken(number)))?;
        let holder = self.accounts.holder(&row.user, &self.board).await;
        let holder = holder.map_err(|error| unavailable(&error))?;
        if self.owns_all || holder.is_some_and(|holder| self.may_revoke(&holder)) {
            return Ok(row.user);
        }
        let board = &self.board;
        let detail = format!("token {number} opens more than {board}; ask who owns every board");
        Err(Refused::new(Code::Forbidden, detail).boxed())
    }
}

async fn change(
    State(sharing): State<Sharing>,
    remote: Remote,
    Path(board): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let changed = changed(&sharing, remote, &headers, &board, body).await;
    nothing_more(&headers, changed)
}

async fn changed(
    sharing: &Sharing,
    remote: Remote,
    headers: &HeaderMap,
    board: &str,
    body: Body,
) -> Answer<()> {
    let owner = sharing.owner(remote, headers, board).await?;
    let asked: NewRole = asked(body).await?;
    let role = asked.role.as_deref().map(str::parse::<Role>).transpose();
    let role = role.map_err(|error| invalid(error.to_string()))?;
    owner.give(&asked.user, role).await?;
    // Whoever looks at the audit log finds out by themselves, a little later.
    let (user, board) = (&asked.user, &owner.board);
    sharing.driftless.rights_changed(Some(user), Some(board));
    Ok(())
}

impl Owner<'_> {
    /// Gives a person who has a role on this board another one, or takes it back.
    async fn give(&self, user: &UserId, role: Option<Role>) -> Answer<()> {
        let (board, actor) = (&self.board, actor(&self.signed_in));
        let holder = self.accounts.holder(user, board).await;
        let holder = holder.map_err(|error| unavailable(&error))?;
        let holder = holder.ok_or_else(|| {
            invalid(format!(
                "{user} has no role on {board}; make a link or a token instead"
            ))
        })?;
        if let Some(why_not) = self.why_not(&holder) {
            return Err(Refused::new(Code::Forbidden, why_not).boxed());
        }
        let done = if let Some(role) = role {
            let grant = Grant {
                user: Some(user.clone()),
                board: Some(board.clone()),
                role,
            };
            self.accounts.set_role(&grant, &actor).await
        } else {
            // Where somebody else was faster, it is what was asked for.
            let withdrawn = self.accounts.withdraw_role(Some(user), Some(board), &actor);
            withdrawn.await.map(drop)
        };
        done.map_err(|error| refused(&error).boxed())
    }

    /// Why an owner of this board gives somebody no other role, where they do not. Nobody changes
    /// their own, so that a board keeps an owner.
    fn why_not(&self, holder: &Holder) -> Option<String> {
        let board = &self.board;
        match &holder.grant.user {
            None => {
                Some("what everybody may do is said on the server: `driftless role set`".to_owned())
            }
            Some(user) if *user == self.signed_in.user => Some(format!(
                "nobody changes their own role; ask another owner of {board}"
            )),
            Some(user) if holder.is_link => Some(format!(
                "what {user} may do stays as it was made; revoke it and make another link"
            )),
            Some(user) if holder.grant.board.is_none() => Some(format!(
                "{user} has this role on every board; that is changed on the server: `driftless \
                 role set`"
            )),
            Some(_) => None,
        }
    }
}
