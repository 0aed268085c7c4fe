//! The scan backward (backpropagation through time), then each weight's gradient in one product.

use std::ops::Range;

use super::buffer::{Scratch, Shared};
use super::cells::{BackwardStep, BackwardUnits};
use super::crew::Crew;
use super::layer::{Layer, StepProduct, Units, shares};
use super::pack::Matrix;
use super::tile::{ROW_STRIDE, Start, width};
use super::weight_gradients::WeightGradients;
use super::weights::PackedWeights;

/// Operands of a backward pass: the forward pass's, its results and its tape.
pub(crate) struct Backward<'a> {
    /// `[T, B, I]`.
    pub(crate) input: &'a [f32],
    /// `[I, G*H]`.
    pub(crate) weight_input: Matrix,
    /// `[H, G*H]`.
    pub(crate) weight_hidden: Matrix,
    /// `[S, B, H]`.
    pub(crate) state: &'a [f32],
    /// `[T, B, H]`.
    pub(crate) outputs: &'a [f32],
    /// `[T, B, G*H]`, rows [`Layer::gate_stride`] apart.
    pub(crate) gates: &'a [f32],
    /// `[T, B, H]` or empty.
    pub(crate) extra: &'a [f32],
    /// `[T, B, H]`; `None`: zeros.
    pub(crate) outputs_gradient: Option<&'a [f32]>,
    /// `[S, B, H]`; `None`: zeros.
    pub(crate) last_gradient: Option<&'a [f32]>,
    /// The weights where they were packed before.
    pub(crate) packed: Option<&'a PackedBack>,
    /// Whether the gradient of the state before the first step is wanted.
    pub(crate) wants_state: bool,
}

/// Results of a backward pass. An empty slice is a gradient that nobody asked for.
pub(crate) struct Gradients<'a> {
    /// `[T, B, I]`.
    pub(crate) input: &'a mut [f32],
    /// `[I, G*H]`.
    pub(crate) weight_input: &'a mut [f32],
    /// `[H, G*H]`.
    pub(crate) weight_hidden: &'a mut [f32],
    /// `[G*H]`.
    pub(crate) bias_input: &'a mut [f32],
    /// `[G*H]`.
    pub(crate) bias_hidden: &'a mut [f32],
    /// `[S, B, H]`; of no meaning where it is not wanted.
    pub(crate) state: &'a mut [f32],
}

