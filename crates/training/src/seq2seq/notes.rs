//! What a run tells of its pairs as it begins: those that are left out, wholly or by the CTC head.

use lampwick_data::IdPairs;
use lampwick_models::{SourceKind, ctc};

use super::corpus::{PairCorpus, Portion};
use crate::config::Seq2SeqConfig;
use crate::corpus::Part;

/// One line for each thing that is worth a word, by part.
pub(super) fn of_data(corpus: &PairCorpus, config: &Seq2SeqConfig) -> Vec<String> {
    let parts = [Part::Train, Part::Valid, Part::Test].into_iter();
    let portions = parts.filter_map(|part| Some((part, corpus.portion(part)?)));
    portions.flat_map(|(part, portion)| of_portion(part, portion, config)).collect()
}

fn of_portion(part: Part, portion: &Portion, config: &Seq2SeqConfig) -> Vec<String> {
    let mut notes = Vec::new();
    let (name, kept) = (part.name(), portion.ids.len());
    let counts = portion.text.counts;
    if counts.empty + counts.too_long + counts.cut > 0 {
        notes.push(format!("{name}: {counts}"));
    }
    if portion.left_out > 0 {
        let (left_out, longest) = (portion.left_out, config.tokenizers.longest);
        notes.push(format!(
            "{name}: {left_out} of {} pairs are left out: more than {longest} tokens \
             (tokenizers.longest)",
            left_out + kept
        ));
    }
    let unaligned =
        if config.model.ctc > 0.0 { unaligned(&portion.ids, &config.model.reads) } else { 0 };
    if unaligned > 0 {
        let lost = match part {
            Part::Train => "only the decoder learns from them",
            Part::Valid | Part::Test => "the CTC head cannot write them",
        };
        notes.push(format!(
            "{name}: {unaligned} of {kept} pairs: their targets do not fit their sources for CTC \
             (model.ctc), a position for each token and one between equals; {lost}"
        ));
    }
    notes
}

/// Pairs whose source becomes fewer positions than an alignment of the target takes.
fn unaligned(pairs: &IdPairs, reads: &SourceKind) -> usize {
    let sides = pairs.source.iter().zip(pairs.target.iter());
    let too_short =
        |source: &[u32], target: &[u32]| reads.positions(source.len()) < ctc::fewest_steps(target);
    sides.filter(|(source, target)| too_short(source, target)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of so many steps and these targets.
    fn pairs(pairs: &[(usize, &[u32])]) -> IdPairs {
        let mut ids = IdPairs::default();
        for &(steps, target) in pairs {
            ids.push(&vec![0; steps], target);
        }
        ids
    }

    #[test]
    fn equal_neighbours_take_a_position_more() {
        let words = SourceKind::Words;
        assert_eq!(unaligned(&pairs(&[(3, &[5, 6, 7]), (3, &[5, 6, 5])]), &words), 0);
        assert_eq!(unaligned(&pairs(&[(3, &[5, 5, 6]), (2, &[5, 6, 7]), (1, &[])]), &words), 2);
    }

    #[test]
    fn positions_are_those_that_are_left_of_the_steps() {
        let target: &[u32] = &[5, 6, 7];
        let frames = SourceKind::Frames { features: 4, joined: vec![2, 2] };
        // 9 to 12 frames become 3 positions.
        assert_eq!(unaligned(&pairs(&[(8, target), (9, target), (12, target)]), &frames), 1);
        // Two convolutions make 2 x 1 cells.
        let image = SourceKind::Image { height: 8, width: 4, channels: vec![4, 4] };
        assert_eq!(unaligned(&pairs(&[(1, target), (1, &target[..2])]), &image), 1);
    }
}
