//! What output is worth beside its references.

use std::borrow::Cow;

use lampwick_data::parallel::Pairs;
use lampwick_data::parallel::rnnlg::lexicalise;
use lampwick_metrics::{Bleu, Chrf, ErrorRate, ExactMatch, Measure, Rouge, Segment};

use crate::config::ValidationMetric;
use crate::logs::Quality;

/// The metric's measure of outputs for the first sources of `pairs`, and its kin.
///
/// Where a pair has placeholders, output and references are both given what stands for them.
pub(super) fn measures(
    metric: ValidationMetric,
    outputs: &[String],
    pairs: &Pairs,
) -> Vec<Quality> {
    match metric {
        ValidationMetric::Loss => Vec::new(),
        ValidationMetric::ExactMatch => vec![by(&ExactMatch, outputs, pairs)],
        ValidationMetric::ErrorRate => {
            let right = by(&ExactMatch, outputs, pairs);
            let value = 100.0 - right.value;
            vec![Quality { name: "error rate".into(), value, less_is_better: true, ..right }]
        }
        ValidationMetric::Bleu => vec![by(&Bleu::default(), outputs, pairs)],
        ValidationMetric::Chrf => vec![by(&Chrf::default(), outputs, pairs)],
        ValidationMetric::RougeL => [Rouge::Longest, Rouge::Ngrams(1), Rouge::Ngrams(2)]
            .map(|r| by(&r, outputs, pairs))
            .into(),
        ValidationMetric::WordErrorRate => {
            let rate = by(&ErrorRate::Words, outputs, pairs);
            vec![Quality { less_is_better: true, ..rate }, by(&ExactMatch, outputs, pairs)]
        }
    }
}

fn by<M: Measure>(measure: &M, outputs: &[String], pairs: &Pairs) -> Quality {
    let texts: Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> = outputs
        .iter()
        .enumerate()
        .map(|(index, output)| {
            let slots = pairs.slots.get(index).map_or(&[][..], Vec::as_slice);
            let whole = |text| match slots {
                [] => Cow::Borrowed(text),
                slots => Cow::Owned(lexicalise(text, slots)),
            };
            let references = pairs.references_of(index).iter().map(|text| whole(text));
            (whole(output), references.collect())
        })
        .collect();
    let segments: Vec<Segment<'_>> = texts
        .iter()
        .map(|(output, references)| Segment {
            hypothesis: output,
            references: references.iter().map(AsRef::as_ref).collect(),
        })
        .collect();
    let most = segments.iter().map(|segment| segment.references.len()).max().unwrap_or(1);
    Quality {
        name: measure.name(),
        value: measure.score(&measure.corpus(&segments)),
        less_is_better: false,
        signature: measure.signature(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_reference_is_right_and_placeholders_are_filled_in() {
        let pairs = Pairs {
            source: vec!["a".into(), "b".into()],
            target: vec!["x".into(), "SLOT_NAME is here".into()],
            references: vec![
                vec!["x".into(), "y".into()],
                vec!["SLOT_NAME is here".into(), "here is SLOT_NAME".into()],
            ],
            slots: vec![vec![], vec![("SLOT_NAME".into(), "red door cafe".into())]],
            ..Pairs::default()
        };
        let outputs = ["y".to_string(), "here is red door cafe".to_string()];
        let exact = measures(ValidationMetric::ExactMatch, &outputs, &pairs);
        assert_eq!((exact.len(), exact[0].value), (1, 100.0));
        let errors = measures(ValidationMetric::ErrorRate, &["z".to_string()], &pairs);
        assert_eq!((errors[0].value, errors[0].less_is_better), (100.0, true));
        let rouge = measures(ValidationMetric::RougeL, &outputs, &pairs);
        let names: Vec<&str> = rouge.iter().map(|quality| quality.name.as_str()).collect();
        assert_eq!(names, ["ROUGE-L", "ROUGE-1", "ROUGE-2"]);
    }
}
