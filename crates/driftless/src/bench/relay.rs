//! The floor: the least that a server in Rust can do. Frames of one connection go to all of its
//! board, its own included, which is the acknowledgement. Nothing is read, checked or kept; at most
//! it is synced.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt as _;
use futures::{FutureExt as _, SinkExt as _};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

use crate::bench::options::RelayOptions;

/// As small as the server's own.
const BUFFER_BYTES: usize = 4 * 1024;
/// Frames that a slow connection may lag behind, and that wait for a sync.
const FRAMES_MAX: usize = 1_024;

/// Everybody on one board.
type Board = broadcast::Sender<Bytes>;

#[derive(Clone)]
struct Hub {
    boards: Arc<Mutex<HashMap<String, Board>>>,
    commits: Option<mpsc::Sender<(Board, Bytes)>>,
}

/// Relays until it is killed.
pub fn run(options: &RelayOptions) -> io::Result<()> {
    let commits = match &options.commit {
        Some(path) => Some(committer(File::create(path)?)),
        None => None,
    };
    let boards = Arc::default();
    tokio::runtime::Runtime::new()?.block_on(serve(Hub { boards, commits }))
}

async fn serve(hub: Hub) -> io::Result<()> {
    let app = Router::new()
        .route("/rt/{board}", any(upgrade))
        .with_state(hub);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("driftless listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        socket.set_nodelay(true).ok();
    });
    axum::serve(listener, app).await
}

/// Group commit: what comes in while a sync is under way is written by the next one.
fn committer(mut file: File) -> mpsc::Sender<(Board, Bytes)> {
    let (commits, mut queue) = mpsc::channel(FRAMES_MAX);
    std::thread::spawn(move || {
        let mut batch: Vec<(Board, Bytes)> = Vec::new();
        while queue.blocking_recv_many(&mut batch, FRAMES_MAX) > 0 {
            let frames: Vec<_> = batch.iter().map(|(_, frame)| &frame[..]).collect();
            let written = file.write_all(&frames.concat());
            written
                .and_then(|()| file.sync_data())
                .expect("the benchmark's disk takes what is written");
            for (board, frame) in batch.drain(..) {
                board.send(frame).ok();
            }
        }
    });
    commits
}

async fn upgrade(
    State(hub): State<Hub>,
    Path(board): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .on_upgrade(|socket| async move {
            // A connection that fails is gone, and the load notices what is missing.
            let board = hub.board(board);
            relay(hub, board, socket).await.ok();
        })
}

async fn relay(hub: Hub, board: Board, mut socket: WebSocket) -> Result<(), axum::Error> {
    let mut frames = board.subscribe();
    loop {
        tokio::select! {
            received = socket.recv() => {
                let mut received = Some(received);
                while let Some(frame) = received {
                    let Some(frame) = frame.transpose()? else {
                        return Ok(());
                    };
                    hub.take(&board, frame).await;
                    received = socket.recv().now_or_never();
                }
            }
            frame = frames.recv() => {
                let Ok(frame) = frame else {
                    return Ok(());
                };
                socket.feed(Frame::Binary(frame)).await?;
                while let Ok(frame) = frames.try_recv() {
                    socket.feed(Frame::Binary(frame)).await?;
                }
                socket.flush().await?;
            }
        }
    }
}

impl Hub {
    fn board(&self, name: String) -> Board {
        // Nothing panics while it is held.
        let mut boards = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
        let board = boards.entry(name);
        board
            .or_insert_with(|| broadcast::channel(FRAMES_MAX).0)
            .clone()
    }

    async fn take(&self, board: &Board, frame: Frame) {
        let Frame::Binary(bytes) = frame else {
            return;
        };
        match &self.commits {
            Some(commits) => {
                commits.send((board.clone(), bytes)).await.ok();
            }
            None => {
                board.send(bytes).ok();
            }
        }
    }
}
