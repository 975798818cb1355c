//! The provider: creates the realtime handle, owns it, and cleans up after it.

use std::sync::Arc;

use driftless_client::{
    Client, ClientBuilder, ClientError, ClientEvent, EventStream, RealtimeConfig,
};
use driftless_model::{BoardId, Schema};
use driftless_sync::replica::view::StorageVerdict;
use futures::StreamExt;
use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::context::{RealtimeContext, within};
use crate::live_board::LiveBoard;
use crate::missing_provider::failure;
use crate::texts::{Texts, fill};
use crate::toast::Toasts;

/// Creates one client for its subtree, follows one board, and puts both in context as a
/// [`RealtimeContext`], with the [`Texts`] and the toasts. On unmount it stops the client; what was
/// made stays stored.
///
/// A board id that is no id is an error view (part `failure`), and nothing starts.
#[component]
pub fn DashboardRealtimeProvider(
    /// The endpoint: absolute (`wss://host/rt`) or relative to the page (`/rt`).
    #[prop(into)]
    ws_url: String,
    /// The board.
    #[prop(into)]
    board: String,
    /// Who the person is: a token that the server's operator issued, or, on a server without
    /// tokens, their display name. A change is told to the server without a reconnect.
    #[prop(into, optional)]
    token: MaybeProp<String>,
    /// Whether the person gave the token before, and not just now: where another tab is signed in
    /// with another one, that one counts then.
    #[prop(optional)]
    is_token_kept: bool,
    /// The replica's name on this device: each has its own storage. `default` without it.
    #[prop(into, optional)]
    namespace: Option<String>,
    /// How it connects, retries and shows changes; the defaults without it.
    #[prop(optional)]
    config: Option<RealtimeConfig>,
    /// Whether it connects by itself; what `config` says without it.
    #[prop(optional)]
    auto_connect: Option<bool>,
    /// The kinds that the application knows; the built-in ones without it.
    #[prop(optional)]
    schema: Option<Schema>,
    /// The texts that components show; English ones without it.
    #[prop(optional)]
    texts: Option<Texts>,
    /// Told of what goes wrong outside of any single edit, and once where this device keeps nothing
    /// (private mode). The client goes on by itself.
    #[prop(into, optional)]
    on_error: Option<Callback<ClientError>>,
    /// Told once, when this device's storage has been read.
    #[prop(into, optional)]
    on_initialized: Option<Callback<RealtimeContext>>,
    /// What may use it.
    children: Children,
) -> impl IntoView {
    let texts = Arc::new(texts.unwrap_or_default());
    let id = match BoardId::new(&board) {
        Ok(id) => id,
        Err(error) => return no_board(&texts, &error.to_string()),
    };
    let client = signed_in(
        Client::builder(ws_url),
        token.get_untracked(),
        is_token_kept,
    )
    .namespace(namespace.as_deref().unwrap_or("default"))
    .schema(schema.unwrap_or_else(Schema::builtin))
    .config(config.unwrap_or_default());
    let client = connecting(client, auto_connect).start();
    within(move || {
        renew_token(&client, token);
        let owned = client.clone();
        on_cleanup(move || spawn_local(async move { owned.shutdown().await }));
        provide(client, id, texts, on_error, on_initialized);
        children().into_any()
    })
}

/// Follows one board of a client that the application has started itself, and puts both in context
/// as [`DashboardRealtimeProvider`] does: for a client over a network of its own
/// ([`ClientBuilder::start_over`]), on a platform of its own, or of the test kit. The client is the
/// application's: on unmount it goes on, for as long as somebody holds it.
#[component]
pub fn DashboardClientProvider(
    /// The client.
    client: Client,
    /// The board.
    #[prop(into)]
    board: String,
    /// The texts that components show; English ones without it.
    #[prop(optional)]
    texts: Option<Texts>,
    /// Told of what goes wrong outside of any single edit, and once where this device keeps nothing
    /// (private mode). The client goes on by itself.
    #[prop(into, optional)]
    on_error: Option<Callback<ClientError>>,
    /// Told once, when this device's storage has been read.
    #[prop(into, optional)]
    on_initialized: Option<Callback<RealtimeContext>>,
    /// What may use it.
    children: Children,
) -> impl IntoView {
    let texts = Arc::new(texts.unwrap_or_default());
    match BoardId::new(&board) {
        Ok(id) => within(move || {
            provide(client, id, texts, on_error, on_initialized);
            children().into_any()
        }),
        Err(error) => no_board(&texts, &error.to_string()),
    }
}

