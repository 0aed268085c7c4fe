//! A linear layer packed once for products with a few rows: the output layer of one step.

use super::buffer::{Scratch, Shared};
use super::crew::Crew;
use super::layer::{StepProduct, fill_rows, row_block, shares, step_tiles, threads_for};
use super::pack::Matrix;
use super::simd::Isa;
use super::tile::Start;
use super::weights::PackedWeights;

/// A linear layer's weights, packed once for products with a few rows.
///
/// A row's result does not depend, bit by bit, on the rows beside it.
#[derive(Debug)]
pub struct PackedLinear {
    inputs: usize,
    weight: PackedWeights,
    bias: Vec<f32>,
}

impl PackedLinear {
    /// Packs a row-major `weight` `[K, N]`, `N` being the length of the bias.
    ///
    /// # Panics
    ///
    /// When the weight is not a multiple of `N` long.
    pub fn new(weight: &[f32], bias: Vec<f32>) -> Self {
        Self::pack(Matrix::rows(weight.as_ptr(), bias.len()), weight.len(), bias)
    }

    /// Packs the transpose of a row-major `weight` `[N, K]`: a table of word vectors tied to the
    /// output.
    ///
    /// # Panics
    ///
    /// As [`PackedLinear::new`].
    pub fn transposed(weight: &[f32], bias: Vec<f32>) -> Self {
        let rows = Matrix::rows(weight.as_ptr(), weight.len() / bias.len().max(1));
        Self::pack(rows.transposed(), weight.len(), bias)
    }

    fn pack(weight: Matrix, len: usize, bias: Vec<f32>) -> Self {
        let (isa, columns) = (Isa::best(), bias.len());
        let inputs = len / columns.max(1);
        assert_eq!(len, inputs * columns, "a weight [K, N] and a bias [N]");
        let packed = PackedWeights::new(isa, inputs, columns, 1);
        packed.pack(&Crew::alone(), &shares(isa, columns), |_| weight);
        Self { inputs, weight: packed, bias }
    }

    /// `K`.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// `N`.
    pub fn columns(&self) -> usize {
        self.bias.len()
    }

    /// `x W + b` for the rows of `x` `[B, K]`, into `out` `[B, N]`; both row-major.
    ///
    /// # Panics
    ///
    /// When the slices' lengths do not fit.
    pub fn apply(&self, x: &[f32], out: &mut [f32]) {
        let (isa, columns) = (Isa::best(), self.bias.len());
        let batch = x.len() / self.inputs;
        assert_eq!(
            [x.len(), out.len()],
            [batch * self.inputs, batch * columns],
            "x [B, K] and out [B, N]"
        );
        let rows = Scratch::new(row_block(batch, self.inputs));
        fill_rows(rows.pointer(), Shared::reading(x), batch, self.inputs);
        let (all_units, tile_count) = (shares(isa, columns), step_tiles(isa, batch));
        let (bias, out) = (Shared::reading(&self.bias), Shared::writing(out));
        Crew::run(threads_for(2 * batch * self.inputs * columns), |crew| {
            crew.phase(all_units.len(), |index| {
                let units = all_units[index];
                StepProduct {
                    tile_count,
                    tiles: 0..tile_count,
                    batch,
                    k: self.inputs,
                    a: rows.pointer(),
                    a_rows: batch,
                    panel: self.weight.panel(index, 0, units),
                    units,
                    c: out.from(units.first),
                    c_stride: columns,
                    start: Start::Bias(bias.from(units.first)),
                }
                .compute(isa);
            });
        });
    }
}
