//! `entropy`: bits above the entropy of the synthetic language, against model size and against the
//! size of the training text, with a power law through each curve.

use anyhow::Result;

use super::figure::{Figure, Reference};
use super::power_law::PowerLaw;
use super::results::{Axis, Chart, Curve, Results, Table};
use super::session::{Run, Session};
use super::trained::Trained;

const CONFIG: &str = "configs/lm/entropy.toml";

const CELLS: [(&str, &str); 3] = [("rnn_tanh", "tanh RNN"), ("gru", "GRU"), ("lstm", "LSTM")];

/// Units, at the most training text; and training tokens, at the most units.
const UNITS: [usize; 5] = [8, 16, 32, 64, 128];
const TOKENS: [usize; 6] = [12_500, 25_000, 50_000, 100_000, 200_000, 400_000];

/// What a point of a curve is.
struct Point {
    cell: &'static str,
    units: usize,
    tokens: usize,
    parameters: f64,
    bits_above: f64,
}

/// One of the two questions.
struct Question {
    title: &'static str,
    x: &'static str,
    /// Whether a point belongs to it, and where it lies.
    belongs: fn(&Point) -> bool,
    at: fn(&Point) -> f64,
}

const QUESTIONS: [Question; 2] = [
    Question {
        title: "Against model size",
        x: "parameters",
        belongs: |point| point.tokens == TOKENS[TOKENS.len() - 1],
        at: |point| point.parameters,
    },
    Question {
        title: "Against training text",
        x: "tokens",
        belongs: |point| point.units == UNITS[UNITS.len() - 1],
        at: |point| point.tokens as f64,
    },
];

pub(super) fn run(session: &Session) -> Result<Results> {
    let mut runs = Vec::new();
    for (cell, name) in CELLS {
        for (units, tokens) in grid() {
            let run = Run {
                folder: format!("entropy/{cell}-{units}-{tokens}"),
                config: CONFIG.into(),
                overrides: vec![
                    format!("model.cell={cell}"),
                    format!("model.hidden={units}"),
                    format!("model.embedding={units}"),
                    format!("data.train_tokens={tokens}"),
                ],
            };
            runs.push((name, units, tokens, run));
        }
    }
    let only: Vec<Run> = runs.iter().map(|(.., run)| run.clone()).collect();
    let trained = session.train(&only)?;
    let points: Vec<Point> = runs
        .iter()
        .zip(&trained)
        .filter_map(|((cell, units, tokens, _), trained)| {
            let trained: &Trained = trained.as_ref().filter(|trained| trained.finished())?;
            Some(Point {
                cell,
                units: *units,
                tokens: *tokens,
                parameters: trained.info.parameters as f64,
                bits_above: trained.best()?.bits_above_source?,
            })
        })
        .collect();
    Ok(results(&points))
}

/// Both axes, their common corner once, small first.
fn grid() -> Vec<(usize, usize)> {
    let (most_units, most_tokens) = (UNITS[UNITS.len() - 1], TOKENS[TOKENS.len() - 1]);
    let by_size = UNITS.iter().map(|&units| (units, most_tokens));
    let by_text = TOKENS.iter().map(|&tokens| (most_units, tokens));
    let mut grid: Vec<(usize, usize)> = by_size.chain(by_text).collect();
    grid.sort_unstable();
    grid.dedup();
    grid
}

fn results(points: &[Point]) -> Results {
    let mut results = Results::new("entropy: bits per word above the source");
    results.notes.push(format!(
        "Best validation of each run on the synthetic language, whose own entropy on the same text \
         is known exactly; config `{CONFIG}`. Model sizes at {} training tokens, text sizes at {} \
         units; word vectors as wide as the layer. The power law is a x^b, by least squares of the \
         logarithms; ± is the standard error of b. Each run reads 1.6 million tokens at most, which \
         does not train the largest to their end.",
        TOKENS[TOKENS.len() - 1],
        UNITS[UNITS.len() - 1]
    ));
    let head = ["cell", "against", "points", "exponent b", "residual"];
    let mut laws = vec![head.map(str::to_owned).to_vec()];
    for question in &QUESTIONS {
        let mut curves = Vec::new();
        for (_, cell) in CELLS {
            let mut curve: Vec<(f64, f64)> = points
                .iter()
                .filter(|point| point.cell == cell && (question.belongs)(point))
                .map(|point| ((question.at)(point), point.bits_above))
                .collect();
            curve.sort_by(|a, b| a.0.total_cmp(&b.0));
            if let Some(law) = PowerLaw::fit(&curve) {
                laws.push(vec![
                    cell.into(),
                    question.x.into(),
                    curve.len().to_string(),
                    format!("{:.3} ± {:.3}", law.exponent, law.exponent_error),
                    format!("{:.1} %", 100.0 * law.residual),
                ]);
                let fitted = curve.iter().map(|&(x, _)| (x, law.at(x))).collect();
                curves.push(Curve::marked(cell, curve));
                curves.push(Curve::line(&format!("{cell}: x^{:.2}", law.exponent), fitted));
            }
        }
        results.charts.push(Chart {
            title: question.title.into(),
            caption: "both logarithmic".into(),
            x: Axis::logarithmic(question.x),
            y: Axis::logarithmic("bits above the source"),
            curves,
        });
    }
    results.tables.push(Table { title: "Power laws".into(), rows: laws });
    results.tables.push(measured(points));
    let least = points.iter().map(|point| point.bits_above).min_by(f64::total_cmp);
    results.figures.push(Figure {
        what: "the least of all, bits above the source".into(),
        measured: least,
        // The validation text is a sample: a model could be luckier on it than the source.
        reference: Reference::AtLeast(-0.01),
        source: "the source's entropy, by the forward algorithm: no model is better on average"
            .into(),
    });
    results
}

fn measured(points: &[Point]) -> Table {
    let mut rows = vec![["units", "tokens"].map(str::to_owned).to_vec()];
    rows[0].extend(CELLS.map(|(_, name)| name.to_owned()));
    for (units, tokens) in grid() {
        let cell = |(_, name): (&str, &str)| {
            let at = |point: &&Point| {
                point.cell == name && point.units == units && point.tokens == tokens
            };
            let bits = |point: &Point| format!("{:.3}", point.bits_above);
            points.iter().find(at).map_or("-".into(), bits)
        };
        let mut row = vec![units.to_string(), tokens.to_string()];
        row.extend(CELLS.map(cell));
        rows.push(row);
    }
    Table { title: "Bits per word above the source".into(), rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_power_law_give_its_exponent() {
        let points: Vec<Point> = TOKENS
            .iter()
            .map(|&tokens| Point {
                cell: "GRU",
                units: 128,
                tokens,
                parameters: 1e5,
                bits_above: 40.0 * (tokens as f64).powf(-0.5),
            })
            .collect();
        let text = results(&points).markdown();
        assert!(text.contains("-0.500 ± 0.000"), "{text}");
        assert!(text.contains("at least"), "{text}");
        assert_eq!(grid().len(), UNITS.len() + TOKENS.len() - 1);
    }
}
