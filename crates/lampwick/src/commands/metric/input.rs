//! Hypotheses, references and sources, line by line.

use std::path::Path;

use lampwick::data::DataError;
use lampwick::data::parallel::{Lines, check_line_counts};
use lampwick::metrics::Segment;
use lampwick::metrics::tokenization::words;

use super::Common;

/// What is scored, with equally many lines in each of its texts.
pub(super) struct Corpus {
    hypotheses: Vec<String>,
    references: Vec<Vec<String>>,
    /// Words of each source.
    pub(super) source_lengths: Option<Vec<usize>>,
}

impl Corpus {
    pub(super) fn read(common: &Common) -> Result<Self, DataError> {
        let file = |path: &Path| Lines::open(path)?.read_all();
        // First the files: what is wrong with them is told before stdin is waited for.
        let references =
            common.references.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>()?;
        let source = common.source.as_deref().map(file).transpose()?;
        let (name, hypotheses) = match &common.hypotheses {
            Some(path) => (path.display().to_string(), file(path)?),
            None => {
                let name = "standard input";
                (name.to_owned(), Lines::new(std::io::stdin().lock(), name).read_all()?)
            }
        };
        let others = common.references.iter().zip(&references);
        for (path, lines) in others.chain(common.source.iter().zip(&source)) {
            check_line_counts((&name, &hypotheses), (&path.display().to_string(), lines))?;
        }
        let lengths = |lines: Vec<String>| lines.iter().map(|line| words(line).count()).collect();
        Ok(Self { hypotheses, references, source_lengths: source.map(lengths) })
    }

    pub(super) fn segments(&self) -> Vec<Segment<'_>> {
        let hypotheses = self.hypotheses.iter().enumerate();
        hypotheses
            .map(|(index, hypothesis)| Segment {
                hypothesis,
                references: self.references.iter().map(|lines| lines[index].as_str()).collect(),
            })
            .collect()
    }

    /// References of each hypothesis.
    pub(super) fn references(&self) -> usize {
        self.references.len()
    }
}