impl Layer<'_> {
    /// Runs the layer backward.
    pub(crate) fn backward(&self, pass: &Backward<'_>, gradients: Gradients<'_>) {
        let Self { isa, steps, batch, hidden, .. } = *self;
        let (all_units, tiles) = (self.units(), self.tiles());
        let rows = steps * batch;
        let (kinds, recurrent) = self.gate_kinds();

        let gate_gradients = Scratch::new(kinds * self.row_block(rows));
        // A sum for each tile of sequences: who computes a tile does not change the order of a sum.
        let mut bias_gradients = Scratch::new(tiles * kinds * hidden);
        bias_gradients.fill(0.0);
        let reset_gradient = Scratch::new(if self.two_products() { batch * hidden } else { 0 });
        let reset = Scratch::new(if self.two_products() { rows * hidden } else { 0 });
        // One step of zeros serves every step.
        let zeros = vec![0.0; if pass.outputs_gradient.is_none() { batch * hidden } else { 0 }];
        let (output_gradient, per_step) = match pass.outputs_gradient {
            Some(gradient) => (Shared::reading(gradient), batch * hidden),
            None => (Shared::reading(&zeros), 0),
        };
        match pass.last_gradient {
            Some(gradient) => gradients.state.copy_from_slice(gradient),
            None => gradients.state.fill(0.0),
        }
        let state = Shared::writing(gradients.state);
        let template = BackwardStep {
            layer: self,
            t: 0,
            gates: Shared::reading(pass.gates),
            extra: Shared::reading(pass.extra),
            outputs: Shared::reading(pass.outputs),
            initial: Shared::reading(pass.state),
            output_gradient,
            hidden_gradient: state,
            cell_gradient: state.from(batch * hidden),
            gate_gradients: gate_gradients.pointer(),
            bias_gradients: bias_gradients.pointer(),
            reset_gradient: reset_gradient.pointer(),
            reset: reset.pointer(),
        };
        let own = pass.packed.is_none().then(|| self.products_back(pass.weight_hidden, &recurrent));
        let products =
            pass.packed.map_or_else(|| own.as_deref().expect("one of two"), |p| &p.products);
        let weights = WeightGradients::new(self, pass, &template, &recurrent);
        let [d_input, d_weight_input, d_weight_hidden] =
            [gradients.input, gradients.weight_input, gradients.weight_hidden]
                .map(|g| (!g.is_empty()).then(|| Shared::writing(g)));

        Crew::run(self.threads, |crew| {
            for product in own.iter().flatten() {
                product.weights.pack(crew, &all_units, |_| product.source);
            }
            // A stage: the product of the one before, then the equations; they need no meeting between.
            let parts = products.len();
            let stage_of = |stage: usize| {
                (stage < steps * parts)
                    .then(|| (self.step(steps - 1 - stage / parts), stage % parts))
            };
            self.scan(crew, steps * parts + 1, |stage, share| {
                let before = stage.checked_sub(1).and_then(stage_of);
                let now = stage_of(stage);
                for index in share.units.clone() {
                    let units = all_units[index];
                    if let Some((t, part)) = before {
                        let product = &products[part];
                        // Before the first step the state alone is left.
                        if stage < steps * parts || pass.wants_state || product.to_reset {
                            self.multiply_back(product, t, index, units, &share.tiles, &template);
                        }
                    }
                    let Some((t, part)) = now else { continue };
                    for tile in share.tiles.clone() {
                        let step = BackwardStep {
                            t,
                            gates: template.gates.from(t * batch * self.gate_stride()),
                            output_gradient: output_gradient.from(t * per_step),
                            bias_gradients: template.bias_gradients.from(tile * kinds * hidden),
                            ..template
                        };
                        let rows = self.rows_of(tile..tile + 1);
                        // SAFETY: units and rows of their own, in buffers of the layer's sizes.
                        unsafe { isa.run(BackwardUnits { step: &step, units, rows, part }) };
                    }
                }
            });
            match (d_input, pass.packed) {
                (Some(to), None) => weights.of_inputs(crew, to),
                (Some(to), Some(packed)) => packed.of_inputs(self, crew, &template, to),
                (None, _) => {}
            }
            if let Some(to) = d_weight_input {
                weights.of_weight_input(crew, to);
            }
            if let Some(to) = d_weight_hidden {
                weights.of_weight_hidden(crew, to);
            }
        });

        let (sums, tiles) = bias_gradients.split_at_mut(kinds * hidden);
        for tile in tiles.chunks_exact(kinds * hidden) {
            sums.iter_mut().zip(tile).for_each(|(sum, x)| *sum += x);
        }
        gradients.bias_input.copy_from_slice(&sums[..self.columns()]);
        for (gate, &kind) in recurrent.iter().enumerate() {
            gradients.bias_hidden[gate * hidden..][..hidden]
                .copy_from_slice(&sums[kind * hidden..][..hidden]);
        }
    }

    /// How many kinds of gate gradients there are, and which belong to the recurrent weights: a GRU
    /// with the reset after has its candidate's recurrent half as a fourth.
    fn gate_kinds(&self) -> (usize, Vec<usize>) {
        if self.splits_candidate() {
            (4, vec![0, 1, 3])
        } else {
            (self.cell.gates(), (0..self.cell.gates()).collect())
        }
    }

    /// The products of a step, in order.
    fn products_back(&self, weight_hidden: Matrix, recurrent: &[usize]) -> Vec<ProductBack> {
        let transposed = weight_hidden.transposed(); // [G*H, H]
        let product = |kinds: &[usize], first: usize, to_reset| ProductBack {
            kinds: kinds.to_vec(),
            weights: PackedWeights::new(self.isa, kinds.len() * self.hidden, self.hidden, 1),
            source: transposed.from(first * self.hidden, 0),
            to_reset,
        };
        if self.two_products() {
            vec![product(&[2], 2, true), product(&[0, 1], 0, false)]
        } else {
            vec![product(recurrent, 0, false)]
        }
    }

    /// `dh += δ_t W_hᵀ` (or `d(r⊙h) = δn_t W_nᵀ`) for one share of the units.
    fn multiply_back(
        &self,
        product: &ProductBack,
        t: usize,
        index: usize,
        units: Units,
        tiles: &Range<usize>,
        step: &BackwardStep<'_, '_>,
    ) {
        let rows = self.steps * self.batch;
        let panel = product.weights.panel(index, 0, units);
        for (i, &kind) in product.kinds.iter().enumerate() {
            let (c, start) = match product.to_reset {
                true => (step.reset_gradient, Start::Zero),
                false => (step.hidden_gradient, Start::Add),
            };
            StepProduct {
                tile_count: self.tiles(),
                tiles: tiles.clone(),
                batch: self.batch,
                k: self.hidden,
                a: step
                    .gate_gradients
                    .from(kind * self.row_block(rows) + t * self.batch * ROW_STRIDE),
                a_rows: rows,
                panel: panel.from(i * self.hidden * width(self.isa, units.count)),
                units,
                c: c.from(units.first),
                c_stride: self.hidden,
                start,
            }
            .compute(self.isa);
        }
    }
}

