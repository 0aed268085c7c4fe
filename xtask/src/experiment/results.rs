//! What an experiment leaves behind: `results.md`, and `results.html` with its plots.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;

use super::figure::{Figure, Verdict};
use crate::cargo::example;
use crate::numbers::table;

/// The figures, tables and plots of one experiment.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) title: String,
    /// Paragraphs: what was run, and how to read it.
    pub(crate) notes: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
    pub(crate) charts: Vec<Chart>,
}

/// A table; its first row is the head.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A plot.
#[derive(Debug, Serialize)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) curves: Vec<Curve>,
}

/// An axis of a plot.
#[derive(Debug, Serialize)]
pub(crate) struct Axis {
    name: String,
    logarithmic: bool,
}

/// A curve of a plot.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    /// A circle at each point.
    marks: bool,
}

impl Axis {
    pub(crate) fn linear(name: &str) -> Self {
        Self { name: name.into(), logarithmic: false }
    }

    pub(crate) fn logarithmic(name: &str) -> Self {
        Self { name: name.into(), logarithmic: true }
    }
}

impl Curve {
    pub(crate) fn line(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, marks: false }
    }

    pub(crate) fn marked(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, marks: true }
    }
}

impl Results {
    pub(crate) fn new(title: &str) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// The table of figures, head included; empty where the experiment has none.
    fn figure_rows(&self) -> Vec<Vec<String>> {
        if self.figures.is_empty() {
            return Vec::new();
        }
        let head = ["figure", "reference", "tolerance", "measured", "difference", "verdict"];
        std::iter::once(head.map(str::to_owned).to_vec())
            .chain(self.figures.iter().map(Figure::row))
            .collect()
    }

    /// Where the references come from, each once.
    fn sources(&self) -> Vec<&str> {
        let mut sources: Vec<&str> = Vec::new();
        for figure in &self.figures {
            if !figure.source.is_empty() && !sources.contains(&figure.source.as_str()) {
                sources.push(&figure.source);
            }
        }
        sources
    }

    /// The whole as Markdown, plots left out.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        for note in &self.notes {
            text += &format!("\n{note}\n");
        }
        let figures = self.figure_rows();
        if !figures.is_empty() {
            text += &format!("\n{}", table(&figures));
        }
        for source in self.sources() {
            text += &format!("\nReference: {source}.\n");
        }
        for Table { title, rows } in &self.tables {
            text += &format!("\n## {title}\n\n{}", table(rows));
        }
        text
    }

    /// Writes both files, by the program that draws the runs' own reports.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let program = example("experiment_page")?;
        let figures = Table { title: "Figures".into(), rows: self.figure_rows() };
        let tables: Vec<&Table> =
            std::iter::once(&figures).chain(&self.tables).filter(|t| !t.rows.is_empty()).collect();
        let question = json!({
            "folder": folder,
            "markdown": self.markdown(),
            "page": {
                "title": self.title,
                "notes": self.notes,
                "tables": tables,
                "sources": self.sources(),
                "charts": self.charts,
            },
        });
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(question.to_string().as_bytes())?;
        drop(stdin);
        if !child.wait()?.success() {
            bail!("the results could not be written to {}", folder.display());
        }
        Ok(())
    }

    /// # Errors
    /// A figure lies outside its tolerance.
    pub(crate) fn verdict(&self) -> Result<()> {
        let outside: Vec<String> = self
            .figures
            .iter()
            .filter(|figure| figure.verdict() == Verdict::Outside)
            .map(|figure| figure.row().join(", "))
            .collect();
        if !outside.is_empty() {
            bail!("outside the tolerance:\n  {}", outside.join("\n  "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::Reference;
    use super::*;

    fn results(measured: &[Option<f64>]) -> Results {
        let figure = |(epoch, measured): (usize, &Option<f64>)| Figure {
            what: format!("valid, epoch {epoch}"),
            measured: *measured,
            reference: Reference::Near { value: 100.0, share: 0.05 },
            source: "a published log".into(),
        };
        Results {
            figures: measured.iter().enumerate().map(figure).collect(),
            tables: vec![Table { title: "Runs".into(), rows: vec![vec!["run".into()]] }],
            ..Results::new("a title")
        }
    }

    #[test]
    fn only_a_figure_outside_its_tolerance_is_an_error_and_it_is_named() {
        results(&[Some(104.0), Some(96.0), None]).verdict().unwrap();
        let error = results(&[Some(104.0), Some(120.0)]).verdict().unwrap_err().to_string();
        assert!(error.contains("valid, epoch 1") && error.contains("+20.0 %"), "{error}");
        assert!(!error.contains("epoch 0"), "{error}");
    }

    #[test]
    fn markdown_holds_title_figures_sources_and_tables() {
        let text = results(&[Some(104.0), None]).markdown();
        for part in ["# a title\n", "| valid, epoch 0", "within", "not measured", "## Runs"] {
            assert!(text.contains(part), "no {part:?} in:\n{text}");
        }
        assert_eq!(text.matches("Reference: a published log.").count(), 1);
    }
}
