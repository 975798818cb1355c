//! The start of a connection: `Hello`, who it is, `Welcome`.

use driftless_model::{ClientId, UserId, limits};
use driftless_protocol::message::{Hello, Welcome};
use driftless_protocol::{
    ClientMessage, CloseCode, Code, Codec, PROTOCOL, PROTOCOL_MIN, ServerMessage,
};

use crate::clock::now_ms;
use crate::driftless::Driftless;
use crate::hub::{Closing, Follower};
use crate::proxies::Remote;
use crate::random;
use crate::socket::session::{Session, confirm, sign_in};
use crate::socket::wire::{End, Incoming, Wire};

/// Serves a connection from its first frame to its last.
pub async fn serve(driftless: Driftless, mut wire: Wire, remote: Remote) {
    let metrics = driftless.metrics().clone();
    // What comes once is boxed, so that a connection need not have room for it all its life.
    let end = match Box::pin(greet(driftless, &mut wire, remote)).await {
        Ok(session) => session.run(&mut wire).await,
        Err(end) => end,
    };
    tracing::debug!(?end, "a connection ended");
    metrics.closed(end.code());
    Box::pin(wire.finish(end)).await;
}

async fn greet(driftless: Driftless, wire: &mut Wire, remote: Remote) -> Result<Box<Session>, End> {
    let hello = tokio::time::timeout(driftless.heartbeat(), hello(wire)).await;
    let hello = hello.unwrap_or_else(|_| {
        let reason = "no Hello came";
        Err(End::close(Closing::new(CloseCode::TimedOut, reason)))
    })?;
    let protocol = agree(hello.protocol)?;
    let limit = limits::BOARDS_PER_CONNECTION_MAX;
    if hello.boards.len() > limit {
        let detail = format!("a connection follows at most {limit} boards");
        return Err(End::violation(Code::TooLarge, detail));
    }
    let signed_in = sign_in(&driftless, hello.token.as_deref(), remote).await?;
    let user = signed_in.user.clone();
    let follower = enter(&driftless, hello.client, &user, remote, wire.codec())?;
    // A token that was revoked since it was looked at: only who has entered is told of changes.
    confirm(&driftless, &signed_in).await?;
    if driftless.is_draining() {
        let closing = Closing::new(CloseCode::Restart, "the server is stopping");
        return Err(End::close(closing));
    }
    let session = format!("{:032x}", random::id());
    tracing::debug!(%session, %user, client = %hello.client, build = %hello.build, "a client connected");
    let welcome = Welcome {
        protocol,
        protocol_min: PROTOCOL_MIN,
        session,
        user,
        build: format!("driftless {}", env!("CARGO_PKG_VERSION")),
        heartbeat_ms: u64::try_from(driftless.heartbeat().as_millis()).unwrap_or(u64::MAX),
        now_ms: now_ms(),
        asks_screens: true,
    };
    wire.send(&ServerMessage::Welcome(welcome)).await?;
    driftless.metrics().connections_opened.inc();
    let mut session = Session::new(driftless, follower, signed_in, remote, wire.codec());
    session.subscribe_all(hello.boards).await?;
    Ok(Box::new(session))
}

/// Connections of this machine are not counted: a proxy that the server was not told of is one.
fn enter(
    driftless: &Driftless,
    client: ClientId,
    user: &UserId,
    remote: Remote,
    codec: Codec,
) -> Result<Follower, End> {
    if remote.address.is_some_and(|address| address.is_loopback()) {
        return Ok(driftless.enter_unlimited(client, user.clone(), codec));
    }
    driftless
        .enter(client, user.clone(), codec)
        .map_err(|wait| {
            let detail = format!("{user} has too many connections; close one, or connect later");
            End::too_fast(wait, detail)
        })
}

async fn hello(wire: &mut Wire) -> Result<Hello, End> {
    let message = loop {
        match wire.receive().await {
            Incoming::Heard => {}
            Incoming::End(end) => return Err(end),
            Incoming::Message(message) => break message,
        }
    };
    if let ClientMessage::Hello(hello) = *message {
        return Ok(hello);
    }
    let detail = "the first message is Hello";
    Err(End::violation(Code::Malformed, detail))
}

/// The version that both speak: the client's newest, or the server's if that is older.
fn agree(newest_of_client: u32) -> Result<u32, End> {
    if newest_of_client < PROTOCOL_MIN {
        let detail = format!(
            "this server speaks protocol {PROTOCOL_MIN} to {PROTOCOL}, the client at most \
             {newest_of_client}; update the client"
        );
        return Err(End::fault(CloseCode::Protocol, Code::Protocol, detail));
    }
    Ok(newest_of_client.min(PROTOCOL))
}
