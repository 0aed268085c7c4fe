//! Where the decoder looks as it writes: `attention.json`, after each epoch, for the report.

use std::io::Write;
use std::path::Path;

use lampwick_data::{Tokenizer, atomic};
use lampwick_models::{AttentionKind, EncoderDecoder};
use serde::{Deserialize, Serialize};

use super::corpus::PairCorpus;
use super::judge::Judge;
use crate::config::Seq2SeqConfig;
use crate::error::{Error, Result};
use crate::task::At;

/// The file's name in the run directory.
pub const ATTENTION: &str = "attention.json";

/// `attention.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looks {
    /// Epochs trained.
    pub epoch: u64,
    /// Steps trained.
    pub step: u64,
    /// The first validation sources, as many as `validation.samples`.
    pub translations: Vec<Look>,
}

/// One translation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Tokens that are read; of a picture the cells of its grid, as row and column, of a recording the
    /// seconds at which each position begins.
    pub source: Vec<String>,
    /// Tokens that are written, the end among them where it was reached.
    pub target: Vec<String>,
    /// What they are as text.
    pub text: String,
    /// What the source is as text.
    pub source_text: String,
    /// What should have been written.
    pub reference: String,
    /// For each token that is written its attention on those that are read.
    pub attention: Vec<Vec<f32>>,
}

/// Reads a run's `attention.json`; `None` where there is none.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`] when it is not what this program writes.
pub fn read(dir: &Path) -> Result<Option<Looks>> {
    let path = dir.join(ATTENTION);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::read(&path, error)),
    };
    let mend = "remove it: the next epoch writes it anew";
    serde_json::from_slice(&text).map(Some).map_err(|e| Error::Damaged {
        path,
        problem: e.to_string(),
        mend,
    })
}

/// Translates the first validation sources, and writes where the decoder looked.
pub(super) fn look(
    dir: &Path,
    at: At,
    model: &EncoderDecoder,
    corpus: &PairCorpus,
    config: &Seq2SeqConfig,
) -> Result<()> {
    let (portion, v) = (&corpus.valid, &config.validation);
    let count = v.samples.min(portion.ids.len());
    if at.epoch == 0 || count == 0 || config.model.attention == AttentionKind::None {
        return Ok(());
    }
    let judge = Judge::new(model, corpus, config);
    let found = judge.search(portion, count, v.beam, true, &mut |_, _| true)?.unwrap_or_default();
    let of = &corpus.tokenizers;
    let mut translations = Vec::with_capacity(count);
    for (index, (ids, found)) in portion.ids.source.iter().zip(found).enumerate() {
        let source = match &portion.media {
            None => words(&of.source, ids),
            Some(media) => media.positions(index, &config.model.reads),
        };
        // A source of no tokens has nothing to be looked at.
        let Some(best) = found.into_iter().next().filter(|_| !source.is_empty()) else { continue };
        let end = best.finished.then_some(corpus.end);
        let target: Vec<u32> = best.tokens.iter().copied().chain(end).collect();
        let attention = best.attention.unwrap_or_default();
        translations.push(Look {
            source,
            target: words(&of.target, &target),
            text: of.target.decode(&best.tokens).trim().to_string(),
            source_text: portion.text.source[index].clone(),
            reference: portion.text.target[index].clone(),
            attention: attention
                .rows()
                .take(target.len())
                .map(|row| row.iter().map(|w| rounded(*w)).collect())
                .collect(),
        });
    }
    let looks = Looks { epoch: at.epoch, step: at.step, translations };
    let mut bytes = serde_json::to_vec(&looks).expect("attention is plain data");
    bytes.push(b'\n');
    Ok(atomic::write(dir.join(ATTENTION), |w| w.write_all(&bytes))?)
}

fn words(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    ids.iter().map(|&id| tokenizer.vocabulary().word(id).to_string()).collect()
}

/// To a thousandth: what a picture shows.
fn rounded(weight: f32) -> f32 {
    (weight * 1000.0).round() / 1000.0
}
