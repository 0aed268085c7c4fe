//! The one way to change the disk: every file and folder that these crates write, flush, rename or
//! remove is written, flushed, renamed or removed by a function of this module.
//!
//! - [`operations`]: those functions
//! - [`unfinished`]: names for what is not complete yet, and its removal
//! - [`faults`]: a disk that fails once, for tests
//!
//! That a power cut or a full disk costs nothing but the work since the last checkpoint is a claim
//! about each of these operations; with all of them in one place, a test can fail each in turn.

pub mod faults;
pub mod operations;
pub mod unfinished;

pub use operations::{
    OutputFile, create_folder, remove_empty_folder, remove_file, remove_folder, rename,
    sync_folder, write_new,
};
pub use unfinished::{UnfinishedFolder, remove_own_unfinished, remove_unfinished};
