//! A linear layer, as ordinary operations.

use burn::prelude::*;

use super::product;
use crate::linear::Then;

/// [`crate::linear()`] of ordinary operations.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>, then: Then) -> Tensor<2> {
    let product = product(x, weight);
    let y = match bias {
        Some(bias) => product + bias.unsqueeze(),
        None => product,
    };
    match then {
        Then::Nothing => y,
        Then::Tanh => y.tanh(),
    }
}
