//! What goes to a connection in one write, and what is counted about it once it is written.

use axum::extract::ws::Message as Frame;
use driftless_model::ClientId;
use driftless_protocol::message::Resume;
use driftless_protocol::{Codec, ServerMessage};

use crate::hub::{Delivery, Watch};
use crate::metrics::{Metrics, ResumeKind};
use crate::socket::wire::size_bytes;

/// What goes to a connection in one write.
pub struct Outgoing {
    /// In order.
    pub frames: Vec<Frame>,
    /// The resumes among them, with their bytes.
    resumes: Vec<(ResumeKind, usize)>,
    /// The oldest item among them that is measured.
    oldest: Option<Watch>,
}

impl Outgoing {
    /// These, and nothing else yet.
    pub fn new(frames: Vec<Frame>) -> Self {
        Self {
            frames,
            resumes: Vec::new(),
            oldest: None,
        }
    }

    /// Adds what a delivery is for a client; nothing where it gets nothing of it.
    pub fn add(&mut self, delivery: &Delivery, client: ClientId, codec: Codec) {
        let Some(frame) = delivery.frame(client, codec) else {
            return;
        };
        match delivery {
            Delivery::Message(message) => {
                if let ServerMessage::Resume(resume) = &**message {
                    self.resumes.push((kind(resume), size_bytes(&frame)));
                }
            }
            Delivery::Item(item) => self.oldest = self.oldest.or(item.watch),
            Delivery::Close(_) => {}
        }
        self.frames.push(frame);
    }

    /// What is counted once the frames are written.
    pub fn written(self, metrics: &Metrics) {
        for (kind, bytes) in self.resumes {
            metrics.resumed(kind, bytes);
        }
        if let Some(watch) = self.oldest {
            metrics.fanned_out(watch.published_at, watch.received_at);
        }
    }
}

fn kind(resume: &Resume) -> ResumeKind {
    if resume.diverged {
        ResumeKind::Diverged
    } else if resume.full {
        ResumeKind::Snapshot
    } else {
        ResumeKind::Delta
    }
}
