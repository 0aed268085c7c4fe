//! Attention of a batch: a source and its queries are one task, so that no sum crosses sources.
//!
//! - here: softmax, context, and what of the backward pass every score shares;
//! - `dot`: the products of a dot score;
//! - `additive`: `v·tanh(q + k)`, its `tanh` computed again on the way back.

mod additive;
mod dot;
#[cfg(test)]
mod tests;

use super::buffer::{Scratch, Shared};
use super::crew::Crew;
use super::gemm::{Gemm, Packed, blocks, panels};
use super::layer::threads_for;
use super::pack::Matrix;
use super::simd::{Isa, Simd, Task, math};
use super::tile::{K_BLOCK, Lay, Start};

/// Sizes and operands; time-major.
pub(crate) struct Attention<'a> {
    pub(crate) isa: Isa,
    /// True length of each source.
    pub(crate) lengths: &'a [usize],
    /// `T`.
    pub(crate) steps: usize,
    /// `S`.
    pub(crate) source: usize,
    /// `D`.
    pub(crate) features: usize,
    /// `M`.
    pub(crate) memory: usize,
    /// `[T, B, D]`.
    pub(crate) queries: &'a [f32],
    /// `[S, B, D]`.
    pub(crate) keys: &'a [f32],
    /// `[S, B, M]`.
    pub(crate) values: &'a [f32],
    /// Absent for a dot score.
    pub(crate) additive: Option<Additive<'a>>,
}

/// Operands of an additive score.
pub(crate) struct Additive<'a> {
    /// `[D]`.
    pub(crate) energy: &'a [f32],
    /// `[T, B, S]`, and its weight `[D]`.
    pub(crate) coverage: Option<[&'a [f32]; 2]>,
}

/// Results of a backward pass; all are written whole, those of an absent operand left alone.
pub(crate) struct AttentionGradients<'a> {
    /// `[T, B, D]`.
    pub(crate) queries: &'a mut [f32],
    /// `[S, B, D]`.
    pub(crate) keys: &'a mut [f32],
    /// `[S, B, M]`.
    pub(crate) values: &'a mut [f32],
    /// `[D]`.
    pub(crate) energy: &'a mut [f32],
    /// `[T, B, S]`.
    pub(crate) covered: &'a mut [f32],
    /// `[D]`.
    pub(crate) coverage: &'a mut [f32],
}

/// The same, for threads.
#[derive(Clone, Copy)]
struct To {
    queries: Shared,
    keys: Shared,
    values: Shared,
    covered: Shared,
    /// `[B, D]` each: a sum for each source, added up at the end in their order.
    energy: Shared,
    coverage: Shared,
}

