//! The curves of a run as SVG, drawn in colours that the page's light and dark themes both carry.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::RGBColor;
use serde::Serialize;

use super::Curves;
use crate::config::Config;
use crate::logs::Timing;

/// A chart with its caption.
#[derive(Serialize)]
pub(super) struct Chart {
    title: String,
    caption: String,
    svg: String,
    legend: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    colour: String,
}

struct Line {
    name: String,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
    marks: bool,
}

const BLUE: RGBColor = RGBColor(79, 141, 245);
const ORANGE: RGBColor = RGBColor(240, 136, 62);
const GREEN: RGBColor = RGBColor(63, 174, 104);
const PURPLE: RGBColor = RGBColor(163, 113, 247);
const GREY: RGBColor = RGBColor(139, 148, 158);

/// Every chart that the run has points for.
pub(super) fn all(
    curves: &Curves,
    config: &Config,
    source_perplexity: Option<f64>,
    timings: &[Timing],
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
    for reference in &config.report.reference {
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
        lines
            .iter()
            .map(|l| Line {
                name: l.name.clone(),
                colour: l.colour,
                points: log(&l.points),
                marks: l.marks,
            })
            .collect()
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
    .collect()
}

fn line(name: &str, colour: RGBColor, points: Vec<(f64, f64)>) -> Line {
    Line { name: name.into(), colour, points: thin(points), marks: false }
}

/// At most some thousand points: a long run's page must stay small.
fn thin(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    const MOST: usize = 1500;
    let every = points.len().div_ceil(MOST).max(1);
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(i, (x, y))| (i % every == 0 || *i == last) && x.is_finite() && y.is_finite())
        .map(|(_, point)| point)
        .collect()
}

fn chart(title: &str, caption: &str, mut lines: Vec<Line>, logarithmic: bool) -> Option<Chart> {
    if logarithmic {
        lines.iter_mut().for_each(|l| l.points.retain(|(_, y)| *y > 0.0));
    }
    lines.retain(|l| !l.points.is_empty());
    let ys = || lines.iter().flat_map(|l| &l.points).map(|(_, y)| *y);
    let x_end = lines.iter().flat_map(|l| &l.points).map(|(x, _)| *x).fold(1.0, f64::max);
    let (low, high) = (ys().fold(f64::INFINITY, f64::min), ys().fold(f64::NEG_INFINITY, f64::max));
    if !(low.is_finite() && high.is_finite()) {
        return None;
    }
    // The first chart spans the page, the others half of it: the same text size in both.
    let size = if title == "Perplexity" { (960, 380) } else { (480, 280) };
    let axis = if logarithmic {
        let (low, high) = (low.ln(), high.ln());
        lines.iter_mut().flat_map(|l| &mut l.points).for_each(|(_, y)| *y = y.ln());
        let room = (0.05 * (high - low)).max(0.05);
        Axis { low: low - room, high: high + room, logarithmic }
    } else {
        let room = (0.05 * (high - low)).max(1e-9 + 0.01 * high.abs());
        Axis { low: low - room, high: high + room, logarithmic }
    };
    let svg = draw(&lines, x_end, axis, size)?;
    let legend = lines
        .iter()
        .map(|l| Entry {
            name: l.name.clone(),
            colour: format!("rgb({},{},{})", l.colour.0, l.colour.1, l.colour.2),
        })
        .collect();
    Some(Chart { title: title.into(), caption: caption.into(), svg, legend })
}

/// 1, 2 and 5 times powers of ten between `low` and `high`; finer where that gives fewer than three.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let within = |steps: &[f64]| -> Vec<f64> {
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        decades
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
            .filter(|tick| (low..=high).contains(tick))
            .collect()
    };
    let coarse = within(&[1.0, 2.0, 5.0]);
    if coarse.len() >= 3 {
        coarse
    } else {
        within(&[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0])
    }
}

/// A vertical axis; a logarithmic one holds logarithms and shows what they are of. (plotters' own
/// labels powers of ten only, of which a range of a factor of five may have none.)
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (bottom, top): (i32, i32)) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        bottom + (share * f64::from(top - bottom)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.logarithmic {
            return ticks(self.low.exp(), self.high.exp()).into_iter().map(f64::ln).collect();
        }
        RangedCoordf64::from(self.low..self.high).key_points(hint)
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        number(*value)
    }
}

fn draw(lines: &[Line], x_end: f64, axis: Axis, size: (u32, u32)) -> Option<String> {
    let logarithmic = axis.logarithmic;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let label = ("sans-serif", 13, &GREY).into_text_style(&area);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(58)
            .build_cartesian_2d(0.0..x_end, axis)
            .ok()?;
        chart
            .configure_mesh()
            .axis_style(GREY.mix(0.5))
            .bold_line_style(GREY.mix(0.18))
            .light_line_style(TRANSPARENT)
            .label_style(label)
            .x_label_formatter(&|x| number(*x))
            .y_label_formatter(&|y| number(if logarithmic { y.exp() } else { *y }))
            .x_labels(size.0 as usize / 110)
            .y_labels(size.1 as usize / 45)
            .draw()
            .ok()?;
        for line in lines {
            let style = line.colour.stroke_width(2);
            chart.draw_series(LineSeries::new(line.points.iter().copied(), style)).ok()?;
            if line.marks {
                let marks = line.points.iter().map(|&p| Circle::new(p, 3, line.colour.filled()));
                chart.draw_series(marks).ok()?;
            }
        }
        area.present().ok()?;
    }
    // The page sets the size.
    Some(svg.replacen(&format!(r#"width="{}" height="{}" "#, size.0, size.1), "", 1))
}

/// A label of at most six characters or so.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".into()
    } else if size >= 1e6 {
        format!("{:.3}M", value / 1e6).replace(".000M", "M")
    } else if size >= 1e4 {
        format!("{:.0}k", value / 1e3)
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 1e-4 {
        let text = format!("{value:.digits$}", digits = if size >= 0.01 { 3 } else { 5 });
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        format!("{value:.0e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (1500.0, "1500"),
            (25_000.0, "25k"),
            (2_000_000.0, "2M"),
            (0.25, "0.25"),
            (0.0035, "0.0035"),
            (1e-5, "1e-5"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_logarithmic_axis_has_ticks_however_short() {
        assert_eq!(ticks(11.0, 330.0), [20.0, 50.0, 100.0, 200.0]);
        assert!(ticks(0.2, 0.4).len() >= 3);
    }

    #[test]
    fn a_chart_without_points_is_left_out_and_others_are_svg() {
        assert!(chart("t", "c", vec![line("x", BLUE, vec![])], false).is_none());
        assert!(chart("t", "c", vec![line("x", BLUE, vec![(1.0, f64::NAN)])], true).is_none());
        for logarithmic in [false, true] {
            let points = (1..5000).map(|i| (f64::from(i), 100.0 / f64::from(i))).collect();
            let chart = chart("t", "c", vec![line("x", BLUE, points)], logarithmic).unwrap();
            assert!(chart.svg.starts_with("<svg") && chart.svg.len() < 200_000);
        }
    }
}
