//! ARPA files: the format that all n-gram tools read and write.
//!
//! - [`read`]: from text, gzip or zstd, checked line by line
//! - [`write()`]: to text

mod number;
mod read;
mod write;

pub use read::read;
pub use write::write;
