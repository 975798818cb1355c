//! The other tabs of a replica: a channel to talk, and the lead.

use futures::channel::mpsc::UnboundedSender;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, MessageEvent};

use super::election::Election;
use super::lease::Tenancy;
use super::listener::Listener;
use super::tell;
use crate::platform::Signal;

/// What joins a tab with the others. Dropping it leaves them.
pub(super) struct Tabs {
    /// Absent where the browser refuses one: then only what is stored joins the tabs.
    channel: Option<BroadcastChannel>,
    lead: Lead,
    _listener: Option<Listener>,
}

enum Lead {
    Lock(Election),
    Lease(Tenancy),
}

impl Tabs {
    pub(super) fn join(namespace: &str, signals: &UnboundedSender<Signal>) -> Self {
        let name = format!("driftless/{namespace}");
        let channel = BroadcastChannel::new(&name).ok();
        let listener = channel.as_ref().and_then(|channel| {
            let signals = signals.clone();
            Listener::new(channel, "message", move |event| {
                let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
                if let Some(bytes) = data.as_ref().and_then(JsCast::dyn_ref::<Uint8Array>) {
                    tell(&signals, Signal::Told(bytes.to_vec()));
                }
            })
        });
        let lead = match Election::join(&name, signals) {
            Some(election) => Lead::Lock(election),
            None => Lead::Lease(Tenancy::join(namespace, signals)),
        };
        Self {
            channel,
            lead,
            _listener: listener,
        }
    }

    pub(super) fn say(&self, frame: &[u8]) {
        if let Some(channel) = &self.channel {
            // Who does not hear it finds out from what is stored.
            let _ = channel.post_message(&Uint8Array::from(frame));
        }
    }

    pub(super) fn steal(&self) {
        match &self.lead {
            Lead::Lock(election) => election.steal(),
            Lead::Lease(tenancy) => tenancy.steal(),
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.close();
        }
    }
}
