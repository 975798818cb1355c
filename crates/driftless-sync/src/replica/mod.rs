//! The replica: one user's durable copy, made of the five parts that users know by name.

pub mod storage;
pub mod view;
