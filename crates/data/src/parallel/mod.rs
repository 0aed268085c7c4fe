//! Parallel text: lines that answer each other.
//!
//! - [`lines`]: whole lines of a file or stream
//! - [`alignment`]: files that must have equally many, and where they part when they have not

pub mod alignment;
pub mod lines;

pub use alignment::{Astray, check_line_counts};
pub use lines::Lines;
