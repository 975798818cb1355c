//! What goes to a connection in one write, and what is counted about it once it is written.

use driftless_model::ClientId;
use driftless_protocol::Codec;
use driftless_protocol::message::Resume;

use crate::hub::{Delivery, Outbound, Watch};
use crate::metrics::{Metrics, ResumeKind};

/// What goes to a connection in one write.
pub struct Outgoing {
    /// In order.
    pub frames: Vec<Outbound>,
    /// The resumes among them, with their bytes.
    resumes: Vec<(ResumeKind, usize)>,
    /// The oldest item among them that is measured.
    oldest: Option<Watch>,
}

impl Outgoing {
    /// These, and nothing else yet.
    pub fn new(frames: Vec<Outbound>) -> Self {
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
            Delivery::Resume(head, _) => self.resumes.push((kind(head), frame.payload_bytes())),
            Delivery::Item(item) => self.oldest = self.oldest.or(item.watch),
            Delivery::Message(_) | Delivery::Close(_) => {}
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
