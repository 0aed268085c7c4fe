//! Output layer, log-softmax and loss as ordinary operations.

use burn::prelude::*;
use burn::tensor::activation::log_softmax;

use super::product;
use crate::cross_entropy::{CrossEntropy, CrossEntropyOptions, Reduction};

/// The reference of [`crate::linear_cross_entropy()`]; keeps several `[N, V]` tensors on the tape.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    options: &CrossEntropyOptions,
) -> CrossEntropy {
    let vocabulary = weight.dims()[1];
    let logits = product(hidden, weight); // [N, V]
    let logits = match bias {
        Some(bias) => logits + bias.unsqueeze(),
        None => logits,
    };
    let log_p = log_softmax(logits, 1); // [N, V]
    let (targets, live) = match options.ignore_index {
        None => (targets, None),
        Some(ignored) => {
            let ignored = targets.clone().equal_elem(ignored);
            let live = ignored.clone().bool_not().float().cast(log_p.dtype());
            (targets.mask_fill(ignored, 0), Some(live))
        }
    };
    let tokens = targets.dims()[0];
    let keep = |per_token: Tensor<1>| match &live {
        Some(live) => per_token * live.clone(),
        None => per_token,
    };
    let nll = keep(-log_p.clone().gather(1, targets.unsqueeze_dim(1)).squeeze_dim(1)); // [N]
    let epsilon = options.label_smoothing;
    let per_token = if epsilon > 0.0 {
        let uniform = keep(-log_p.sum_dim(1).squeeze_dim(1) / vocabulary as f64);
        nll.clone() * (1.0 - epsilon) + uniform * epsilon
    } else {
        nll.clone()
    };
    let total = per_token.sum();
    let loss = match (options.reduction, live) {
        (Reduction::Sum, _) => total,
        (Reduction::Mean, None) => total / tokens as f64,
        (Reduction::Mean, Some(live)) => total / live.sum().clamp_min(1.0),
    };
    CrossEntropy { loss, nll: nll.detach() }
}
