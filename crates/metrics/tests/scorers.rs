//! Every measure against the scorer whose figures it claims: `fixtures/scorers.py`.

use std::collections::HashMap;

use lampwick_metrics::error_rate::Edits;
use lampwick_metrics::{Bleu, Chrf, ErrorRate, Measure, Rouge, Segment, Ter, Tokenization};
use serde::Deserialize;

#[derive(Deserialize)]
struct Corpus {
    name: String,
    hypotheses: Vec<String>,
    references: Vec<Vec<String>>,
    figures: HashMap<String, Figures>,
    #[serde(rename = "tokens 13a")]
    tokens: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Figures {
    score: f64,
    /// Of sacreBLEU's measures.
    signature: Option<String>,
    line: Option<String>,
    /// Hits, substitutions, deletions, insertions of jiwer.
    counts: Option<[u64; 4]>,
    sentences: serde_json::Value,
}

fn corpora() -> Vec<Corpus> {
    serde_json::from_str(include_str!("fixtures/scorers.json")).unwrap()
}

impl Corpus {
    fn segments(&self, references: usize) -> Vec<Segment<'_>> {
        let pairs = self.hypotheses.iter().zip(&self.references);
        pairs
            .map(|(hypothesis, right)| Segment {
                hypothesis,
                references: right.iter().take(references).map(String::as_str).collect(),
            })
            .collect()
    }

    /// Corpus and sentences within 0.01 of 100; what sacreBLEU prints, to the letter.
    fn check<M: Measure>(&self, measure: &M, figures: &str) {
        let (corpus, right) = (&self.name, &self.figures[figures]);
        let segments = self.segments(usize::MAX);
        let counts = measure.corpus(&segments);
        let score = measure.score(&counts);
        assert!((score - right.score).abs() < 0.01, "{corpus}, {figures}: {score} {}", right.score);
        let sentences: Vec<f64> = serde_json::from_value(right.sentences.clone()).unwrap();
        for (index, (segment, right)) in segments.iter().zip(&sentences).enumerate() {
            let counts = measure.count(segment.hypothesis, &segment.references);
            let score = measure.sentence_score(&counts);
            let place = format!("{corpus}, {figures}, sentence {index}");
            assert!((score - right).abs() < 0.01, "{place}: {score} {right}");
        }
        if let Some(signature) = &right.signature {
            let ours = measure.signature(self.references[0].len());
            assert_eq!(&ours, signature, "{figures}");
            let line = format!("{}|{ours} = {score:.2}", measure.name());
            let right = right.line.as_ref().unwrap();
            match figures.starts_with("bleu") {
                true => assert_eq!(&format!("{line} {}", measure.details(&counts)), right),
                false => assert_eq!(&line, right),
            }
        }
    }
}

#[test]
fn tokens_are_those_of_mteval() {
    for corpus in corpora() {
        for (line, tokens) in corpus.hypotheses.iter().zip(&corpus.tokens) {
            assert_eq!(&Tokenization::Mteval13a.tokens(line), tokens, "{line:?}");
        }
    }
}

#[test]
fn bleu_is_that_of_sacrebleu() {
    for corpus in corpora() {
        for (tokenization, figures) in [
            (Tokenization::Mteval13a, "bleu 13a"),
            (Tokenization::Characters, "bleu char"),
            (Tokenization::None, "bleu none"),
        ] {
            corpus.check(&Bleu { tokenization, lowercase: false }, figures);
        }
        corpus.check(&Bleu { lowercase: true, ..Bleu::default() }, "bleu 13a lc");
    }
}

#[test]
fn chrf_is_that_of_sacrebleu() {
    for corpus in corpora() {
        corpus.check(&Chrf { words: false, lowercase: false }, "chrf");
        corpus.check(&Chrf { words: true, lowercase: false }, "chrf++");
        corpus.check(&Chrf { words: true, lowercase: true }, "chrf++ lc");
    }
}

#[test]
fn ter_is_that_of_sacrebleu() {
    for corpus in corpora() {
        corpus.check(&Ter { case_sensitive: false }, "ter");
        corpus.check(&Ter { case_sensitive: true }, "ter mixed");
    }
}

#[test]
fn rouge_is_that_of_rouge_score() {
    for corpus in corpora() {
        corpus.check(&Rouge::Ngrams(1), "rouge1");
        corpus.check(&Rouge::Ngrams(2), "rouge2");
        corpus.check(&Rouge::Longest, "rougeL");
    }
}

#[test]
fn error_rates_and_their_parts_are_those_of_jiwer() {
    for corpus in corpora() {
        for (measure, figures) in [(ErrorRate::Words, "wer"), (ErrorRate::Characters, "cer")] {
            let right = &corpus.figures[figures];
            let parts = |edits: &Edits| {
                [edits.hits, edits.substitutions, edits.deletions, edits.insertions]
            };
            let segments = corpus.segments(1);
            let counts = measure.corpus(&segments);
            let place = format!("{}, {figures}", corpus.name);
            assert!((measure.score(&counts) - right.score).abs() < 0.01, "{place}");
            assert_eq!(Some(parts(&counts)), right.counts, "{place}");
            let sentences: Vec<[u64; 4]> = serde_json::from_value(right.sentences.clone()).unwrap();
            for (index, (segment, right)) in segments.iter().zip(&sentences).enumerate() {
                let edits = measure.count(segment.hypothesis, &segment.references);
                assert_eq!(&parts(&edits), right, "{place}, sentence {index}");
            }
        }
    }
}
