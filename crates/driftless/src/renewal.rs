//! Certificates that are renewed while the server runs.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::tls::{self, TlsError};

/// How often the files are looked at: long before the end of a certificate, they are other ones.
const LOOK: Duration = Duration::from_mins(1);

/// When a file was changed, and how long it is in bytes: what differs when it is another one.
type Stamp = Option<(SystemTime, u64)>;

/// A certificate and its key as files. Once they are other ones, or when SIGHUP says so, they are
/// read again, and every handshake from then on has the new ones; connections that are there keep
/// what they have. Files that cannot be used change nothing: one of two may have been written.
pub struct Renewal {
    certificate: PathBuf,
    key: PathBuf,
    looked_at: [Stamp; 2],
    newest: watch::Sender<TlsAcceptor>,
}

impl Renewal {
    /// Reads both files, PEM.
    pub fn read(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        // What is written while it is read has another stamp afterwards.
        let looked_at = [stamp(&certificate), stamp(&key)];
        let (newest, _) = watch::channel(tls::acceptor(&certificate, &key)?);
        Ok(Self {
            certificate,
            key,
            looked_at,
            newest,
        })
    }

    /// What shakes hands, always with the newest certificate.
    pub fn newest(&self) -> watch::Receiver<TlsAcceptor> {
        self.newest.subscribe()
    }

    /// Looks at the files once a minute, and when it is told to.
    pub async fn watch(mut self, mut asked: HangUps) {
        loop {
            let is_asked = tokio::select! {
                () = asked.next() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            self.look(is_asked);
        }
    }

    fn look(&mut self, is_asked: bool) {
        let now = [stamp(&self.certificate), stamp(&self.key)];
        if now == self.looked_at && !is_asked {
            return;
        }
        // What cannot be used is said once, and tried again when it is changed.
        self.looked_at = now;
        let file = self.certificate.display();
        match tls::acceptor(&self.certificate, &self.key) {
            Ok(acceptor) => {
                self.newest.send_replace(acceptor);
                tracing::info!(%file, "the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the certificate stays the one before"),
        }
    }
}

fn stamp(file: &PathBuf) -> Stamp {
    let about = fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// The SIGHUPs that come, on Unix.
pub struct HangUps {
    #[cfg(unix)]
    signals: tokio::signal::unix::Signal,
}

impl HangUps {
    /// From now on none of them ends the process.
    #[cfg(unix)]
    pub fn heard() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::hangup())?;
        Ok(Self { signals })
    }

    /// There are none.
    #[cfg(not(unix))]
    pub fn heard() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if self.signals.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tls::trusting::key_file;

    /// Whether the two files were taken, looked at once more.
    fn takes(renewal: &mut Renewal, newest: &mut watch::Receiver<TlsAcceptor>) -> bool {
        newest.mark_unchanged();
        renewal.look(false);
        newest.has_changed().expect("is there")
    }

    fn put(name: &str, place: &Path) {
        std::fs::copy(key_file(name), place).expect("copies");
        // Copies of the same moment would have the same stamp, had they the same length.
        let file = std::fs::File::options().append(true).open(place);
        let later = SystemTime::now() + Duration::from_secs(u64::from(name.contains("renewed")));
        file.expect("opens").set_modified(later).expect("is ours");
    }

    #[test]
    fn a_certificate_is_taken_once_its_key_is_there_too_and_a_broken_one_never() {
        let folder = tempfile::tempdir().expect("a folder");
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        put("cert.pem", &certificate);
        put("key.pem", &key);
        let mut renewal = Renewal::read(certificate.clone(), key.clone()).expect("a pair");
        let mut newest = renewal.newest();
        assert!(!takes(&mut renewal, &mut newest), "nothing was changed");
        put("renewed.pem", &certificate);
        assert!(!takes(&mut renewal, &mut newest), "it is another key's");
        put("renewed-key.pem", &key);
        assert!(takes(&mut renewal, &mut newest));
        std::fs::write(&certificate, "half a certi").expect("writes");
        assert!(!takes(&mut renewal, &mut newest));
        std::fs::remove_file(&certificate).expect("removes");
        assert!(!takes(&mut renewal, &mut newest));
        put("renewed.pem", &certificate);
        assert!(takes(&mut renewal, &mut newest));
    }
}
