//! fastText's own models (`.bin`, and quantised `.ftz`), version 12 of the format, and 11 when read.
//!
//! ```text
//! magic, version: i32
//! dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate: i32; t: f64
//! size, nwords, nlabels: i32; ntokens, pruneidx_size: i64
//! size times: word, NUL; count: i64; type: i8
//! pruneidx_size times: bucket, row: i32
//! quantised: bool; the input matrix    a row a word, then one a bucket (or one for each that is kept)
//! quantised: bool; the output matrix
//! ```
//!
//! A matrix is `rows, columns: i64` and its floats; a quantised one has codes and centroids instead.

mod read;
mod write;

pub use read::read;
pub use write::write;

const MAGIC: i32 = 793_712_314;
const VERSION: i32 = 12;

/// Whether a file begins as a model of fastText.
pub fn is_fasttext(start: &[u8]) -> bool {
    start.starts_with(&MAGIC.to_le_bytes())
}

/// fastText's numbers for what is trained.
mod numbers {
    pub(super) const HIERARCHICAL_SOFTMAX: i32 = 1;
    pub(super) const NEGATIVE_SAMPLING: i32 = 2;
    pub(super) const CBOW: i32 = 1;
    pub(super) const SKIP_GRAM: i32 = 2;
    pub(super) const SUPERVISED: i32 = 3;
}
