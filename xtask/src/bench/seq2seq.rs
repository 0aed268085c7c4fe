//! `cargo xtask bench seq2seq`: encoder-decoders of the sizes of `configs/seq2seq/multi30k.toml`.
//!
//! Training: target tokens a second beside the same model in PyTorch, over batches of the same shapes.
//! Decoding: sentences a second at a beam of 5 beside JoeyNMT, over the same sources in the same
//! batches. The weights are random, so both sides are held to the same lengths: each target of a
//! batch has as many tokens as the batch's longest source.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::side::Side;
use crate::cargo::root;
use crate::numbers::{figure, median, ratio, table};

/// The config that the sizes are of.
const CONFIG: &str = "configs/seq2seq/multi30k.toml";

/// Pairs of a batch, and tokens of each source and of each target with its end. The config's batches
/// hold 1,500 positions.
const BATCHES: [(usize, usize, usize); 3] = [(100, 14, 15), (50, 29, 30), (25, 59, 60)];

/// Sentences that are decoded side by side, and hypotheses of each.
const SENTENCES: usize = 64;
const BEAM: usize = 5;

/// Side of the square product whose speed stands for what a library reaches.
const PRODUCT: usize = 2048;

/// Multiplications and additions in registers alone, whose speed is what the machine can do.
const OPERATIONS: usize = 10_000_000_000;

/// What `cargo xtask bench seq2seq` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: super::Common,
    /// Only cases whose name contains this, such as `train` or `beam`
    filter: Option<String>,
    /// Units of the decoder, of which the encoder has half in each direction [default: the config's]
    #[arg(long)]
    hidden: Option<usize>,
    /// Decode only so many sentences of the test set; 0 is all
    #[arg(long, default_value_t = 0)]
    sentences: usize,
}

/// One row (medians).
#[derive(Serialize)]
struct Row {
    case: String,
    unit: &'static str,
    lampwick: Option<f64>,
    other: String,
    theirs: Option<f64>,
    /// How many times as fast as the other.
    over: Option<f64>,
    /// Which that is to be.
    aim: f64,
    /// Share of the machine's multiply-adds in registers, of which the products alone are counted.
    share_of_machine: Option<f64>,
    /// Share of the speed of one large product.
    share_of_sgemm: Option<f64>,
}

/// Sizes of the models.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    vocabulary: usize,
    embedding: usize,
    hidden: usize,
}

impl Sizes {
    fn of_config(hidden: Option<usize>) -> Result<Self> {
        let path = root().join(CONFIG);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let config: toml::Table = toml::from_str(&text).with_context(|| CONFIG)?;
        let number = |keys: &[&str]| -> Result<usize> {
            let first = config.get(keys[0]);
            let value = keys[1..].iter().fold(first, |value, key| value?.get(key));
            let number = value.and_then(toml::Value::as_integer);
            let number = number.with_context(|| format!("{CONFIG}: no {}", keys.join(".")))?;
            Ok(usize::try_from(number)?)
        };
        Ok(Self {
            vocabulary: number(&["tokenizers", "target", "subwords", "size"])?,
            embedding: number(&["model", "embedding"])?,
            hidden: hidden.map_or_else(|| number(&["model", "decoder", "hidden"]), Ok)?,
        })
    }

    /// Multiplications and additions of the products for a token that is read, and for one that is
    /// written while `positions` of the other side are looked at.
    fn products(self, readout: usize, positions: usize) -> [f64; 2] {
        let Self { vocabulary, embedding, hidden } = self;
        let lstm = |input: usize, hidden: usize| 4 * hidden * (input + hidden);
        let read = 2 * lstm(embedding, hidden / 2) + hidden * hidden;
        let looked = 2 * positions * hidden;
        let written =
            lstm(embedding, hidden) + looked + 2 * hidden * readout + readout * vocabulary;
        [read, written].map(|multiplied| 2.0 * multiplied as f64)
    }
}

