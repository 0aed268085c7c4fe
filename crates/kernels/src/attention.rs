//! Where a decoder looks: scores of a source's positions, their softmax, and the context.

use burn::prelude::*;

use crate::composed;
#[cfg(feature = "flex")]
use crate::extension;

/// The score of a source's position, of the key `k`, under the query `q`.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "two tensors' handles, one of them a call")]
pub enum Score {
    /// `q·k` (Luong et al. 2015, eq. 8; of mapped keys its `general`).
    Dot,
    /// `v·tanh(q + k)` (Bahdanau et al. 2015, A.1.2).
    Additive {
        /// `v`, `[D]`.
        energy: Tensor<1>,
        /// Adds `w c` inside the `tanh`.
        coverage: Option<Coverage>,
    },
}

/// What a query has looked at before (See et al. 2017, eq. 11).
#[derive(Clone, Debug)]
pub struct Coverage {
    /// `c`, `[T, B, S]`: for each query the sum of the weights before it.
    pub covered: Tensor<3>,
    /// `w`, `[D]`.
    pub weight: Tensor<1>,
}

/// What [`attention()`] returns.
#[derive(Clone, Debug)]
pub struct Attended {
    /// The weighted sum of the values, `[T, B, M]`.
    pub context: Tensor<3>,
    /// The weights, `[T, B, S]`: each row sums to 1 and is 0 past its source's end.
    pub weights: Tensor<3>,
}

/// `a_s = softmax_s(score(q_t, k_s))` over the positions of each source and `c_t = Σ_s a_s v_s`,
/// differentiably.
///
/// - `queries`: `[T, B, D]`; `keys`: `[S, B, D]`; `values`: `[S, B, M]`, all time-major;
/// - `lengths`: true length of each of the `B` sources. What stands past it changes no number, not
///   even by a bit on the CPU.
///
/// On Flex in `f32` this is a fused kernel with a backward pass by hand, which keeps the weights alone
/// for it, no `[T, B, S, D]`; elsewhere it is [`composed::attention`].
///
/// # Panics
///
/// When shapes disagree or have a zero, or a length is not in `1..=S`.
pub fn attention(
    queries: Tensor<3>,
    keys: Tensor<3>,
    values: Tensor<3>,
    score: Score,
    lengths: &[usize],
) -> Attended {
    check(&queries, &keys, &values, &score, lengths);
    #[cfg(feature = "flex")]
    if extension::fused(queries.device(), [queries.dtype(), keys.dtype()])
        && values.dtype() == keys.dtype()
    {
        return extension::attention(queries, keys, values, score, lengths);
    }
    composed::attention(queries, keys, values, score, lengths)
}

/// The shapes that [`attention()`] promises to refuse.
fn check(
    queries: &Tensor<3>,
    keys: &Tensor<3>,
    values: &Tensor<3>,
    score: &Score,
    lengths: &[usize],
) {
    let ([steps, batch, features], [source, _, memory]) = (queries.dims(), values.dims());
    assert!(
        steps > 0 && batch > 0 && features > 0 && source > 0 && memory > 0,
        "attention: queries [{steps}, {batch}, {features}] or values [{source}, {batch}, {memory}] \
         are empty"
    );
    assert_eq!(keys.dims(), [source, batch, features], "attention: keys must be [S, B, D]");
    assert_eq!(values.dims(), [source, batch, memory], "attention: values must be [S, B, M]");
    assert_eq!(lengths.len(), batch, "attention: one length for each of the B sources");
    assert!(
        lengths.iter().all(|&length| (1..=source).contains(&length)),
        "attention: a length is not in 1..={source}"
    );
    if let Score::Additive { energy, coverage } = score {
        assert_eq!(energy.dims(), [features], "attention: the energy must be [D]");
        if let Some(Coverage { covered, weight }) = coverage {
            assert_eq!(weight.dims(), [features], "attention: the coverage's weight must be [D]");
            assert_eq!(covered.dims(), [steps, batch, source], "attention: covered, [T, B, S]");
        }
    }
}
