//! `results.html`: an experiment's figures beside the published ones, with plots; one self-contained
//! page. What it says is the caller's (`cargo xtask experiment`); how it looks is the report's.

use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick_data::atomic;
use serde::{Deserialize, Serialize};

use super::plot::{self, Chart, Plot, Scale};
use crate::error::Result;

/// What the page shows, top to bottom: notes, plots, tables, sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsPage {
    /// Its heading.
    pub title: String,
    /// Paragraphs.
    pub notes: Vec<String>,
    /// Plots; the first spans the page.
    pub charts: Vec<ResultsChart>,
    /// Tables.
    pub tables: Vec<ResultsTable>,
    /// Where references come from.
    pub sources: Vec<String>,
}

/// A table; its first row is the head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsTable {
    /// Its heading.
    pub title: String,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// A plot of several curves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsChart {
    /// Its heading.
    pub title: String,
    /// What is against what.
    pub caption: String,
    /// The horizontal axis.
    pub x: ResultsAxis,
    /// The vertical axis.
    pub y: ResultsAxis,
    /// Curves; each takes the next colour.
    pub curves: Vec<ResultsCurve>,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsAxis {
    /// What it measures, with its unit.
    pub name: String,
    /// Divided by factors; points that are not above 0 are left out.
    pub logarithmic: bool,
}

/// A curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsCurve {
    /// Its name in the legend.
    pub name: String,
    /// `(x, y)`, in order.
    pub points: Vec<(f64, f64)>,
    /// A circle at each point.
    pub marks: bool,
}

/// Writes `results.html` and `results.md` (the text `markdown`) into `folder`, which is made.
///
/// # Errors
/// [`Error::Write`](crate::Error::Write), [`Error::Report`](crate::Error::Report).
pub fn write(folder: &Path, page: &ResultsPage, markdown: &str) -> Result<PathBuf> {
    let html = html(page)?;
    atomic::write(folder.join("results.md"), |w| w.write_all(markdown.as_bytes()))?;
    let path = folder.join("results.html");
    atomic::write(&path, |w| w.write_all(html.as_bytes()))?;
    Ok(path)
}

/// What the template shows.
#[derive(Serialize)]
struct Drawn<'a> {
    page: &'a ResultsPage,
    charts: Vec<Chart>,
}

fn html(page: &ResultsPage) -> Result<String> {
    let scale = |axis: &ResultsAxis| {
        if axis.logarithmic { Scale::Logarithmic } else { Scale::Linear }
    };
    let draw = |(index, chart): (usize, &ResultsChart)| {
        let line = |(n, curve): (usize, &ResultsCurve)| plot::Line {
            marks: curve.marks,
            ..plot::line(&curve.name, plot::colour(n), curve.points.clone())
        };
        let caption = format!("{}: {} by {}", chart.caption, chart.y.name, chart.x.name);
        Plot {
            title: chart.title.clone(),
            caption: caption.trim_start_matches(": ").to_string(),
            lines: chart.curves.iter().enumerate().map(line).collect(),
            x: scale(&chart.x),
            y: scale(&chart.y),
            wide: index == 0,
        }
        .draw()
    };
    let charts = page.charts.iter().enumerate().filter_map(draw).collect();
    super::render("results.html", include_str!("results.html"), &Drawn { page, charts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_everything_and_escapes_what_it_is_given() {
        let axis = |name: &str, logarithmic| ResultsAxis { name: name.into(), logarithmic };
        let page = ResultsPage {
            title: "tanh < LSTM".into(),
            notes: vec!["a note".into()],
            charts: vec![ResultsChart {
                title: "Loss".into(),
                caption: "LSTM".into(),
                x: axis("parameters", true),
                y: axis("bits", true),
                curves: vec![ResultsCurve {
                    name: "fit".into(),
                    points: vec![(1e3, 1.0), (1e5, 0.1)],
                    marks: true,
                }],
            }],
            tables: vec![ResultsTable {
                title: "Figures".into(),
                rows: vec![vec!["what".into()], vec!["OUTSIDE".into()]],
            }],
            sources: vec!["a paper".into()],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder.path().join("new"), &page, "# text\n").unwrap();
        let html = std::fs::read_to_string(&path).unwrap();
        for part in ["tanh &lt; LSTM", "a note", "<svg", "LSTM: bits by parameters", "a paper"] {
            assert!(html.contains(part), "no {part:?} in:\n{html}");
        }
        assert!(html.contains(r#"<td class="bad">OUTSIDE</td>"#), "{html}");
        assert!(html.contains("--good:"), "the style is inside: {html}");
        assert_eq!(std::fs::read_to_string(path.with_file_name("results.md")).unwrap(), "# text\n");
    }
}
