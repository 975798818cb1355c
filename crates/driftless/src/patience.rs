//! Peers that open a connection and do not get on with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A listener whose connections end once nothing was written to them for a time: the head of a
/// request that does not come to its end, or drips, a body likewise, a connection that is kept for
/// a next request. A WebSocket is written to more often than that, since silent peers are asked
/// whether they are there.
pub struct PatientListener<L> {
    inner: L,
    patience: Duration,
}

impl<L> PatientListener<L> {
    /// So much patience with each connection of a listener.
    pub fn new(inner: L, patience: Duration) -> Self {
        Self { inner, patience }
    }
}

impl<L: Listener> Listener for PatientListener<L> {
    type Io = Patient<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (inner, address) = self.inner.accept().await;
        (Patient::new(inner, self.patience), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection of a [`PatientListener`].
#[derive(Debug)]
pub struct Patient<S> {
    inner: S,
    patience: Duration,
    written_at: Instant,
    /// Runs out no later than the patience; set anew only then, not with every write.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    fn new(inner: S, patience: Duration) -> Self {
        let written_at = Instant::now();
        let alarm = Box::pin(tokio::time::sleep_until(written_at + patience));
        Self {
            inner,
            patience,
            written_at,
            alarm,
        }
    }

    fn poll_run_out(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let deadline = self.written_at + self.patience;
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(deadline);
        }
    }

    fn note<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.written_at = Instant::now();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Before what came in: what drips would else never be late.
        if self.poll_run_out(context).is_ready() {
            let error = "the peer did not get on";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, error)));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);
    const STEP: Duration = Duration::from_secs(7);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_drips_and_is_not_answered_is_given_up() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut stream = Patient::new(near, PATIENCE);
        let began = Instant::now();
        let dripping = async {
            while far.write_all(b"x").await.is_ok() {
                tokio::time::sleep(STEP).await;
            }
        };
        let reading = async move {
            let mut byte = [0];
            loop {
                if let Err(error) = stream.read_exact(&mut byte).await {
                    return error.kind();
                }
            }
        };
        let ((), kind) = tokio::join!(dripping, reading);
        assert_eq!(kind, io::ErrorKind::TimedOut);
        assert!(began.elapsed() < PATIENCE + 2 * STEP);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_given_up_and_one_that_is_written_to_is_not() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut stream = Patient::new(near, PATIENCE);
        let mut byte = [0];
        for _ in 0..20 {
            let waited = tokio::time::timeout(STEP, stream.read_exact(&mut byte)).await;
            assert!(waited.is_err(), "nothing came");
            stream.write_all(b"y").await.expect("writes");
            far.read_exact(&mut byte).await.expect("reads");
        }
        let began = Instant::now();
        let read = stream.read_exact(&mut byte).await;
        assert_eq!(read.expect_err("is late").kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), PATIENCE);
    }
}