fn provide(
    client: Client,
    board: BoardId,
    texts: Arc<Texts>,
    on_error: Option<Callback<ClientError>>,
    on_initialized: Option<Callback<RealtimeContext>>,
) {
    let events = client.events();
    let board = client.board(board);
    let live = Arc::new(LiveBoard::new(client, board));
    let context = RealtimeContext::new(Arc::clone(&live));
    provide_context(texts);
    provide_context(Toasts::new());
    provide_context(context);
    let listener = Listener {
        live,
        context,
        owner: Owner::current(),
        on_error,
        on_initialized,
        is_volatile: false,
    };
    listener.start(events);
}

fn no_board(texts: &Texts, error: &str) -> AnyView {
    failure(fill(&texts.provider_failed, &[("error", error)])).into_any()
}

fn signed_in(client: ClientBuilder, token: Option<String>, is_kept: bool) -> ClientBuilder {
    if is_kept {
        client.kept_token(token)
    } else {
        client.token(token)
    }
}

fn connecting(client: ClientBuilder, auto_connect: Option<bool>) -> ClientBuilder {
    match auto_connect {
        Some(auto_connect) => client.auto_connect(auto_connect),
        None => client,
    }
}

fn renew_token(client: &Client, token: MaybeProp<String>) {
    let client = client.clone();
    Effect::new(move |before: Option<Option<String>>| {
        let token = token.get();
        if before.is_some_and(|before| before != token) {
            client.set_token(token.clone());
        }
        token
    });
}

/// Takes the client's events in, for as long as the provider is mounted.
struct Listener {
    live: Arc<LiveBoard>,
    context: RealtimeContext,
    /// The provider's: callbacks run in it, so that they find its contexts.
    owner: Option<Owner>,
    on_error: Option<Callback<ClientError>>,
    on_initialized: Option<Callback<RealtimeContext>>,
    /// Whether it is told that this device keeps nothing.
    is_volatile: bool,
}

impl Listener {
    fn start(self, events: EventStream) {
        let (listening, stop) = abortable(self.listen(events));
        spawn_local(async move {
            // Aborted on unmount, or ended with the client: nothing to do in either case.
            let _ = listening.await;
        });
        on_cleanup(move || stop.abort());
    }

    async fn listen(mut self, mut events: EventStream) {
        self.tell_of_storage();
        while let Some(event) = events.next().await {
            self.live.apply(&event);
            self.tell_of_storage();
            if let (ClientEvent::Error(error), Some(on_error)) = (event, self.on_error) {
                self.run(|| on_error.run(error));
            }
        }
    }

    fn tell_of_storage(&mut self) {
        let status = &self.live.status;
        let storage = status.with_untracked(|status| status.storage.clone());
        if storage != StorageVerdict::Loading
            && let Some(on_initialized) = self.on_initialized.take()
        {
            let context = self.context;
            self.run(|| on_initialized.run(context));
        }
        // To a client without an owner, such as an agent, memory is a choice and no error.
        let was_volatile = std::mem::replace(
            &mut self.is_volatile,
            matches!(storage, StorageVerdict::MemoryOnly { .. }),
        );
        if let (StorageVerdict::MemoryOnly { reason }, false, Some(on_error)) =
            (storage, was_volatile, self.on_error)
        {
            self.run(|| on_error.run(ClientError::Storage { reason }));
        }
    }

    fn run(&self, callback: impl FnOnce()) {
        match &self.owner {
            Some(owner) => owner.with(callback),
            None => callback(),
        }
    }
}
