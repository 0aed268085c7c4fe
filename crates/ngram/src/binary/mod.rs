//! Binary models: one file, mapped into memory.
//!
//! ```text
//! magic "LAMPNGRM", byte order mark 0x01020304, version, kind, order: 4 bytes each but the first
//! number of sections; for each section its offset, its length and its hash: 8 bytes each
//! hash of all this
//! sections, each at a multiple of 64 bytes
//! ```
//!
//! All numbers are little-endian. Opening checks the header by its hash and the sections' places
//! against the file's length: milliseconds, whatever the size. [`Sections::verify`] checks the rest.
//! Nothing in a section is trusted: every index that is read is checked where it is used.

mod header;
mod sections;

pub(crate) use header::{Header, Kind, seal};
pub(crate) use sections::{Backing, SectionWriter, Sections};
