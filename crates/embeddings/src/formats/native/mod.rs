//! Lampwick's own file: mapped into memory, it opens in milliseconds whatever its size.
//!
//! ```text
//! "LAMPVEC1", length of the header: 8 bytes, its hash (xxh3): 8 bytes
//! the header: JSON; it names sections, each with offset, length in bytes and hash
//! sections, each at a multiple of 64 bytes; all numbers are little-endian
//! ```
//!
//! | section | what it is |
//! |---|---|
//! | `words.bytes`, `words.ends`, `words.slots` | the words, and a hash table of their rows |
//! | `vectors` | f32 `[words, dim]`; left out where codes say them |
//! | `counts` | u64: how often each word occurs |
//! | `input` | f32 `[words + buckets, dim]`: what fastText trains; the vectors are means of these |
//! | `output` | f32 `[words, dim]`: what words are predicted by; with it a training can go on |
//! | `input.codes`, `input.centroids`, `input.norm_codes`, `input.norms` | `input`, or the vectors where there are no n-grams, quantised |
//! | `graph.N.rows`, `graph.N.ends`, `graph.N.links` | u32: a layer of the index of neighbours: its rows (none: all), where the links of each end, and these, rows again |
//! | `pruned` | u32 pairs: which buckets have rows, where not all do |
//!
//! Opening checks the header by its hash and the sections' places and lengths against the file;
//! [`verify`] reads the rest. Nothing in a section is trusted: an index is checked where it is used.

mod header;
mod read;
mod write;

pub(crate) use header::seal;
pub(super) use read::is_native_file;
pub use read::{is_native, open, verify};
pub(crate) use write::RowsRef;
pub use write::{Contents, write};
