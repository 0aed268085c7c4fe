//! The published tasks by name.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::parallel::scan::ScanSplit;
use crate::parallel::{Filter, Pairs, aeslc, cmudict, rnnlg, scan};

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What is learnt from.
    Train,
    /// What settings are chosen by.
    Valid,
    /// What is reported.
    Test,
}

/// A task whose files are read as they are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairCorpus {
    /// SCAN, commands to actions, the random split.
    ScanSimple,
    /// SCAN, trained on short action sequences and tested on long ones.
    ScanLength,
    /// CMUdict, letters to phonemes.
    Cmudict,
    /// RNNLG, dialogue acts to sentences.
    Rnnlg,
    /// AESLC, e-mails to subject lines.
    Aeslc,
}

impl PairCorpus {
    /// Reads one part of the files in `folder`.
    ///
    /// # Errors
    /// Files that are missing, that are no text, or that do not hold what theirs hold.
    pub fn read(self, folder: &Path, split: Split, filter: &Filter) -> Result<Pairs> {
        match self {
            Self::ScanSimple => scan::read(folder, ScanSplit::Simple, split, filter),
            Self::ScanLength => scan::read(folder, ScanSplit::Length, split, filter),
            Self::Cmudict => cmudict::read(folder, split, filter),
            Self::Rnnlg => rnnlg::read(folder, split, filter),
            Self::Aeslc => aeslc::read(folder, split, filter),
        }
    }
}

/// Where a text falls among a hundred equal parts: the same on every machine and in every version.
/// The first eight bytes of its SHA-256, big-endian, modulo 100.
pub(crate) fn percentile(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first) % 100
}
