//! The loss's options. Their type belongs to the kernels, which this crate does not import: it is
//! inferred from the function that takes them.

use burn::prelude::*;
use lampwick_models::{LanguageModel, LanguageModelLoss, Mode, StackState};

/// [`LanguageModel::loss`] as a function of its options' type.
type Loss<Options> = fn(
    &LanguageModel,
    Tensor<2, Int>,
    Tensor<2, Int>,
    Option<StackState>,
    &Options,
    &mut Mode,
) -> LanguageModelLoss;

/// The default options of `loss`; give [`LanguageModel::loss`].
pub(crate) fn of<Options: Default>(_loss: Loss<Options>) -> Options {
    Options::default()
}
