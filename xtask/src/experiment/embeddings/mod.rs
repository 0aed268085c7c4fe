//! `embeddings`: word vectors of 17 million words of Wikipedia, beside those of gensim, fastText and
//! GloVe's own program from the same file with the same parameters.
//!
//! - [`sides`]: who trains, and how it is told to
//! - [`measures`]: what the vectors of one training are worth, kept as a file
//!
//! A training that is finished is `OUT/embeddings/MODEL-SIDE-SEED.json` and is not repeated. First comes
//! everything with seed 1, then with seed 2, then with seed 3.

use std::path::Path;

use anyhow::Result;

use super::figure::{Figure, Reference};
use super::results::{Results, Table};
use super::session::Session;

mod measures;
mod sides;

use measures::{MEASURES, Measured};
use sides::{Side, Sides};

/// Trainings a side, each with its own seed.
const SEEDS: std::ops::RangeInclusive<u32> = 1..=3;

/// A kind of vectors.
struct Model {
    name: &'static str,
    /// In names of files, and what the peers' script calls it.
    key: &'static str,
    /// What `lampwick embed train` is told.
    options: &'static [&'static str],
    /// The first is ours.
    sides: &'static [Side],
}

const MODELS: [Model; 5] = [
    Model {
        name: "SG-NS",
        key: "sg",
        options: &["--model", "skipgram"],
        sides: &[Side::Lampwick, Side::Gensim],
    },
    Model {
        name: "SG-HS",
        key: "sg-hs",
        options: &["--model", "skipgram", "--loss", "hs"],
        sides: &[Side::Lampwick, Side::Gensim],
    },
    Model {
        name: "CBOW-NS",
        key: "cbow",
        options: &["--model", "cbow"],
        sides: &[Side::Lampwick, Side::Gensim],
    },
    Model {
        name: "GloVe",
        key: "glove",
        options: &["--model", "glove"],
        sides: &[Side::Lampwick, Side::Glove],
    },
    Model {
        name: "FastText",
        key: "fasttext",
        options: &["--model", "fasttext"],
        sides: &[Side::Lampwick, Side::Gensim, Side::FastText],
    },
];

pub(super) fn run(session: &Session) -> Result<Results> {
    let folder = session.out().join("embeddings");
    let sides = Sides::find(&folder);
    if !session.gathers() {
        session.needs("wiki17m.txt.gz")?;
        session.needs("wordsets/questions-words.txt")?;
        sides.train(session)?;
    }
    gathered(&folder, sides.missing())
}

/// Everything that is there, as a table and as figures.
fn gathered(folder: &Path, missing: Vec<String>) -> Result<Results> {
    let mut results = Results::new("Word vectors beside gensim's, fastText's and GloVe's");
    results.notes.push(format!(
        "wiki17m (17,000,001 words), {}; one thread. Analogies: Google's, 3CosAdd, per cent right of \
         those whose words are known; the others: Spearman's correlation in hundredths, pairs with an \
         unknown word left out. All vectors are scored by `lampwick embed evaluate`.",
        sides::PARAMETERS
    ));
    results.notes.push(
        "A mean may lie below the best peer's by the larger of the two sides' ranges over their seeds; \
         it is judged once both sides have all three. Words a second are those of a machine that may \
         have been shared: `cargo xtask bench embeddings` measures speed. fastText's \
         releases take no seed: its three trainings are one."
            .into(),
    );
    results.notes.extend(missing);
    let head = ["model", "by", "seeds"].into_iter().chain(MEASURES).chain(["1000 words/s"]);
    let mut rows = vec![head.map(str::to_owned).collect::<Vec<_>>()];
    for model in &MODELS {
        let mut all = Vec::new();
        for &side in model.sides {
            let found = SEEDS.map(|seed| Measured::read(folder, model.key, side, seed));
            let found: Vec<Measured> =
                found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
            rows.push(row(model.name, side, &found));
            all.push((side, found));
        }
        results.figures.extend(MEASURES.iter().enumerate().map(|(n, measure)| {
            let values: Vec<(Side, Vec<f64>)> = all
                .iter()
                .map(|(side, found)| (*side, found.iter().filter_map(|it| it.value(n)).collect()))
                .collect();
            judged(format!("{}, {measure}", model.name), &values)
        }));
        let ours = &all[0].1;
        results.figures.extend(measures::example_figures(model.key, model.name, ours));
        if let Some(examples) = measures::example_table(model.key, model.name, ours) {
            results.tables.push(examples);
        }
    }
    results
        .tables
        .insert(0, Table { title: "Means over the seeds, and their ranges".into(), rows });
    Ok(results)
}

