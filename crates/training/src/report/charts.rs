//! Which plots a run's report has.

use super::Curves;
use super::plot::{self, BLUE, Chart, GREEN, GREY, Line, ORANGE, PURPLE, Plot, Scale, line};
use crate::config::ReferenceFigure;
use crate::logs::Timing;
use crate::probe::{GradientProbe, Layer};

/// Every chart that the run has points for.
pub(super) fn all(
    curves: &Curves,
    references: &[ReferenceFigure],
    source_perplexity: Option<f64>,
    timings: &[Timing],
    probe: Option<&GradientProbe>,
) -> Vec<Chart> {
    let train = |value: fn(&super::TrainPoint) -> f64| -> Vec<(f64, f64)> {
        curves.train.iter().map(|p| (p.step, value(p))).collect()
    };
    let valid: Vec<(f64, f64)> =
        curves.valid.iter().map(|s| (s.step as f64, s.perplexity)).collect();
    let last = curves.train.last().map_or(0.0, |p| p.step).max(valid.last().map_or(0.0, |p| p.0));
    let mut perplexity = vec![
        line("train", BLUE, train(|p| p.perplexity)),
        Line { marks: true, ..line("validation", ORANGE, valid.clone()) },
    ];
    if let Some(source) = source_perplexity {
        perplexity.push(line("the source's own", GREEN, vec![(0.0, source), (last, source)]));
    }
    for reference in references {
        let published = reference.valid_per_epoch.iter().zip(&curves.valid);
        let points: Vec<(f64, f64)> =
            published.filter(|(p, _)| **p > 0.0).map(|(p, s)| (s.step as f64, *p)).collect();
        perplexity.push(Line {
            marks: true,
            ..line(&format!("{} (published)", reference.name), PURPLE, points)
        });
    }
    let nats = |lines: &[Line]| -> Vec<Line> {
        let log = |points: &[(f64, f64)]| points.iter().map(|(x, y)| (*x, y.ln())).collect();
        lines.iter().map(|l| Line { points: log(&l.points), ..l.clone() }).collect()
    };
    let loss = nats(&perplexity);
    let speed = timings.iter().map(|t| (t.step as f64, t.tokens_per_second)).collect();
    [
        chart("Perplexity", "by optimiser step, logarithmic", perplexity, true),
        chart("Loss", "nats per token", loss, false),
        chart(
            "Gradient norm",
            "all parameters together, before clipping",
            vec![line("gradient norm", GREY, train(|p| p.gradient_norm))],
            true,
        ),
        chart(
            "Learning rate",
            "after schedule",
            vec![line("learning rate", GREEN, train(|p| p.lr))],
            false,
        ),
        chart("Speed", "training tokens per second", vec![line("tokens/s", PURPLE, speed)], false),
    ]
    .into_iter()
    .flatten()
    .chain(probe.into_iter().flat_map(flow))
    .collect()
}

/// How far gradients reach back: at initialisation and at the last look, layer by layer.
fn flow(probe: &GradientProbe) -> Vec<Chart> {
    let (Some(first), Some(last)) = (probe.looks.first(), probe.looks.last()) else {
        return Vec::new();
    };
    let looks = if first == last { vec![first] } else { vec![first, last] };
    let lines = |norms: fn(&Layer) -> &[f64]| -> Vec<Line> {
        let each =
            looks.iter().flat_map(|look| look.layers.iter().enumerate().map(move |l| (look, l)));
        each.enumerate()
            .map(|(n, (look, (layer, of)))| {
                let points = (0..).map(f64::from).zip(norms(of).iter().copied()).collect();
                let when = match look.epoch {
                    0 => "at initialisation".to_string(),
                    epoch => format!("after epoch {epoch}"),
                };
                line(&format!("layer {}, {when}", layer + 1), plot::colour(n), points)
            })
            .collect()
    };
    let caption = "norm of the last step's loss gradient, by steps back, logarithmic";
    [
        chart("Gradient at the hidden vector", caption, lines(|layer| &layer.hidden), true),
        chart("Gradient at the memory cell", caption, lines(|layer| &layer.cell), true),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first chart, of perplexity, spans the page.
fn chart(title: &str, caption: &str, lines: Vec<Line>, logarithmic: bool) -> Option<Chart> {
    let y = if logarithmic { Scale::Logarithmic } else { Scale::Linear };
    let (title, caption, wide) = (title.to_string(), caption.to_string(), title == "Perplexity");
    Plot { title, caption, lines, x: Scale::Linear, y, wide }.draw()
}
