//! What the driver does between a machine that decides and a world that fails: on a clock that
//! moves when told, over sockets whose other end is the test.

mod stage;
mod faulty;

mod edits;
mod answers;
mod network;
mod storage;
mod tabs;
mod formats;
mod feeds;
mod lifetime;
mod outbox;
mod receipts;
mod ledger;
mod diagnosis;