/// The weights of one step's backward pass, transposed and packed once for all steps.
pub(crate) struct PackedBack {
    products: Vec<ProductBack>,
    /// For each gate `[H, I]`.
    input: PackedWeights,
}

impl PackedBack {
    /// Packs the weights of `layer`.
    pub(crate) fn new(layer: &Layer<'_>, weight_input: Matrix, weight_hidden: Matrix) -> Self {
        let Layer { isa, hidden, inputs, cell, .. } = *layer;
        let (_, recurrent) = layer.gate_kinds();
        let products = layer.products_back(weight_hidden, &recurrent);
        let input = PackedWeights::new(isa, hidden, inputs, cell.gates());
        let turned = weight_input.transposed(); // [G*H, I]
        Crew::run(layer.threads, |crew| {
            for product in &products {
                product.weights.pack(crew, &layer.units(), |_| product.source);
            }
            input.pack(crew, &shares(isa, inputs), |gate| turned.from(gate * hidden, 0));
        });
        Self { products, input }
    }

    /// `dX = δ W_xᵀ` of a single step, `[B, I]`.
    fn of_inputs(
        &self,
        layer: &Layer<'_>,
        crew: &Crew<'_>,
        step: &BackwardStep<'_, '_>,
        to: Shared,
    ) {
        let Layer { isa, batch, hidden, inputs, cell, .. } = *layer;
        debug_assert_eq!(layer.steps, 1);
        let all_units = shares(isa, inputs);
        crew.phase(all_units.len(), |index| {
            let units = all_units[index];
            for gate in 0..cell.gates() {
                StepProduct {
                    tile_count: layer.tiles(),
                    tiles: 0..layer.tiles(),
                    batch,
                    k: hidden,
                    a: step.gate_gradients.from(gate * layer.row_block(batch)),
                    a_rows: batch,
                    panel: self.input.panel(index, gate, units),
                    units,
                    c: to.from(units.first),
                    c_stride: inputs,
                    start: if gate == 0 { Start::Zero } else { Start::Add },
                }
                .compute(isa);
            }
        });
    }
}

/// A product of a step backward: gradients of some kinds of gates times their weights transposed.
struct ProductBack {
    kinds: Vec<usize>,
    weights: PackedWeights,
    /// `[kinds * H, H]`.
    source: Matrix,
    /// Whether it goes to `r⊙h` rather than to `h`.
    to_reset: bool,
}
