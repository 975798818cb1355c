//! What goes over a connection once it is open, both ways, until either side closes.

use futures::channel::mpsc;
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::Peer;
use crate::platform::SocketEvent;

/// Carries frames both ways until either side closes. Each way goes on by itself: a peer that waits
/// until it is read takes nothing meanwhile, and both would wait for each other.
pub(super) async fn exchange(
    peer: Peer,
    events: &mut mpsc::Sender<SocketEvent>,
    frames: mpsc::UnboundedReceiver<Vec<u8>>,
) -> SocketEvent {
    let (sink, stream) = peer.split();
    tokio::select! {
        closed = send(sink, frames) => closed,
        closed = receive(stream, events) => closed,
    }
}

/// Sends what comes until nothing more does, then takes its leave.
async fn send(
    mut sink: SplitSink<Peer, Message>,
    mut frames: mpsc::UnboundedReceiver<Vec<u8>>,
) -> SocketEvent {
    while let Some(frame) = frames.next().await {
        if let Err(error) = send_all(&mut sink, frame, &mut frames).await {
            return closed_by(&error);
        }
    }
    // A peer that is gone needs no farewell.
    let _ = sink.close().await;
    closed("closed here")
}

/// Sends a frame and all that wait behind it, then flushes once.
async fn send_all(
    sink: &mut SplitSink<Peer, Message>,
    first: Vec<u8>,
    frames: &mut mpsc::UnboundedReceiver<Vec<u8>>,
) -> Result<(), Error> {
    sink.feed(Message::Binary(first.into())).await?;
    while let Ok(frame) = frames.try_recv() {
        sink.feed(Message::Binary(frame.into())).await?;
    }
    sink.flush().await
}

/// Hands on what arrives until the peer closes.
async fn receive(
    mut stream: SplitStream<Peer>,
    events: &mut mpsc::Sender<SocketEvent>,
) -> SocketEvent {
    while let Some(message) = stream.next().await {
        match message {
            Ok(Message::Binary(bytes)) => {
                // Where nobody listens any more it is read all the same, until what was sent is
                // out: the peer may wait for that.
                let _ = events.send(SocketEvent::Frame(bytes.into())).await;
            }
            Ok(Message::Close(frame)) => {
                // Reading on is what answers it, where the line takes that at once.
                let _ = stream.next().now_or_never();
                return closed_with(frame.as_ref());
            }
            Ok(Message::Text(_)) => return text_came(),
            Ok(_) => {}
            Err(error) => return closed_by(&error),
        }
    }
    closed("the connection ended")
}

fn closed(reason: &str) -> SocketEvent {
    SocketEvent::Closed {
        code: None,
        reason: reason.to_owned(),
    }
}

pub(super) fn closed_by(error: &Error) -> SocketEvent {
    closed(&error.to_string())
}

fn text_came() -> SocketEvent {
    closed("the server sent text where binary frames were agreed")
}

