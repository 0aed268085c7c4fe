//! Output layer and cross entropy in one.

use burn::prelude::*;

use crate::composed;
#[cfg(feature = "flex")]
use crate::extension;

/// How the loss is made of the tokens' losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean over the targets that are not ignored; 0 where all are.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// Options of [`linear_cross_entropy()`].
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyOptions {
    /// Targets of this value neither count nor give a gradient (padding).
    pub ignore_index: Option<i64>,
    /// `ε` of Szegedy et al. (2016, section 7): the target distribution is
    /// `(1-ε) one-hot + ε/V`. 0 is off.
    pub label_smoothing: f64,
    /// Mean or sum.
    pub reduction: Reduction,
}

/// What [`linear_cross_entropy()`] returns.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// The (smoothed) loss in nats, `[1]`; differentiable.
    pub loss: Tensor<1>,
    /// `-ln p(target)` of each token in nats, `[N]`, without smoothing, 0 where ignored. Not on the
    /// tape.
    pub nll: Tensor<1>,
}

/// `-ln softmax(hidden W + b)[target]`, reduced, without keeping `[N, V]` logits.
///
/// - `hidden`: `[N, H]`; `weight`: `[H, V]` (a transposed view, as of a tied embedding table
///   `[V, H]`, costs nothing); `bias`: `[V]`; `targets`: `[N]`, each in `0..V` or the ignored value.
///
/// Weights of a narrower type than `hidden` are mixed precision, as for [`crate::recurrent()`]: the
/// softmax and the loss stay in `hidden`'s.
///
/// # Panics
///
/// When shapes disagree or have a zero, the smoothing is not in `0..=1`, or (on the CPU; elsewhere what
/// the backend's `gather` does) a target is outside the vocabulary.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    options: &CrossEntropyOptions,
) -> CrossEntropy {
    let [tokens, features] = hidden.dims();
    let [weight_rows, vocabulary] = weight.dims();
    assert!(
        tokens > 0 && features > 0 && vocabulary > 0,
        "linear_cross_entropy: hidden [{tokens}, {features}] or vocabulary {vocabulary} is empty"
    );
    let smoothing = options.label_smoothing;
    assert!((0.0..=1.0).contains(&smoothing), "label smoothing {smoothing} is not in 0..=1");
    assert_eq!(weight_rows, features, "linear_cross_entropy: weight must be [H, V]");
    assert_eq!(targets.dims(), [tokens], "linear_cross_entropy: one target for each of N tokens");
    if let Some(bias) = &bias {
        assert_eq!(bias.dims(), [vocabulary], "linear_cross_entropy: bias must be [V]");
    }
    #[cfg(feature = "flex")]
    if extension::fused(hidden.device(), [hidden.dtype(), weight.dtype()]) {
        return extension::linear_cross_entropy(hidden, weight, bias, targets, options);
    }
    composed::linear_cross_entropy(hidden, weight, bias, targets, options)
}
