//! The real binary as a child process, and people who reach it through real sockets.

mod process;
mod person;

mod secrets;
mod serve;
