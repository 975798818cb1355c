//! "Share": an owner makes links to the board, sees who has a role on it, and revokes.

pub mod request;
mod made;
mod form;
mod people;
pub mod dialog;