impl Attention<'_> {
    fn batch(&self) -> usize {
        self.lengths.len()
    }

    fn threads(&self) -> usize {
        let pairs: usize = self.lengths.iter().sum::<usize>() * self.steps;
        // A hyperbolic tangent is worth some ten multiplications.
        let each = if self.additive.is_some() { 20 } else { 2 };
        threads_for(pairs * (each * self.features + 2 * self.memory))
    }

    /// The rows `[time, columns]` of one sequence of a time-major tensor.
    fn rows(&self, of: Shared, sequence: usize, columns: usize) -> Matrix {
        Matrix {
            start: of.at(sequence * columns).cast_const(),
            row_stride: self.batch() * columns,
            column_stride: 1,
        }
    }

    /// Contexts `[T, B, M]` and weights `[T, B, S]`.
    pub(crate) fn forward(&self, context: &mut [f32], weights: &mut [f32]) {
        let (context, weights) = (Shared::writing(context), Shared::writing(weights));
        Crew::run(self.threads(), |crew| {
            crew.phase(self.batch(), |sequence| self.look(sequence, context, weights));
        });
    }

    /// One source and its queries.
    fn look(&self, sequence: usize, context: Shared, weights: Shared) {
        let (batch, length) = (self.batch(), self.lengths[sequence]);
        let rows = weights.from(sequence * self.source); // [T, S], B*S apart
        match &self.additive {
            None => self.dot_scores(sequence, rows),
            Some(additive) => self.additive_scores(additive, sequence, rows),
        }
        for step in 0..self.steps {
            let row = rows.at(step * batch * self.source);
            // SAFETY: a row of its own, `S` long.
            unsafe { self.isa.run(Softmax { row, length, whole: self.source }) };
        }
        Product {
            a: self.rows(weights, sequence, self.source),
            rows: self.steps,
            turned: false,
            k: length,
            b: self.rows(Shared::reading(self.values), sequence, self.memory),
            columns: self.memory,
            c: context.from(sequence * self.memory),
            c_stride: batch * self.memory,
        }
        .compute(self.isa);
    }

    /// Gradients, from those of the contexts `[T, B, M]` and of the weights `[T, B, S]`; `None` stands
    /// for zeros.
    pub(crate) fn backward(
        &self,
        weights: &[f32],
        context_gradient: Option<&[f32]>,
        weights_gradient: Option<&[f32]>,
        gradients: AttentionGradients<'_>,
    ) {
        let (batch, features) = (self.batch(), self.features);
        let sums = |on: bool| Scratch::new(if on { batch * features } else { 0 });
        let covers = self.additive.as_ref().is_some_and(|additive| additive.coverage.is_some());
        let (energy, coverage) = (sums(self.additive.is_some()), sums(covers));
        let to = To {
            queries: Shared::writing(gradients.queries),
            keys: Shared::writing(gradients.keys),
            values: Shared::writing(gradients.values),
            covered: Shared::writing(gradients.covered),
            energy: energy.pointer(),
            coverage: coverage.pointer(),
        };
        let weights = Shared::reading(weights);
        let incoming = [context_gradient, weights_gradient].map(|g| g.map(Shared::reading));
        Crew::run(self.threads(), |crew| {
            crew.phase(batch, |sequence| self.look_back(sequence, weights, incoming, to));
        });
        for (sums, to) in [(&energy, gradients.energy), (&coverage, gradients.coverage)] {
            if let Some((first, rest)) = sums.split_at_checked(features) {
                to.copy_from_slice(first);
                for more in rest.chunks_exact(features) {
                    to.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
                }
            }
        }
    }

    /// One source and its queries, backward.
    fn look_back(&self, sequence: usize, weights: Shared, incoming: [Option<Shared>; 2], to: To) {
        let (batch, length, steps) = (self.batch(), self.lengths[sequence], self.steps);
        let [context_gradient, weights_gradient] = incoming;
        // The gradient of the weights, then of the scores: [T, length].
        let scores = Scratch::new(steps * length);
        let values = self.rows(Shared::reading(self.values), sequence, self.memory);
        match context_gradient {
            Some(gradient) => {
                let gradient = self.rows(gradient, sequence, self.memory);
                Product {
                    a: gradient,
                    rows: steps,
                    turned: false,
                    k: self.memory,
                    b: values.transposed(),
                    columns: length,
                    c: scores.pointer(),
                    c_stride: length,
                }
                .compute(self.isa);
                Product {
                    a: self.rows(weights, sequence, self.source).transposed(),
                    rows: length,
                    turned: true,
                    k: steps,
                    b: gradient,
                    columns: self.memory,
                    c: to.values.from(sequence * self.memory),
                    c_stride: batch * self.memory,
                }
                .compute(self.isa);
                self.clear_beyond(to.values, sequence, self.memory);
            }
            None => {
                // SAFETY: the scratch is `T * length` long; the rows are this source's own.
                unsafe {
                    scores.pointer().at(0).write_bytes(0, steps * length);
                    for position in 0..self.source {
                        let row = to.values.at((position * batch + sequence) * self.memory);
                        row.write_bytes(0, self.memory);
                    }
                }
            }
        }
        for step in 0..steps {
            let at = (step * batch + sequence) * self.source;
            let task = SoftmaxBack {
                weights: weights.at(at),
                extra: weights_gradient.map(|gradient| gradient.at(at).cast_const()),
                row: scores.pointer().at(step * length),
                length,
            };
            // SAFETY: rows of `length` values, the scratch's row its own.
            unsafe { self.isa.run(task) };
        }
        match &self.additive {
            None => self.dot_back(sequence, scores.pointer(), to),
            Some(additive) => self.additive_back(additive, sequence, scores.pointer(), to),
        }
        self.clear_beyond(to.keys, sequence, self.features);
    }

    /// Zeros for the positions past a source's end.
    fn clear_beyond(&self, of: Shared, sequence: usize, columns: usize) {
        for position in self.lengths[sequence]..self.source {
            let row = of.at((position * self.batch() + sequence) * columns);
            // SAFETY: a row of its own, `columns` long.
            unsafe { row.write_bytes(0, columns) };
        }
    }
}