/// Something that both sides are asked.
struct Case {
    name: String,
    unit: &'static str,
    question: Value,
    /// Multiplications and additions of the products for one of what is counted.
    operations: f64,
    aim: f64,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let common = &arguments.common;
    let (rounds, threads) = (common.rounds, common.threads);
    let wanted = |name: &str| arguments.filter.as_ref().is_none_or(|part| name.contains(part));
    let sizes = Sizes::of_config(arguments.hidden)?;
    let mut ours = Side::ours("bench_seq2seq", threads)?;
    let mut machine = Side::ours("bench_recurrent", threads)?;
    let mut rows = Vec::new();
    let training: Vec<Case> = BATCHES
        .into_iter()
        .map(|batch| training(sizes, batch))
        .filter(|case| wanted(&case.name))
        .collect();
    if !training.is_empty() {
        let other = Side::pytorch("encoder_decoder.py", threads)?;
        rows.extend(measure(
            &training,
            &mut ours,
            other,
            &mut machine,
            common,
            common.seconds * 5.0,
        )?);
    }
    if wanted("beam") {
        match sources(arguments.sentences, sizes.vocabulary)? {
            Ok(sources) => {
                let other = Side::joeynmt("beam_search.py", threads)?;
                let case = [decoding(sizes, &sources)];
                rows.extend(measure(&case, &mut ours, other, &mut machine, common, 0.0)?);
            }
            Err(why) => eprintln!("{why}"),
        }
    }
    if common.json {
        println!("{}", serde_json::to_string_pretty(&json!({"threads": threads, "rows": rows}))?);
        return Ok(());
    }
    println!("{}; {threads} threads each, medians of {rounds} rounds; {sizes:?}\n", ours.name());
    let head = ["case", "Lampwick", "other", "theirs", "ratio", "aim", "of sgemm", "of machine"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for row in &rows {
        lines.push(vec![
            format!("{}, {}", row.case, row.unit),
            figure(row.lampwick),
            row.other.clone(),
            figure(row.theirs),
            ratio(row.over),
            ratio(Some(row.aim)),
            percent(row.share_of_sgemm),
            percent(row.share_of_machine),
        ]);
    }
    print!("{}", table(&lines));
    println!(
        "\nof sgemm, of machine: the matrix products' operations a second over those of one large\n\
         product, and over the machine's multiply-adds in registers; 100 % is the bound"
    );
    Ok(())
}

/// Asks both sides in turn.
fn measure(
    cases: &[Case],
    ours: &mut Side,
    other: std::result::Result<Side, String>,
    machine: &mut Side,
    common: &super::Common,
    seconds: f64,
) -> Result<Vec<Row>> {
    let super::Common { rounds, threads, .. } = *common;
    let (mut other, name) = match other {
        Ok(side) => {
            let name = side.name().to_owned();
            (Some(side), name)
        }
        Err(why) => (None, why),
    };
    let product = json!({"ask": "product", "size": PRODUCT, "seconds": 0.2});
    let spin = json!({"ask": "peak", "operations": OPERATIONS, "threads": threads, "seconds": 0.1});
    let mut rows = Vec::new();
    for case in cases {
        let mut question = case.question.clone();
        question["seconds"] = json!(seconds);
        let (mut lampwick, mut theirs) = (Vec::new(), Vec::new());
        let (mut sgemm, mut registers) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            lampwick.push(rate(&ours.ask(&question)?)?);
            let square = (PRODUCT * PRODUCT * PRODUCT) as f64;
            sgemm.push(2.0 * square / fastest(&machine.ask(&product)?)?);
            registers.push(OPERATIONS as f64 / fastest(&machine.ask(&spin)?)?);
            if let Some(other) = &mut other {
                theirs.push(rate(&other.ask(&question)?)?);
            }
        }
        eprintln!("{}", case.name);
        let (lampwick, theirs) = (median(&lampwick), median(&theirs));
        let share = |of: &[f64]| Some(lampwick? * case.operations / median(of)?);
        rows.push(Row {
            case: case.name.clone(),
            unit: case.unit,
            lampwick,
            other: name.clone(),
            theirs,
            over: lampwick.zip(theirs).map(|(ours, theirs)| ours / theirs),
            aim: case.aim,
            share_of_machine: share(&registers),
            share_of_sgemm: share(&sgemm),
        });
    }
    Ok(rows)
}

/// Tied three ways: the output reads as many features as a word has.
fn training(sizes: Sizes, (batch, source, target): (usize, usize, usize)) -> Case {
    let (pairs, read, written) = (batch as f64, source as f64, target as f64);
    let [encoded, decoded] = sizes.products(sizes.embedding, source);
    Case {
        name: format!("train, {batch} pairs of {source} and {target}"),
        unit: "target tokens/s",
        question: json!({
            "ask": "train", "vocabulary": sizes.vocabulary, "embedding": sizes.embedding, "hidden": sizes.hidden,
            "readout": sizes.embedding, "layers": 1, "dropout": 0.3, "label_smoothing": 0.1,
            "clip_norm": 1.0, "batch": batch, "source": source, "target": target,
        }),
        // Forward, and two products for each of them backward.
        operations: 3.0 * pairs * (read * encoded + written * decoded) / (pairs * written),
        aim: 1.3,
    }
}

