//! The page of a board.

pub mod title;
pub mod add_menu;
pub mod cable;
pub mod account;
pub mod name_dialog;
pub mod sign_in_notice;
pub mod monitor;
pub mod top_bar;
pub mod refusal;
pub mod canvas;
pub mod undo_keys;
pub mod page;
