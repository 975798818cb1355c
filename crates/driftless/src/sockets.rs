//! How accepted sockets are set.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

/// What of a connection may wait in the system to be sent, in bytes: what a thousand connections
/// that do not read hold on to besides. Where the peer reads, what is on its way does not count, so
/// that a far one gets no less.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// Small answers do not wait for the peer's acknowledgement of the last ones, little waits in the
/// system for a peer that does not read, and one that reads nothing for as long as `heartbeat` is
/// gone: the server itself does not see whether some of a large message was read.
pub fn tune(socket: &TcpStream, heartbeat: Duration) -> io::Result<()> {
    socket.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(socket);
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
        socket.set_tcp_user_timeout(Some(heartbeat))?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = heartbeat;
    Ok(())
}
