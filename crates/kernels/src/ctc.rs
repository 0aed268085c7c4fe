//! Connectionist temporal classification: the likelihood of labels under all their alignments.

use burn::prelude::*;

use crate::composed;
#[cfg(feature = "flex")]
use crate::extension;

/// `-ln Σ_π Π_t softmax(logits_t)[π_t]` of each sequence, `[B]`, over all alignments `π` that give its
/// labels when repetitions are joined and blanks left out (Graves et al. 2006, eq. 3 and 8);
/// differentiable.
///
/// - `logits`: `[T, B, C]`, time-major; `lengths`: true length of each, at most `T`;
/// - `labels`: of each sequence, each in `0..C` and not `blank`.
///
/// Labels that no alignment gives, since the sequence is too short for them, have loss and gradient 0:
/// one such pair must not end a training.
///
/// On Flex in `f32` forward and backward variables are computed in `f64` and the gradient by hand (eq.
/// 16); elsewhere it is [`composed::ctc`].
///
/// # Panics
///
/// When shapes disagree or have a zero, a length exceeds `T`, or a label is `blank` or not below `C`.
pub fn ctc(logits: Tensor<3>, labels: &[Vec<usize>], lengths: &[usize], blank: usize) -> Tensor<1> {
    let [steps, batch, classes] = logits.dims();
    assert!(
        steps > 0 && batch > 0 && classes > 0,
        "ctc: logits [{steps}, {batch}, {classes}] are empty"
    );
    assert_eq!([labels.len(), lengths.len()], [batch; 2], "ctc: labels and a length for each of B");
    assert!(lengths.iter().all(|&n| n <= steps), "ctc: a length exceeds T = {steps}");
    assert!(blank < classes, "ctc: the blank {blank} is not below C = {classes}");
    assert!(
        labels.iter().flatten().all(|&label| label < classes && label != blank),
        "ctc: a label is the blank {blank} or not below C = {classes}"
    );
    #[cfg(feature = "flex")]
    if extension::fused(logits.device(), [logits.dtype(); 2]) {
        return extension::ctc(logits, labels, lengths, blank);
    }
    composed::ctc(logits, labels, lengths, blank)
}