fn closed_with(frame: Option<&CloseFrame>) -> SocketEvent {
    let reason = frame.map(|frame| &frame.reason).map(Utf8Bytes::to_string);
    SocketEvent::Closed {
        code: frame.map(|frame| frame.code.into()),
        reason: reason.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use futures::executor::LocalPool;
    use futures::task::LocalSpawnExt;
    use tokio::io::DuplexStream;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    use super::*;
    use crate::platform::native::Line;

    /// More than a line takes at once, by far.
    const FRAMES: usize = 50;
    const FRAME_BYTES: usize = 8 * 1024;

    type Server = WebSocketStream<DuplexStream>;

    /// One end of a connection, and the other one, over a line that holds next to nothing.
    struct Ends {
        pool: LocalPool,
        server: Server,
        events: Option<mpsc::Receiver<SocketEvent>>,
        outgoing: Option<mpsc::UnboundedSender<Vec<u8>>>,
        closed: Rc<RefCell<Option<SocketEvent>>>,
    }

    /// What a task of the pool came to, once it has.
    fn spawn<T: 'static>(
        pool: &LocalPool,
        work: impl Future<Output = T> + 'static,
    ) -> Rc<RefCell<Option<T>>> {
        let done = Rc::new(RefCell::new(None));
        let told = Rc::clone(&done);
        let work = async move {
            let came = work.await;
            *told.borrow_mut() = Some(came);
        };
        pool.spawner().spawn_local(work).expect("it runs");
        done
    }

    impl Ends {
        fn new() -> Self {
            let mut pool = LocalPool::new();
            let (near, far) = tokio::io::duplex(64);
            let near: Box<dyn Line> = Box::new(near);
            let peer = WebSocketStream::from_raw_socket(near, Role::Client, None);
            let peer = pool.run_until(peer);
            let server = WebSocketStream::from_raw_socket(far, Role::Server, None);
            let server = pool.run_until(server);
            let (mut sender, events) = mpsc::channel(1);
            let (outgoing, frames) = mpsc::unbounded();
            let work = async move { exchange(peer, &mut sender, frames).await };
            let closed = spawn(&pool, work);
            Self {
                pool,
                server,
                events: Some(events),
                outgoing: Some(outgoing),
                closed,
            }
        }

        fn send(&self, frames: usize) {
            let outgoing = self.outgoing.as_ref().expect("it is not closed");
            for _ in 0..frames {
                let sent = outgoing.unbounded_send(vec![1; FRAME_BYTES]);
                sent.expect("it is carried");
            }
        }
    }

    async fn write_much(server: &mut Server) {
        for _ in 0..FRAMES {
            let frame = Message::Binary(vec![2; FRAME_BYTES].into());
            server.send(frame).await.expect("it is open");
        }
    }

    /// The frames that come until the other side takes its leave.
    async fn frames_until_farewell(server: &mut Server) -> usize {
        let mut frames = 0;
        while let Some(message) = server.next().await {
            match message.expect("it is open") {
                Message::Binary(_) => frames += 1,
                Message::Close(_) => return frames,
                other => panic!("{other:?}"),
            }
        }
        panic!("it was cut after {frames} frames");
    }

    #[test]
    fn a_peer_that_writes_much_before_it_reads_holds_nothing_up() {
        let mut ends = Ends::new();
        ends.send(FRAMES);
        let mut server = ends.server;
        let work = async move {
            write_much(&mut server).await;
            for _ in 0..FRAMES {
                let message = server.next().await.expect("it is open");
                assert!(message.expect("it is sound").is_binary());
            }
            server
        };
        let done = spawn(&ends.pool, work);
        let events = ends.events.take().expect("they are here");
        let heard = spawn(&ends.pool, events.take(FRAMES).count());
        ends.pool.run_until_stalled();
        assert_eq!(*heard.borrow(), Some(FRAMES), "what it wrote");
        assert!(done.borrow().is_some(), "what it reads");
        assert_eq!(*ends.closed.borrow(), None);
    }

    #[test]
    fn what_was_sent_before_a_close_goes_out_also_where_nobody_listens_any_more() {
        let mut ends = Ends::new();
        ends.send(FRAMES);
        ends.pool.run_until_stalled();
        // As a driver closes: with both of its ends.
        ends.outgoing = None;
        ends.events = None;
        let mut server = ends.server;
        let work = async move {
            write_much(&mut server).await;
            frames_until_farewell(&mut server).await
        };
        let done = spawn(&ends.pool, work);
        ends.pool.run_until_stalled();
        assert_eq!(*done.borrow(), Some(FRAMES));
        assert!(ends.closed.borrow().is_some(), "it ends");
    }

    #[test]
    fn a_farewell_is_told_and_answered() {
        let mut ends = Ends::new();
        let mut server = ends.server;
        let work = async move {
            let close = CloseFrame {
                code: CloseCode::Away,
                reason: "bye".into(),
            };
            server.close(Some(close)).await.expect("it is open");
            frames_until_farewell(&mut server).await
        };
        let done = spawn(&ends.pool, work);
        ends.pool.run_until_stalled();
        let told = SocketEvent::Closed {
            code: Some(1001),
            reason: "bye".to_owned(),
        };
        assert_eq!(*ends.closed.borrow(), Some(told));
        assert_eq!(*done.borrow(), Some(0));
    }

    #[test]
    fn text_ends_it() {
        let mut ends = Ends::new();
        let mut server = ends.server;
        let text = async move { server.send(Message::text("hello")).await.is_ok() };
        let sent = spawn(&ends.pool, text);
        ends.pool.run_until_stalled();
        assert_eq!(*sent.borrow(), Some(true));
        assert_eq!(*ends.closed.borrow(), Some(text_came()));
    }
}
