//! The bytes of a connection, with those among them that others share.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::hub::SharedFrame;

/// Most pieces in one write.
const PIECES_PER_WRITE: usize = 64;

/// A stream that also writes shared bytes, from where they are: each before whatever is written
/// after it.
#[derive(Debug)]
pub struct SharedStream<S> {
    inner: S,
    waiting: VecDeque<Unwritten>,
    /// Whether anything was read since somebody last said that this is done with.
    has_read: bool,
}

/// What is left of a frame.
#[derive(Debug)]
struct Unwritten {
    own: Bytes,
    shared: Arc<[Bytes]>,
    /// The next piece; the first is `own`.
    piece: usize,
    /// What of it is written, in bytes.
    written: usize,
}

impl<S> SharedStream<S> {
    /// A stream on which nothing waits.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            waiting: VecDeque::new(),
            has_read: false,
        }
    }

    /// Whether bytes came since [`Self::forget_read`].
    pub fn has_read(&self) -> bool {
        self.has_read
    }

    /// What came until now is taken note of.
    pub fn forget_read(&mut self) {
        self.has_read = false;
    }

    /// Puts a frame behind what is written already. It goes out with the next write or flush. What
    /// a WebSocket around this stream has gathered has to be flushed before.
    pub fn put(&mut self, frame: SharedFrame) {
        self.waiting.push_back(Unwritten {
            own: frame.own,
            shared: frame.shared,
            piece: 0,
            written: 0,
        });
    }
}

impl Unwritten {
    fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.own).chain(self.shared.iter())
    }

    fn slices(&self) -> Vec<IoSlice<'_>> {
        let pieces = self.pieces().skip(self.piece).take(PIECES_PER_WRITE);
        let offsets = std::iter::once(self.written).chain(std::iter::repeat(0));
        let slices = pieces.zip(offsets);
        slices
            .map(|(piece, offset)| IoSlice::new(&piece[offset..]))
            .collect()
    }

    /// So many bytes more are written.
    fn advance(&mut self, bytes: usize) {
        let mut left = bytes + self.written;
        let mut done = 0;
        for piece in self.pieces().skip(self.piece) {
            if left < piece.len() {
                break;
            }
            left -= piece.len();
            done += 1;
        }
        self.piece += done;
        self.written = left;
    }

    fn is_done(&self) -> bool {
        self.piece > self.shared.len()
    }
}

impl<S: AsyncWrite + Unpin> SharedStream<S> {
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(frame) = self.waiting.front_mut() {
            let written = {
                let slices = frame.slices();
                ready!(Pin::new(&mut self.inner).poll_write_vectored(context, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            frame.advance(written);
            if frame.is_done() {
                self.waiting.pop_front();
            }
        }
        // A connection writes such a frame once in a while: it need not keep the room.
        self.waiting = VecDeque::new();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SharedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.has_read |= buffer.filled().len() > before;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SharedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(context))?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn frame(own: &'static str, shared: &[&'static str]) -> SharedFrame {
        let pieces = shared
            .iter()
            .map(|piece| Bytes::from_static(piece.as_bytes()));
        SharedFrame {
            own: Bytes::from_static(own.as_bytes()),
            shared: pieces.collect(),
            payload_bytes: 0,
        }
    }

    #[tokio::test]
    async fn shared_bytes_are_written_whole_and_in_order_however_little_is_taken_at_once() {
        for room in [1, 2, 3, 5, 1_000] {
            let (near, mut far) = tokio::io::duplex(room);
            let mut stream = SharedStream::new(near);
            let writing = async move {
                stream.write_all(b"before ").await.expect("writes");
                stream.put(frame("one ", &["two ", "", "three "]));
                stream.put(frame("four ", &[]));
                stream.write_all(b"after").await.expect("writes");
                stream.put(frame(" and", &[" last"]));
                stream.flush().await.expect("flushes");
            };
            let mut text = String::new();
            let reading = far.read_to_string(&mut text);
            let ((), read) = tokio::join!(writing, reading);
            read.expect("is text");
            assert_eq!(text, "before one two three four after and last");
        }
    }

    #[tokio::test]
    async fn more_pieces_than_one_write_takes_are_all_written() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut stream = SharedStream::new(near);
        let pieces = vec!["ab"; 3 * PIECES_PER_WRITE];
        stream.put(frame("", &pieces));
        stream.flush().await.expect("flushes");
        drop(stream);
        let mut text = String::new();
        far.read_to_string(&mut text).await.expect("is text");
        assert_eq!(text, "ab".repeat(3 * PIECES_PER_WRITE));
    }
}
