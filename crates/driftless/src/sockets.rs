//! How accepted sockets are set, and how many there may be.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
use driftless_model::limits;
use tokio::net::TcpStream;

/// Small answers do not wait for the peer's acknowledgement of the last ones, little waits in the
/// system for a peer that does not read, and one that reads nothing for as long as `heartbeat` is
/// gone: the server itself does not see whether some of a large message was read.
pub fn tune(socket: &TcpStream, heartbeat: Duration) -> io::Result<()> {
    socket.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(socket);
        socket.set_tcp_notsent_lowat(limits::UNSENT_BYTES_MAX)?;
        socket.set_tcp_user_timeout(Some(heartbeat))?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = heartbeat;
    Ok(())
}

/// Lets this process, and those that it starts, open as many files as the system allows: each
/// connection is one, and what a shell or a service gets at first is often only 1,024.
pub fn may_open_more() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_keeps_as_little_unsent_as_it_may_and_the_peer_has_the_heartbeat_time() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("listens");
        let address = listener.local_addr().expect("an address");
        let connected = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, _) = connected.1.expect("is accepted");
        let heartbeat = Duration::from_secs(7);
        tune(&socket, heartbeat).expect("is tuned");
        assert!(socket.nodelay().expect("is known"));
        let socket = socket2::SockRef::from(&socket);
        let unsent = socket.tcp_notsent_lowat().expect("is known");
        assert_eq!(unsent, limits::UNSENT_BYTES_MAX);
        let patience = socket.tcp_user_timeout().expect("is known");
        assert_eq!(patience, Some(heartbeat));
    }
}
