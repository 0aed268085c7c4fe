//! n-gram language models: counting, modified Kneser-Ney, pruning, ARPA and binary files, queries.
//!
//! In the order of the way that text takes:
//!
//! - [`words`]: words are bytes; their ids
//! - [`corpus`]: text to word ids, on all threads
//! - `counting`: ids to sorted n-grams, within a budget
//! - `links`: each n-gram without its first word
//! - [`estimation`]: counts to probabilities: modified Kneser-Ney and others
//! - [`table`]: the model as plain tables; pruning
//! - [`arpa`]: the format that all n-gram tools share
//! - [`query`]: hash tables and tries, mapped from a `binary` file; scores, states
//! - `shards` (feature `parquet`): counts from and for other engines, as Parquet
//! - [`storage`], [`progress`], [`error`]: memory and temporary files, what is told, what can be wrong
//!
//! Reading order: [`estimation::train`], [`table`], [`query::model`].

pub mod arpa;
pub(crate) mod binary;
pub mod corpus;
pub(crate) mod counting;
pub mod error;
pub mod estimation;
pub(crate) mod links;
pub mod progress;
pub mod query;
#[cfg(feature = "parquet")]
pub mod shards;
pub mod storage;
pub mod table;
pub mod words;

/// For the fuzz targets only.
#[doc(hidden)]
pub mod fuzzing {
    /// Puts the right hash behind the header of a binary model, so that what it says is looked at.
    pub fn seal(file: &mut [u8]) {
        crate::binary::seal(file);
    }
}

pub use corpus::{Dropped, Source, TextSummary, UnkInText, VocabularyLimits};
pub use error::{NgramError, Result};
pub use estimation::discounts::Discounts;
pub use estimation::settings::{MAX_ORDER, Settings, Smoothing};
pub use estimation::train::{OrderSummary, Trained, train};
pub use progress::{Progress, Silent, Stage};
pub use query::model::build;
pub use query::{BuildKind, Distribution, Model, Score, State, Vocabulary};
#[cfg(feature = "parquet")]
pub use shards::{read::train_from_shards, write::write_shards};
pub use table::mixture::{check_weights, mix, tune};
pub use table::{NEVER, NO_UNK, Table};
pub use words::{BOS, EOS, UNK, Words};
