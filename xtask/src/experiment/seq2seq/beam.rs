//! `beam`: what larger beams do to a translation, and what cures it.

use anyhow::Result;

use super::super::figure::{Figure, Reference};
use super::super::results::{Axis, Chart, Curve, Results, Table};
use super::super::session::Session;
use super::decoded::bleu;
use super::multi30k::{NEEDS, test_set, with_attention};

const BEAMS: [usize; 7] = [1, 2, 5, 10, 20, 35, 50];

/// Name, options of `lampwick translate`.
const SCORINGS: [(&str, &[&str]); 4] = [
    ("no normalisation", &["--length-penalty", "0"]),
    ("GNMT's length penalty, 1", &["--length-penalty", "1"]),
    ("GNMT's coverage penalty, 0.2", &["--length-penalty", "0", "--coverage-penalty", "0.2"]),
    ("length 1 and coverage 0.2", &["--length-penalty", "1", "--coverage-penalty", "0.2"]),
];

pub(in super::super) fn run(session: &Session) -> Result<Results> {
    session.needs(NEEDS)?;
    let trained = session.train(&[with_attention()])?.pop().flatten();
    let mut results = Results::new("beam: BLEU and length against the size of the beam");
    results.notes.push(
        "The run of `multi30k` with attention on test_2016_flickr. Without normalisation the likeliest \
         translation is a short one, and larger beams find it (Koehn and Knowles 2017)."
            .into(),
    );
    let Some(trained) = trained.filter(|run| !run.valid.is_empty()) else { return Ok(results) };
    let mut rows = vec![["scoring", "beam", "BLEU", "length ratio"].map(str::to_owned).to_vec()];
    let (mut scores, mut ratios) = (Vec::new(), Vec::new());
    for (name, options) in SCORINGS {
        let (mut score, mut ratio) = (Vec::new(), Vec::new());
        for beam in BEAMS {
            let mut options: Vec<String> = options.iter().map(ToString::to_string).collect();
            let slug: String = options.concat().replace('-', "");
            options.extend(["--beam".into(), beam.to_string()]);
            let to = format!("beam{beam}-{slug}-epoch{}.de", trained.info.epochs);
            let to = session.out().join("beam").join(to);
            let Some(found) = bleu(session, &trained.path, &test_set(), &options, &to)? else {
                continue;
            };
            rows.push(vec![
                name.into(),
                beam.to_string(),
                format!("{:.2}", found.score),
                format!("{:.3}", found.length_ratio()),
            ]);
            score.push((beam as f64, found.score));
            ratio.push((beam as f64, found.length_ratio()));
        }
        scores.push(Curve::marked(name, score));
        ratios.push((name, ratio));
    }
    // The bias, and that normalisation takes it away.
    let change = |curve: &[(f64, f64)]| Some(curve.last()?.1 - curve.first()?.1);
    let references =
        [Reference::AtMost(0.0), Reference::AtLeast(-0.02), Reference::None, Reference::None];
    for ((name, curve), reference) in ratios.iter().zip(references) {
        results.figures.push(Figure {
            what: format!("{name}: length ratio at beam 50 less that at beam 1"),
            measured: change(curve).filter(|_| curve.len() == BEAMS.len()),
            reference,
            source: "Koehn and Knowles 2017; Murray and Chiang 2018".into(),
        });
    }
    let ratios = ratios.into_iter().map(|(name, curve)| Curve::marked(name, curve)).collect();
    for (title, curves) in [("BLEU", scores), ("length ratio", ratios)] {
        results.charts.push(Chart {
            title: title.into(),
            caption: "by the size of the beam, logarithmic".into(),
            x: Axis::logarithmic("beam"),
            y: Axis::linear(title),
            curves,
        });
    }
    results.tables.push(Table { title: "All searches".into(), rows });
    Ok(results)
}