/// `C = A B` for one source: small, by one thread.
struct Product {
    /// `[rows, k]`.
    a: Matrix,
    rows: usize,
    /// Whether its columns, not its rows, are contiguous.
    turned: bool,
    k: usize,
    /// `[k, columns]`.
    b: Matrix,
    columns: usize,
    c: Shared,
    c_stride: usize,
}

impl Product {
    fn compute(self, isa: Isa) {
        let (lay, crew) = (if self.turned { Lay::Columns } else { Lay::Rows }, Crew::alone());
        let scratch = Packed::scratch(isa, self.rows, self.k.div_ceil(K_BLOCK), lay);
        let a = Packed { data: scratch.pointer(), rows: self.rows, lay };
        a.pack(&crew, isa, self.a, self.k);
        Gemm {
            a,
            panels: &panels(isa, self.b, self.columns),
            k_blocks: &blocks(self.k).collect::<Vec<_>>(),
            c: self.c,
            c_stride: self.c_stride,
            start: Start::Zero,
        }
        .run(&crew, isa);
    }
}

/// A row's softmax in place, zeros behind its `length`.
struct Softmax {
    row: *mut f32,
    length: usize,
    whole: usize,
}

impl Task for Softmax {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { row, length, whole } = self;
        // SAFETY: the caller vouches for a row of `whole >= length` values.
        unsafe {
            let full = length - length % S::LANES;
            let mut largest = S::splat(f32::NEG_INFINITY);
            for at in (0..full).step_by(S::LANES) {
                largest = S::max(S::load(row.add(at)), largest);
            }
            let rest = std::slice::from_raw_parts(row.add(full), length - full);
            let largest = S::splat(rest.iter().fold(S::largest(largest), |a, &b| a.max(b)));
            let mut sum = S::splat(0.0);
            for at in (0..length).step_by(S::LANES) {
                let n = S::LANES.min(length - at);
                let e = math::exp::<S>(S::sub(S::load_first(row.add(at), n), largest));
                S::store_first(row.add(at), e, n);
                sum = S::add(sum, S::load_first(row.add(at), n)); // zeros behind the end
            }
            let factor = S::splat(1.0 / S::sum(sum));
            for at in (0..length).step_by(S::LANES) {
                let n = S::LANES.min(length - at);
                S::store_first(row.add(at), S::mul(S::load_first(row.add(at), n), factor), n);
            }
            row.add(length).write_bytes(0, whole - length);
        }
    }
}

/// `dscore_s = a_s (da_s - Σ_r a_r da_r)`, in place of `da`, to which `extra` is added first.
struct SoftmaxBack {
    weights: *const f32,
    extra: Option<*const f32>,
    row: *mut f32,
    length: usize,
}

impl Task for SoftmaxBack {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { weights, extra, row, length } = self;
        // SAFETY: the caller vouches for rows of `length` values.
        unsafe {
            let mut sum = S::splat(0.0);
            for at in (0..length).step_by(S::LANES) {
                let n = S::LANES.min(length - at);
                let mut gradient = S::load_first(row.add(at), n);
                if let Some(extra) = extra {
                    gradient = S::add(gradient, S::load_first(extra.add(at), n));
                    S::store_first(row.add(at), gradient, n);
                }
                sum = S::fma(S::load_first(weights.add(at), n), gradient, sum);
            }
            let sum = S::splat(S::sum(sum));
            for at in (0..length).step_by(S::LANES) {
                let n = S::LANES.min(length - at);
                let gradient = S::sub(S::load_first(row.add(at), n), sum);
                let weight = S::load_first(weights.add(at), n);
                S::store_first(row.add(at), S::mul(weight, gradient), n);
            }
        }
    }
}
