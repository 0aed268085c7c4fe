//! Scores as lines, as a table of source lengths, or as JSON.

use std::io::Write;

use lampwick::metrics::figures::count;
use lampwick::metrics::{Bucket, LengthBuckets, Measure};
use serde_json::{Value, json};

use super::Common;
use super::input::Corpus;

/// What one measure says.
pub(super) struct Report<'a, M: Measure> {
    measure: &'a M,
    signature: String,
    corpus: M::Counts,
    sentences: Vec<M::Counts>,
    buckets: Vec<Bucket<M::Counts>>,
}

impl<'a, M: Measure> Report<'a, M> {
    pub(super) fn new(
        measure: &'a M,
        sentences: Vec<M::Counts>,
        corpus: &Corpus,
        bounds: &[usize],
    ) -> Self {
        let mut sum = M::Counts::default();
        for counts in &sentences {
            sum += counts.clone();
        }
        let buckets = corpus.source_lengths.as_ref().map(|lengths| {
            let counted = lengths.iter().copied().zip(sentences.iter().cloned());
            LengthBuckets::new(bounds).sum(measure, counted)
        });
        let buckets = buckets.unwrap_or_default();
        let signature = measure.signature(corpus.references());
        Self { measure, signature, corpus: sum, sentences, buckets }
    }

    /// `BLEU|nrefs:1|... = 34.50 66.1/41.0/27.3/18.9 (BP = 1.000 ...)`
    fn line(&self) -> String {
        let (name, score) = (self.measure.name(), self.measure.score(&self.corpus));
        let line = format!("{name}|{} = {score:.2} {}", self.signature, self.details());
        line.trim_end().to_owned()
    }

    fn details(&self) -> String {
        self.measure.details(&self.corpus)
    }

    fn json(&self, with_sentences: bool) -> Value {
        let mut object = json!({
            "name": self.measure.name(),
            "score": self.measure.score(&self.corpus),
            "signature": self.signature,
            "segments": self.sentences.len(),
            "details": self.details(),
            "counts": self.corpus,
        });
        if !self.buckets.is_empty() {
            let bucket = |bucket: &Bucket<M::Counts>| {
                json!({
                    "source_words": [bucket.from, bucket.to],
                    "segments": bucket.segments,
                    "score": self.measure.score(&bucket.counts),
                    "counts": bucket.counts,
                })
            };
            object["by_source_length"] = self.buckets.iter().map(bucket).collect();
        }
        if with_sentences {
            let score = |counts: &M::Counts| self.measure.sentence_score(counts);
            object["sentences"] = self.sentences.iter().map(score).collect();
        }
        object
    }
}

pub(super) fn write<M: Measure>(common: &Common, reports: &[Report<'_, M>]) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if common.json {
        let mut objects: Vec<Value> =
            reports.iter().map(|report| report.json(common.sentences)).collect();
        let value = if objects.len() == 1 { objects.remove(0) } else { Value::Array(objects) };
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
        out.flush()?;
        return Ok(());
    }
    if common.sentences {
        for index in 0..reports[0].sentences.len() {
            let scores = reports.iter().map(|report| {
                format!("{:.2}", report.measure.sentence_score(&report.sentences[index]))
            });
            writeln!(out, "{}", scores.collect::<Vec<_>>().join("\t"))?;
        }
        out.flush()?;
        for report in reports {
            tell!("{}", report.line());
        }
        return Ok(());
    }
    for report in reports {
        writeln!(out, "{}", report.line())?;
    }
    if !reports[0].buckets.is_empty() {
        table(&mut out, reports)?;
    }
    out.flush()?;
    Ok(())
}

/// A row for each range of source lengths, a column for each measure.
fn table<M: Measure>(out: &mut impl Write, reports: &[Report<'_, M>]) -> anyhow::Result<()> {
    write!(out, "\n{:>12} {:>8}", "source words", "lines")?;
    for report in reports {
        write!(out, " {:>11}", report.measure.name())?;
    }
    writeln!(out)?;
    for (index, bucket) in reports[0].buckets.iter().enumerate() {
        write!(out, "{:>12} {:>8}", bucket.label(), count(bucket.segments))?;
        for report in reports {
            let score = report.measure.score(&report.buckets[index].counts);
            write!(out, " {score:>11.2}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
