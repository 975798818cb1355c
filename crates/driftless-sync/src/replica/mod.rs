//! The replica: one user's durable copy, made of the five parts that users know by name.
//!
//! | part | module |
//! |---|---|
//! | the connection | [`websocket_manager`] |
//! | confirmed state and optimistic overlay | [`realtime_state`] |
//! | the durable outbox | [`background_sync`] |
//! | incoming batches and flushes | [`update_processor`] |
//! | settings | [`realtime_config`] |

pub mod storage;
pub mod view;
pub mod realtime_config;
pub mod journal;
pub mod update_processor;
pub mod realtime_state;
pub mod background_sync;
pub mod undo_history;
pub mod websocket_manager;
pub mod types;
mod shown;
pub mod board;
mod tabs;
mod tab_feeds;
mod machine;

pub use background_sync::{NewEdit, SeenMark};
pub use machine::{Replica, token_mark};
pub use realtime_config::RealtimeConfig;
pub use types::{Command, CommitResult, Input, Notice, Now, Output, ReplicaStatus, Settlement};
pub use update_processor::{Attention, Pace, Subject};