/// JoeyNMT's output reads as many features as the decoder has units; so does ours.
fn decoding(sizes: Sizes, sources: &[Vec<u32>]) -> Case {
    let mut order: Vec<&Vec<u32>> = sources.iter().collect();
    order.sort_by_key(|source| std::cmp::Reverse(source.len()));
    let mut operations = 0.0;
    let mut batches = Vec::new();
    for batch in order.chunks(SENTENCES) {
        let longest = batch[0].len();
        for source in batch {
            let [encoded, decoded] = sizes.products(sizes.hidden, source.len());
            // One hypothesis at the first step, then all of them.
            let rows = 1 + longest * BEAM;
            operations += source.len() as f64 * encoded + rows as f64 * decoded;
        }
        batches.push(json!({"tokens": longest, "sources": batch}));
    }
    Case {
        name: format!("beam {BEAM}, {} sentences, {SENTENCES} together", sources.len()),
        unit: "sentences/s",
        question: json!({
            "ask": "translate", "vocabulary": sizes.vocabulary, "embedding": sizes.embedding, "hidden": sizes.hidden,
            "readout": sizes.hidden, "beam": BEAM, "length_penalty": 1.0, "batches": batches,
        }),
        operations: operations / sources.len() as f64,
        aim: 3.0,
    }
}

/// The sources of test_2016_flickr, their words as ids; or why there are none.
fn sources(most: usize, vocabulary: usize) -> Result<std::result::Result<Vec<Vec<u32>>, String>> {
    let Some(data) = std::env::var_os("LAMPWICK_DATA") else {
        return Ok(Err("beam: no data, set LAMPWICK_DATA to a folder with multi30k".into()));
    };
    let path = Path::new(&data).join("multi30k").join("test_2016_flickr.en");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut all: Vec<Vec<u32>> =
        text.lines().map(|line| ids(line, vocabulary)).filter(|ids| !ids.is_empty()).collect();
    if most > 0 {
        all.truncate(most);
    }
    Ok(Ok(all))
}

/// Words and signs, numbered by a hash. The numbers below 4 are JoeyNMT's own.
fn ids(line: &str, vocabulary: usize) -> Vec<u32> {
    let number = |word: &str| {
        // FNV-1a.
        let hash = word
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193));
        4 + hash % (vocabulary as u32 - 4)
    };
    let cut = |word: &str| -> Vec<u32> {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_punctuation());
        let signs = word[letters.len()..].chars().map(|sign| number(&sign.to_string()));
        let letters = (!letters.is_empty()).then(|| number(letters));
        letters.into_iter().chain(signs).collect()
    };
    line.split_whitespace().flat_map(cut).collect()
}

fn rate(answer: &Value) -> Result<f64> {
    answer["per_second"].as_f64().with_context(|| format!("no rate in {answer}"))
}

/// Seconds of the fastest run: a peak is what can be reached.
fn fastest(answer: &Value) -> Result<f64> {
    let times = answer["ms"].as_array().with_context(|| format!("no times in {answer}"))?;
    let fastest = times.iter().filter_map(Value::as_f64).fold(f64::INFINITY, f64::min);
    Ok(fastest / 1e3)
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.0} %", share * 1e2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_words_and_signs() {
        let sentence = ids("Two men, outside.", 8000);
        assert_eq!(sentence.len(), 5);
        assert_eq!(sentence[0], ids("Two", 8000)[0]);
        assert!(sentence.iter().all(|&id| (4..8000).contains(&id)), "{sentence:?}");
        assert!(ids("  ", 8000).is_empty());
    }

    #[test]
    fn a_written_token_costs_what_its_matrices_hold() {
        // LSTM 4 x 512 x 768, readout 1024 x 512, output 512 x 8000, and 10 positions seen twice.
        let sizes = Sizes { vocabulary: 8000, embedding: 256, hidden: 512 };
        let [_, written] = sizes.products(512, 10);
        assert_eq!(written, 2.0 * (1_572_864 + 524_288 + 4_096_000 + 10_240) as f64);
    }
}