fn row(model: &str, side: Side, found: &[Measured]) -> Vec<String> {
    let mut cells = vec![model.to_owned(), side.name().to_owned(), found.len().to_string()];
    for n in 0..MEASURES.len() {
        let values: Vec<f64> = found.iter().filter_map(|it| it.value(n)).collect();
        cells.push(match mean(&values) {
            None => "-".into(),
            Some(mean) if values.len() < 2 => format!("{mean:.1}"),
            Some(mean) => format!("{mean:.1} ({:.1})", range(&values)),
        });
    }
    let speeds: Vec<f64> = found.iter().filter_map(|it| it.words_per_second).collect();
    cells.push(mean(&speeds).map_or("-".into(), |speed| format!("{:.0}", speed / 1e3)));
    cells
}

/// Ours against the best of the peers.
fn judged(what: String, values: &[(Side, Vec<f64>)]) -> Figure {
    let (_, ours) = &values[0];
    let all = SEEDS.count();
    let best = values[1..]
        .iter()
        .filter_map(|(side, theirs)| Some((side, theirs, mean(theirs)?)))
        .max_by(|a, b| a.2.total_cmp(&b.2));
    let Some((side, theirs, their_mean)) = best else {
        return Figure {
            what,
            measured: mean(ours),
            reference: Reference::None,
            source: String::new(),
        };
    };
    // A peer that is not at its last seed might still become the best.
    let complete = values.iter().all(|(_, values)| values.is_empty() || values.len() == all);
    if !complete || ours.is_empty() {
        let reference = Reference::Beside(their_mean);
        return Figure { what, measured: mean(ours), reference, source: String::new() };
    }
    let allowed = range(ours).max(range(theirs));
    let what = format!("{what} ({} {their_mean:.1}, range {allowed:.1})", side.name());
    let reference = Reference::AtLeast(their_mean - allowed);
    Figure { what, measured: mean(ours), reference, source: String::new() }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The largest less the smallest.
fn range(values: &[f64]) -> f64 {
    let (least, most) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), &x| (least.min(x), most.max(x)));
    if values.is_empty() { 0.0 } else { most - least }
}

#[cfg(test)]
mod tests {
    use super::super::figure::Verdict;
    use super::*;

    fn verdict(ours: &[f64], gensim: &[f64], fasttext: &[f64]) -> Verdict {
        let values = [
            (Side::Lampwick, ours.to_vec()),
            (Side::Gensim, gensim.to_vec()),
            (Side::FastText, fasttext.to_vec()),
        ];
        judged("x".into(), &values).verdict()
    }

    #[test]
    fn a_mean_may_lie_below_the_best_peer_by_the_range_of_the_seeds() {
        let peer = [24.0, 24.5, 25.0];
        assert_eq!(verdict(&[23.6, 23.5, 23.4], &peer, &[]), Verdict::Within);
        assert_eq!(verdict(&[23.5, 23.4, 23.4], &peer, &[]), Verdict::Outside);
        // The wider of the two counts; the better of two peers counts.
        assert_eq!(verdict(&[21.0, 23.0, 25.0], &peer, &[]), Verdict::Within);
        assert_eq!(verdict(&[23.6, 23.5, 23.4], &peer, &[30.0, 30.0, 30.0]), Verdict::Outside);
        // Two of three seeds are no verdict, nor is a peer that is not there.
        assert_eq!(verdict(&[10.0, 10.0], &peer, &[]), Verdict::Shown);
        assert_eq!(verdict(&[10.0, 10.0, 10.0], &[24.0], &[]), Verdict::Shown);
        assert_eq!(verdict(&[10.0, 10.0, 10.0], &[], &[]), Verdict::Shown);
    }
}
