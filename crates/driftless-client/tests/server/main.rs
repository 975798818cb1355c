//! Native clients against the real server, over real sockets.

mod world;

mod connect;
mod sockets;
mod together;
mod offline;
mod conflicts;
mod bad_day;
mod killed;
mod long_sleep;
