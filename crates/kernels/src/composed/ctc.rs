//! Connectionist temporal classification as one Burn operation after another.

use burn::prelude::*;
use burn::tensor::activation::log_softmax;

/// Stands for the logarithm of 0, where infinity would give NaN in a gradient.
const IMPOSSIBLE: f32 = -1e30;

/// The reference of [`crate::ctc()`]: the forward variables `α` (Graves et al. 2006, eq. 6 and 7), step
/// by step on the tape.
pub fn ctc(logits: Tensor<3>, labels: &[Vec<usize>], lengths: &[usize], blank: usize) -> Tensor<1> {
    let [steps, batch, _] = logits.dims();
    let (device, dtype) = (logits.device(), logits.dtype());
    let states = 2 * labels.iter().map(Vec::len).max().unwrap_or(0) + 1; // U
    // A label or, between labels, the blank; past a sequence's own, blanks that lead nowhere back.
    let label = |b: usize, u: usize| match u % 2 {
        1 => labels[b].get(u / 2).copied().unwrap_or(blank),
        _ => blank,
    };
    let table = |f: &dyn Fn(usize, usize) -> f32| -> Tensor<2> {
        let values: Vec<f32> = (0..batch)
            .flat_map(|b| (0..states).map(move |u| (b, u)))
            .map(|(b, u)| f(b, u))
            .collect();
        Tensor::from_data(TensorData::new(values, [batch, states]), (&device, dtype))
    };
    let allowed = |yes: bool| if yes { 0.0 } else { IMPOSSIBLE };
    let ids: Vec<i64> =
        (0..batch).flat_map(|b| (0..states).map(move |u| label(b, u) as i64)).collect();
    let ids = Tensor::<3, Int>::from_data(TensorData::new(ids, [1, batch, states]), &device);
    let emitted = log_softmax(logits, 2).gather(2, ids.expand([steps, batch, states]));
    // A blank may be left out between two labels that differ.
    let skip = table(&|b, u| allowed(u >= 2 && u % 2 == 1 && label(b, u) != label(b, u - 2)));
    let shifted = |alpha: &Tensor<2>, by: usize| {
        if by >= states {
            return alpha.full_like(IMPOSSIBLE);
        }
        let before = Tensor::full([batch, by], IMPOSSIBLE, (&device, dtype));
        Tensor::cat(vec![before, alpha.clone().slice(s![.., ..states - by])], 1)
    };
    // Before the first step: as if in front of the first blank, so that steps 0 and 1 are reached.
    let mut alpha = table(&|_, u| allowed(u == 0));
    for t in 0..steps {
        let stay = alpha.clone();
        let (next, over) = (shifted(&alpha, 1), shifted(&alpha, 2) + skip.clone());
        let stay_or = if t == 0 {
            // From the start one moves to the first blank or the first label only.
            vec![stay, next]
        } else {
            vec![stay, next, over]
        };
        let largest = stay_or.iter().cloned().reduce(Tensor::max_pair).expect("two or three");
        let largest = largest.detach();
        let sum = stay_or
            .into_iter()
            .map(|from| (from - largest.clone()).exp())
            .reduce(|a, b| a + b)
            .expect("two or three");
        let emitted = emitted.clone().slice(s![t..=t, .., ..]).squeeze_dim::<2>(0);
        let moved = sum.log() + largest + emitted;
        let live: Vec<f32> =
            lengths.iter().map(|&length| f32::from(u8::from(t < length))).collect();
        let live = Tensor::<2>::from_data(TensorData::new(live, [batch, 1]), (&device, dtype));
        alpha = moved * live.clone() + alpha * (live.neg() + 1.0);
    }
    // At the end: the last label or the blank behind it.
    let end = table(&|b, u| {
        let last = 2 * labels[b].len();
        allowed(u == last || (u + 1 == last && lengths[b] > 0))
    });
    let ends = alpha + end;
    let largest = ends.clone().max_dim(1).detach();
    let sum = (ends - largest.clone()).exp().sum_dim(1);
    let loss = (sum.log() + largest).neg().squeeze_dim::<1>(1);
    let impossible = loss.clone().greater_scalar(1e20);
    loss.mask_fill(impossible, 0.0)
}
