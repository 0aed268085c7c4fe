//! One plot as SVG, drawn in colours that the page's light and dark themes both carry.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::RGBColor;
use serde::Serialize;

/// A drawn plot with its caption and legend, as the templates show it.
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

/// A curve.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) colour: RGBColor,
    pub(super) points: Vec<(f64, f64)>,
    /// A circle at each point.
    pub(super) marks: bool,
}

/// What to draw.
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) caption: String,
    pub(super) lines: Vec<Line>,
    pub(super) x: Scale,
    pub(super) y: Scale,
    /// It spans the page; others take half of it. The text has the same size in both.
    pub(super) wide: bool,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly. A horizontal axis begins at 0.
    Linear,
    /// By factors; points that are not above 0 are left out.
    Logarithmic,
}

pub(super) const BLUE: RGBColor = RGBColor(79, 141, 245);
pub(super) const ORANGE: RGBColor = RGBColor(240, 136, 62);
pub(super) const GREEN: RGBColor = RGBColor(63, 174, 104);
pub(super) const PURPLE: RGBColor = RGBColor(163, 113, 247);
pub(super) const GREY: RGBColor = RGBColor(139, 148, 158);

/// The colour of a plot's n-th curve, from 0, where the curves have none of their own.
pub(super) fn colour(n: usize) -> RGBColor {
    const RED: RGBColor = RGBColor(229, 83, 75);
    const TEAL: RGBColor = RGBColor(42, 168, 184);
    const OLIVE: RGBColor = RGBColor(168, 150, 46);
    const PINK: RGBColor = RGBColor(219, 109, 170);
    const COLOURS: [RGBColor; 9] = [BLUE, ORANGE, GREEN, PURPLE, RED, TEAL, OLIVE, PINK, GREY];
    COLOURS[n % COLOURS.len()]
}

/// A curve without marks; a long one is thinned.
pub(super) fn line(name: &str, colour: RGBColor, points: Vec<(f64, f64)>) -> Line {
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

impl Scale {
    /// A value's place on the axis.
    fn of(self, value: f64) -> f64 {
        if self == Self::Logarithmic { value.ln() } else { value }
    }

    /// What a place on the axis stands for.
    fn back(self, place: f64) -> f64 {
        if self == Self::Logarithmic { place.exp() } else { place }
    }
}

impl Plot {
    /// The plot as SVG; `None` where it has no point.
    pub(super) fn draw(mut self) -> Option<Chart> {
        let (x, y) = (self.x, self.y);
        let shown = |&(px, py): &(f64, f64)| {
            (x == Scale::Linear || px > 0.0) && (y == Scale::Linear || py > 0.0)
        };
        for line in &mut self.lines {
            line.points.retain(shown);
            line.points.iter_mut().for_each(|(px, py)| (*px, *py) = (x.of(*px), y.of(*py)));
        }
        self.lines.retain(|line| !line.points.is_empty());
        let extent = |value: fn(&(f64, f64)) -> f64| {
            let values = || self.lines.iter().flat_map(|line| &line.points).map(value);
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
        };
        let (left, right) = extent(|p| p.0);
        let (low, high) = extent(|p| p.1);
        if !(low.is_finite() && high.is_finite()) {
            return None;
        }
        let across = match x {
            Scale::Linear => Axis { low: 0.0, high: right.max(f64::MIN_POSITIVE), scale: x },
            Scale::Logarithmic => {
                let room = (0.03 * (right - left)).max(0.05);
                Axis { low: left - room, high: right + room, scale: x }
            }
        };
        let room = match y {
            Scale::Linear => (0.05 * (high - low)).max(1e-9 + 0.01 * high.abs()),
            Scale::Logarithmic => (0.05 * (high - low)).max(0.05),
        };
        let up = Axis { low: low - room, high: high + room, scale: y };
        let size = if self.wide { (960, 380) } else { (480, 280) };
        let svg = draw(&self.lines, across, up, size)?;
        let legend = self
            .lines
            .iter()
            .map(|l| Entry {
                name: l.name.clone(),
                colour: format!("rgb({},{},{})", l.colour.0, l.colour.1, l.colour.2),
            })
            .collect();
        Some(Chart { title: self.title, caption: self.caption, svg, legend })
    }
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

/// An axis; a logarithmic one holds logarithms and shows what they are of. (plotters' own
/// labels powers of ten only, of which a range of a factor of five may have none.)
struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (bottom, top): (i32, i32)) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        bottom + (share * f64::from(top - bottom)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.scale == Scale::Logarithmic {
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

fn draw(lines: &[Line], across: Axis, up: Axis, size: (u32, u32)) -> Option<String> {
    let (x, y) = (across.scale, up.scale);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let label = ("sans-serif", 13, &GREY).into_text_style(&area);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(58)
            .build_cartesian_2d(across, up)
            .ok()?;
        chart
            .configure_mesh()
            .axis_style(GREY.mix(0.5))
            .bold_line_style(GREY.mix(0.18))
            .light_line_style(TRANSPARENT)
            .label_style(label)
            .x_label_formatter(&|place| number(x.back(*place)))
            .y_label_formatter(&|place| number(y.back(*place)))
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
    fn a_power_of_ten_apart_is_equally_far_on_a_logarithmic_axis() {
        let axis = Axis { low: 1f64.ln(), high: 1000f64.ln(), scale: Scale::Logarithmic };
        let places = [1.0, 10.0, 100.0, 1000.0].map(|v: f64| axis.map(&v.ln(), (0, 300)));
        assert_eq!(places, [0, 100, 200, 300]);
    }

    #[test]
    fn a_chart_without_points_is_left_out_and_others_are_svg() {
        let drawn = |points: Vec<(f64, f64)>, x, y| {
            let (title, caption) = ("t".into(), "c".into());
            Plot { title, caption, lines: vec![line("x", BLUE, points)], x, y, wide: true }.draw()
        };
        assert!(drawn(vec![], Scale::Linear, Scale::Linear).is_none());
        assert!(drawn(vec![(1.0, f64::NAN)], Scale::Linear, Scale::Logarithmic).is_none());
        assert!(drawn(vec![(0.0, 1.0)], Scale::Logarithmic, Scale::Linear).is_none());
        for x in [Scale::Linear, Scale::Logarithmic] {
            for y in [Scale::Linear, Scale::Logarithmic] {
                let points = (1..5000).map(|i| (f64::from(i), 100.0 / f64::from(i))).collect();
                let chart = drawn(points, x, y).unwrap();
                assert!(chart.svg.starts_with("<svg") && chart.svg.len() < 200_000);
            }
        }
    }
}
