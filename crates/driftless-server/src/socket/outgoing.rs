//! What goes to a connection in one write, and what is counted about it once it is written.

use std::time::Instant;

use axum::extract::ws::Message as Frame;
use driftless_model::ClientId;
use driftless_protocol::message::Resume;
use driftless_protocol::{Codec, ServerMessage};

use crate::hub::Delivery;
use crate::metrics::{Metrics, ResumeKind};
use crate::socket::wire::size_bytes;

/// What goes to a connection in one write.
pub struct Outgoing {
    /// In order.
    pub frames: Vec<Frame>,
    /// The resumes among them, with their bytes.
    resumes: Vec<(ResumeKind, usize)>,
    /// When the oldest item among them was published, and its edit received.
    oldest: Option<(Instant, Option<Instant>)>,
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
            Delivery::Item(item) => {
                let is_older = self
                    .oldest
                    .is_none_or(|(published_at, _)| item.published_at < published_at);
                if is_older {
                    self.oldest = Some((item.published_at, item.received_at));
                }
            }
            Delivery::Close(_) => {}
        }
        self.frames.push(frame);
    }

    /// What is counted once the frames are written.
    pub fn written(self, metrics: &Metrics) {
        for (kind, bytes) in self.resumes {
            metrics.resumed(kind, bytes);
        }
        if let Some((published_at, received_at)) = self.oldest {
            metrics.fanned_out(published_at, received_at);
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
