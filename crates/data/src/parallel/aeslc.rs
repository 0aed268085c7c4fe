//! AESLC (Zhang and Tetreault 2019): e-mails to their subject lines.

use std::path::Path;

use crate::error::Result;
use crate::parallel::{Filter, PairReader, Pairs, Split};

/// Reads `train.email` and `train.subject` and so on (validation: `dev`), one e-mail a line.
///
/// Half of the e-mails have more than 74 words and one in ten more than 237: where not all of it is
/// wanted, [`Filter::cut_source`] keeps the beginning, where most of them say what they are about.
///
/// # Errors
/// Those of [`PairReader::next_pair`].
pub fn read(folder: &Path, split: Split, filter: &Filter) -> Result<Pairs> {
    let part = match split {
        Split::Train => "train",
        Split::Valid => "dev",
        Split::Test => "test",
    };
    let path = |side| folder.join(format!("{part}.{side}"));
    PairReader::files(path("email"), path("subject"))?.read_all(filter)
}
