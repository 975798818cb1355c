//! A real server on a real port, and people who speak to it through raw sockets.

mod person;

mod attacks;
mod connections;
mod edits;
mod feeds;
mod handshake;
mod http;
mod metrics;
mod jwt;
mod published_keys;
mod protocol_page;
mod push;
mod rights;
mod sharing;
mod sign_in;
mod slow;
mod spans;
