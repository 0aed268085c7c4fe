//! A linear layer over many rows, with tanh where asked: `y = tanh(x W + b)`, and its gradients.

use super::buffer::{Scratch, Shared};
use super::cells::tanh_slope;
use super::crew::Crew;
use super::cross_entropy::SumRows;
use super::gemm::{Gemm, Packed, blocks, panels};
use super::layer::threads_for;
use super::pack::Matrix;
use super::simd::{Isa, Simd, Task, math};
use super::tile::{Lay, Start};

/// Values of one task of an elementwise phase.
const CHUNK: usize = 1 << 13;

/// Operands of the layer.
#[derive(Clone, Copy)]
pub(crate) struct Linear<'a> {
    pub(crate) isa: Isa,
    /// `[N, I]`.
    pub(crate) x: &'a [f32],
    pub(crate) inputs: usize,
    /// `[I, O]`.
    pub(crate) weight: Matrix,
    pub(crate) columns: usize,
    pub(crate) tanh: bool,
}

/// Gradients that are wanted.
pub(crate) struct LinearGradients<'a> {
    /// `[N, I]`.
    pub(crate) x: Option<&'a mut [f32]>,
    /// `[I, O]`.
    pub(crate) weight: Option<&'a mut [f32]>,
    /// `[O]`.
    pub(crate) bias: Option<&'a mut [f32]>,
}

impl Linear<'_> {
    /// `y`, `[N, O]`.
    pub(crate) fn forward(&self, bias: Option<&[f32]>, y: &mut [f32]) {
        let Self { isa, inputs, columns, .. } = *self;
        let values = y.len();
        let k_blocks: Vec<_> = blocks(inputs).collect();
        let left = Packed::scratch(isa, self.rows(), k_blocks.len(), Lay::Rows);
        let a = Packed { data: left.pointer(), rows: self.rows(), lay: Lay::Rows };
        let panels = panels(isa, self.weight, columns);
        let y = Shared::writing(y);
        let start = bias.map_or(Start::Zero, |bias| Start::Bias(Shared::reading(bias)));
        Crew::run(self.threads(), |crew| {
            a.pack(crew, isa, Matrix::rows(self.x.as_ptr(), inputs), inputs);
            Gemm { a, panels: &panels, k_blocks: &k_blocks, c: y, c_stride: columns, start }
                .run(crew, isa);
            if self.tanh {
                each_chunk(crew, values, |at, count| {
                    // SAFETY: each task has values of its own.
                    unsafe { isa.run(Tanh { values: y.at(at), count }) };
                });
            }
        });
    }

    /// The gradients from `y` and its own gradient, `[N, O]` both.
    pub(crate) fn backward(&self, y: &[f32], dy: &[f32], gradients: LinearGradients<'_>) {
        let Self { isa, columns, .. } = *self;
        let LinearGradients { x, weight, bias } = gradients;
        let [dx, d_weight, d_bias] = [x, weight, bias].map(|to| to.map(Shared::writing));
        let slopes = Scratch::new(if self.tanh { dy.len() } else { 0 });
        let (y, dy) = (Shared::reading(y), Shared::reading(dy));
        let inner = if self.tanh { slopes.pointer() } else { dy }; // δ, [N, O]
        let values = self.rows() * columns;
        let delta = Matrix::rows(inner.at(0), columns);
        let rows = Packed::scratch(isa, self.rows(), blocks(columns).count(), Lay::Rows);
        let turned = Packed::scratch(isa, self.inputs, blocks(self.rows()).count(), Lay::Columns);
        Crew::run(self.threads(), |crew| {
            if self.tanh {
                each_chunk(crew, values, |at, count| {
                    let slope = TanhBack { y: y.at(at), dy: dy.at(at), inner: inner.at(at), count };
                    // SAFETY: each task has values of its own.
                    unsafe { isa.run(slope) };
                });
            }
            if let Some(to) = dx {
                self.input_gradient(crew, delta, rows.pointer(), to);
            }
            if let Some(to) = d_weight {
                self.weight_gradient(crew, delta, turned.pointer(), to);
            }
            if let Some(to) = d_bias {
                let parts: Vec<_> = blocks(columns).collect();
                crew.phase(parts.len(), |part| {
                    let part = parts[part].clone();
                    let (rows, sums) = (delta.from(0, part.start), to.at(part.start));
                    let (count, width) = (self.rows(), part.len());
                    // SAFETY: each task has columns of its own.
                    unsafe { isa.run(SumRows { rows, count, width, sums, first: true }) };
                });
            }
        });
    }

    /// `dX = δ Wᵀ`.
    fn input_gradient(&self, crew: &Crew<'_>, delta: Matrix, left: Shared, to: Shared) {
        let Self { isa, inputs, columns, .. } = *self;
        let a = Packed { data: left, rows: self.rows(), lay: Lay::Rows };
        a.pack(crew, isa, delta, columns);
        Gemm {
            a,
            panels: &panels(isa, self.weight.transposed(), inputs),
            k_blocks: &blocks(columns).collect::<Vec<_>>(),
            c: to,
            c_stride: inputs,
            start: Start::Zero,
        }
        .run(crew, isa);
    }

    /// `dW = Xᵀ δ`.
    fn weight_gradient(&self, crew: &Crew<'_>, delta: Matrix, left: Shared, to: Shared) {
        let Self { isa, inputs, columns, .. } = *self;
        let a = Packed { data: left, rows: inputs, lay: Lay::Columns };
        a.pack(crew, isa, Matrix::rows(self.x.as_ptr(), inputs).transposed(), self.rows());
        Gemm {
            a,
            panels: &panels(isa, delta, columns),
            k_blocks: &blocks(self.rows()).collect::<Vec<_>>(),
            c: to,
            c_stride: columns,
            start: Start::Zero,
        }
        .run(crew, isa);
    }

    fn rows(&self) -> usize {
        self.x.len() / self.inputs
    }

    fn threads(&self) -> usize {
        threads_for(2 * self.x.len() * self.columns)
    }
}

/// A phase over `values` values: `task` gets where its part starts, and its length.
fn each_chunk(crew: &Crew<'_>, values: usize, task: impl Fn(usize, usize)) {
    crew.phase(values.div_ceil(CHUNK), |chunk| {
        let at = chunk * CHUNK;
        task(at, CHUNK.min(values - at));
    });
}

/// `tanh` in place.
struct Tanh {
    values: *mut f32,
    count: usize,
}

impl Task for Tanh {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for at in (0..self.count).step_by(S::LANES) {
            let n = S::LANES.min(self.count - at);
            // SAFETY: the caller vouches for `count` values.
            unsafe {
                let to = self.values.add(at);
                S::store_first(to, math::tanh::<S>(S::load_first(to, n)), n);
            }
        }
    }
}

/// `inner = dy (1 - y^2)`.
struct TanhBack {
    y: *const f32,
    dy: *const f32,
    inner: *mut f32,
    count: usize,
}

impl Task for TanhBack {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for at in (0..self.count).step_by(S::LANES) {
            let n = S::LANES.min(self.count - at);
            // SAFETY: the caller vouches for `count` values in each.
            unsafe {
                let (y, dy) = (S::load_first(self.y.add(at), n), S::load_first(self.dy.add(at), n));
                S::store_first(self.inner.add(at), S::mul(dy, tanh_slope::<S>(y)), n);
            }
        }
    }
}
