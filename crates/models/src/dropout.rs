//! The four dropouts of recurrent language models. Each is the identity under [`Mode::Evaluate`]
//! and for a probability of 0, and then draws nothing.

use burn::prelude::*;

use crate::mode::Mode;

/// Element dropout: every element by itself (Zaremba et al. 2014: on non-recurrent edges only).
///
/// `x`: `[T, B, F]`.
pub fn element_dropout(x: Tensor<3>, p: f64, mode: &mut Mode) -> Tensor<3> {
    let shape = x.dims();
    match mask(shape, p, mode, &x) {
        Some(mask) => x * mask,
        None => x,
    }
}

/// Locked (variational) dropout: one mask for all steps of a sequence, another for each sequence of
/// the batch (Gal and Ghahramani 2016, section 4).
///
/// `x`: `[T, B, F]`; the mask is `[1, B, F]`.
pub fn locked_dropout(x: Tensor<3>, p: f64, mode: &mut Mode) -> Tensor<3> {
    let [_, batch, features] = x.dims();
    match mask([1, batch, features], p, mode, &x) {
        Some(mask) => x * mask,
        None => x,
    }
}

/// [`locked_dropout`] or [`element_dropout`].
pub fn dropout(x: Tensor<3>, p: f64, locked: bool, mode: &mut Mode) -> Tensor<3> {
    if locked { locked_dropout(x, p, mode) } else { element_dropout(x, p, mode) }
}

/// Embedding dropout: whole rows of the table, so a dropped word is dropped wherever it stands in
/// the batch (Gal and Ghahramani 2016, section 4.2; Merity et al. 2017, section 4.3).
///
/// `embedded`: `[T, B, E]`, rows looked up for `tokens` `[T, B]` in a table of `vocabulary` rows.
/// Scaling what was looked up equals scaling the table, without a pass over the table.
pub fn embedding_dropout(
    embedded: Tensor<3>,
    tokens: Tensor<2, Int>,
    vocabulary: usize,
    p: f64,
    mode: &mut Mode,
) -> Tensor<3> {
    let Some(rows) = mask([vocabulary], p, mode, &embedded) else { return embedded };
    let [steps, batch] = tokens.dims();
    let scale: Tensor<1> = rows.select(0, tokens.reshape([steps * batch]));
    embedded * scale.reshape([steps, batch, 1])
}

/// Weight drop (DropConnect, Wan et al. 2013) on hidden-to-hidden weights: one mask for the whole
/// forward pass, so the same connections are missing at every step (Merity et al. 2017, section 2).
///
/// `weight`: `[H, G*H]`. The product with the mask is on the tape: the gradient reaches the raw
/// weight through it, at the first step of a run as at any other.
pub fn weight_drop(weight: Tensor<2>, p: f64, mode: &mut Mode) -> Tensor<2> {
    let shape = weight.dims();
    match mask(shape, p, mode, &weight) {
        Some(mask) => weight * mask,
        None => weight,
    }
}

/// An inverted-dropout mask of `shape`, on the device and of the type of `like`.
fn mask<const D: usize, const E: usize>(
    shape: [usize; D],
    p: f64,
    mode: &mut Mode,
    like: &Tensor<E>,
) -> Option<Tensor<D>> {
    let Mode::Train(rng) = mode else { return None };
    if p <= 0.0 {
        return None;
    }
    let values = rng.mask(p, shape.iter().product());
    Some(Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype())))
}
