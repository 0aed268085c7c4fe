//! `lampwick ngram perplexity`: how well a model predicts a text.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use lampwick::metrics::{Perplexity, Unit};
use lampwick::ngram::{BOS, EOS, Model, NgramError, Score, Source};
use serde_json::json;

use super::opened::{self, Load};
use super::{is_ended, is_oov, sentence, tell_marks};
use crate::commands::places::{is_stdin, stdin_once};
use crate::exit::Exit;
use lampwick::metrics::figures::{self, count};

/// Words that are scored at a time.
const WORDS: usize = 1 << 13;

/// What `lampwick ngram perplexity` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram perplexity model.bin test.txt
  lampwick ngram perplexity model.arpa.gz < test.txt
  lampwick ngram perplexity model.bin test.txt --json | jq .perplexity

Every word and the </s> of every line is scored. Words that are not in the vocabulary are scored as
<unk>; the second perplexity leaves them out. An <unk> that stands in the text is a word, where
KenLM's `query` counts it as out of vocabulary. <s> in a line is not scored: what follows it begins
a sentence; </s> is scored where it stands, and not again where a line ends with it. Two
perplexities compare with equal vocabularies only.")]
pub(crate) struct Arguments {
    /// The model: binary, or ARPA
    model: PathBuf,
    /// Texts, plain, gzip or zstd; none or - is stdin
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// How a binary model is opened
    #[arg(long, value_enum, default_value_t = Load::Map)]
    load: Load,
}

/// What a text came to.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    /// With words that are not in the vocabulary.
    with: Perplexity,
    /// Without them.
    without: Perplexity,
    sentences: u64,
    /// `<s>` and `</s>` in the text.
    marks: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    stdin_once(&arguments.files)?;
    let reads_stdin =
        arguments.files.is_empty() || arguments.files.iter().any(|text| is_stdin(text));
    let model = model(&arguments.model, arguments.load, reads_stdin)?;
    let mut scored = Scored::nothing();
    if arguments.files.is_empty() {
        scored.add(&model, Source::new("standard input", std::io::stdin())?)?;
    }
    for file in &arguments.files {
        scored.add(&model, Source::named(file)?)?;
    }
    scored.expect_some()?;
    let mut out = crate::output::stdout();
    tell_marks(scored.marks);
    let Scored { with, without, sentences, .. } = &scored;
    if arguments.json {
        let object = json!({
            "perplexity": with.value(),
            "perplexity_without_oov": without.value(),
            "unit": with.unit(),
            "tokens": with.tokens(),
            "oov": with.oov(),
            "sentences": sentences,
            "counts_eos": true,
            "nats_per_token": with.nats_per_token(),
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    let [with_oov, without_oov] = [with, without].map(|each| figures::perplexity(each.value()));
    writeln!(out, "perplexity         {with_oov} per word, OOV included")?;
    writeln!(out, "                   {without_oov} per word, OOV left out")?;
    let words = count(with.tokens());
    writeln!(out, "tokens scored      {words} (with </s>), {} sentences", count(*sentences))?;
    let share = 100.0 * with.oov() as f64 / with.tokens().max(1) as f64;
    writeln!(out, "out of vocabulary  {} ({share:.2} %)", count(with.oov()))?;
    writeln!(out, "bits per token     {:.4}", with.bits_per_token())?;
    Ok(Exit::Done)
}

/// `lampwick evaluate MODEL FILE` for an n-gram model.
pub(crate) fn evaluate(model: &Path, file: &Path) -> anyhow::Result<Perplexity> {
    let model = self::model(model, Load::Map, is_stdin(file))?;
    let mut scored = Scored::nothing();
    scored.add(&model, Source::named(file)?)?;
    scored.expect_some()?;
    tell_marks(scored.marks);
    Ok(scored.with)
}

/// The model, which is not standard input where the text is.
fn model(path: &Path, load: Load, reads_stdin: bool) -> anyhow::Result<Model> {
    if reads_stdin { opened::model_beside_stdin(path, load) } else { opened::model(path, load) }
}

impl Scored {
    fn nothing() -> Self {
        let perplexity = Perplexity::new(Unit::Word, true);
        Self { with: perplexity.clone(), without: perplexity, sentences: 0, marks: 0 }
    }

    /// Refuses to give the perplexity of nothing.
    fn expect_some(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.with.tokens() > 0,
            "the text is empty; give one with at least one line"
        );
        Ok(())
    }

    /// Scores a text, some sentences at a time.
    fn add(&mut self, model: &Model, text: Source) -> anyhow::Result<()> {
        let Source { name, reader, .. } = text;
        let mut text = BufReader::with_capacity(1 << 18, reader);
        let (mut line, mut ended) = (Vec::new(), false);
        let (mut ids, mut unknown, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut scores = Vec::new();
        while !ended {
            ids.clear();
            unknown.clear();
            ends.clear();
            while ids.len() < WORDS && !ended {
                line.clear();
                let read = text.read_until(b'\n', &mut line);
                ended =
                    read.map_err(|source| NgramError::Read { name: name.clone(), source })? == 0;
                if ended {
                    break;
                }
                self.sentences += 1;
                for word in sentence(&line) {
                    let id = model.vocabulary().id(word);
                    self.marks += u64::from(id == BOS || id == EOS);
                    if id == BOS {
                        ends.push(ids.len());
                        continue;
                    }
                    ids.push(id);
                    unknown.push(is_oov(id, word));
                }
                self.marks -= u64::from(!is_ended(&line));
                ends.push(ids.len());
            }
            model.score_sentences(&ids, &ends, &mut scores);
            let mut from = 0;
            for &end in &ends {
                self.scores(scores[from..end].iter().zip(&unknown[from..end]));
                from = end;
            }
        }
        Ok(())
    }

    /// Adds the scores of some words, and whether each is not in the vocabulary.
    fn scores<'a>(&mut self, scores: impl Iterator<Item = (&'a Score, &'a bool)>) {
        let (mut known, mut unknown) = ((0.0, 0u64), (0.0, 0u64));
        for (score, &is_unknown) in scores {
            let kind = if is_unknown { &mut unknown } else { &mut known };
            (kind.0, kind.1) = (kind.0 - f64::from(score.log10), kind.1 + 1);
        }
        let nats = |log10: f64| log10 * std::f64::consts::LN_10;
        self.without.add(nats(known.0), known.1);
        self.with.add(nats(known.0 + unknown.0), known.1 + unknown.1);
        self.with.add_oov(unknown.1);
    }
}
