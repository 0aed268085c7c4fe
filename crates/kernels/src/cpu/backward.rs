//! The scan backward (backpropagation through time), then each weight's gradient in one product.

use super::buffer::{Scratch, Shared};
use super::cells::{BackwardStep, BackwardUnits};
use super::crew::Crew;
use super::gemm::tile_rows;
use super::layer::{Layer, StepProduct, Units};
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
    /// `[T + S, B, H]`.
    pub(crate) output: &'a [f32],
    /// `[T, B, G*H]`.
    pub(crate) gates: &'a [f32],
    /// `[T, B, H]` or empty.
    pub(crate) extra: &'a [f32],
    /// `[T + S, B, H]`.
    pub(crate) output_gradient: &'a [f32],
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
    /// `[S, B, H]`; always wanted.
    pub(crate) state: &'a mut [f32],
}

impl Layer<'_> {
    /// Runs the layer backward.
    pub(crate) fn backward(&self, pass: &Backward<'_>, gradients: Gradients<'_>) {
        let Self { isa, steps, batch, hidden, .. } = *self;
        let (units, tasks) = self.units();
        let rows = steps * batch;
        let (kinds, recurrent) = self.gate_kinds();

        let gate_gradients = Scratch::new(kinds * self.row_block(rows));
        let bias_gradients = Scratch::new(kinds * hidden);
        let reset_gradient = Scratch::new(if self.two_products() { batch * hidden } else { 0 });
        let reset = Scratch::new(if self.two_products() { rows * hidden } else { 0 });
        let output_gradient = Shared::reading(pass.output_gradient);
        let final_gradient = &pass.output_gradient[rows * hidden..];
        gradients.state.copy_from_slice(final_gradient);
        let state = Shared::writing(gradients.state);
        let template = BackwardStep {
            layer: self,
            t: 0,
            gates: Shared::reading(pass.gates),
            extra: Shared::reading(pass.extra),
            outputs: Shared::reading(pass.output),
            initial: Shared::reading(pass.state),
            output_gradient,
            hidden_gradient: state,
            cell_gradient: state.from(batch * hidden),
            gate_gradients: gate_gradients.pointer(),
            bias_gradients: bias_gradients.pointer(),
            reset_gradient: reset_gradient.pointer(),
            reset: reset.pointer(),
        };
        let products = self.products_back(pass.weight_hidden, &recurrent);
        let weights = WeightGradients::new(self, pass, &template, &recurrent);
        let [d_input, d_weight_input, d_weight_hidden] =
            [gradients.input, gradients.weight_input, gradients.weight_hidden]
                .map(|g| (!g.is_empty()).then(|| Shared::writing(g)));

        Crew::run(self.threads, |crew| {
            for product in &products {
                product.weights.pack(crew, &units, |_| product.source);
            }
            crew.phase(1, |_| {
                // SAFETY: the whole buffer; one thread.
                unsafe { std::ptr::write_bytes(bias_gradients.pointer().at(0), 0, kinds * hidden) }
            });
            // A share's product of one step and its equations of the next need no meeting between.
            let mut pending: Option<(usize, &ProductBack)> = None;
            for i in (0..steps).rev() {
                let t = self.step(i);
                let step = BackwardStep {
                    t,
                    gates: template.gates.from(t * batch * self.columns()),
                    output_gradient: output_gradient.from(t * batch * hidden),
                    ..template
                };
                for (part, product) in products.iter().enumerate() {
                    crew.phase(tasks, |task| {
                        for index in tile_rows(units.len(), tasks, task) {
                            if let Some((t, product)) = pending {
                                self.multiply_back(product, t, index, units[index], &template);
                            }
                            // SAFETY: units of their own, in buffers of the sizes that the layer says.
                            unsafe {
                                isa.run(BackwardUnits { step: &step, units: units[index], part });
                            }
                        }
                    });
                    pending = Some((t, product));
                }
            }
            crew.phase(tasks, |task| {
                for index in tile_rows(units.len(), tasks, task) {
                    if let Some((t, product)) = pending {
                        self.multiply_back(product, t, index, units[index], &template);
                    }
                }
            });
            if let Some(to) = d_input {
                weights.of_inputs(crew, to);
            }
            if let Some(to) = d_weight_input {
                weights.of_weight_input(crew, to);
            }
            if let Some(to) = d_weight_hidden {
                weights.of_weight_hidden(crew, to);
            }
        });

        // SAFETY: `kinds * hidden` sums, complete.
        let sums =
            unsafe { std::slice::from_raw_parts(bias_gradients.pointer().at(0), kinds * hidden) };
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
        step: &BackwardStep<'_, '_>,
    ) {
        let rows = self.steps * self.batch;
        let panel = product.weights.panel(index, 0, units);
        for (i, &kind) in product.kinds.iter().enumerate() {
            let (c, start) = match product.to_reset {
                true => (step.reset_gradient, Start::Zero),
                false => (step.hidden_gradient, Start::Add),
            };
            self.product(&StepProduct {
                a: step
                    .gate_gradients
                    .from(kind * self.row_block(rows) + t * self.batch * ROW_STRIDE),
                a_rows: rows,
                panel: panel.from(i * self.hidden * width(self.isa, units.count)),
                units,
                c: c.from(units.first),
                c_stride: self.hidden,
                start,
            });
        }
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
