//! Output layer and cross entropy: logits of some tokens at a time, their softmax, and while they
//! are in the cache the gradients, so that no `[N, V]` tensor outlives its block.
//!
//! The logits lie in row blocks, as left operands do: after the softmax they are one.

use std::ops::Range;

use super::buffer::{Scratch, Shared};
use super::crew::Crew;
use super::gemm::{Gemm, Packed, Panel, blocks, panels, tile_rows};
use super::layer::in_rows;
use super::pack::Matrix;
use super::simd::{Isa, MAX_LANES, Simd, Task, math};
use super::tile::{K_BLOCK, Lay, MAX_ROWS, ROW_STRIDE, Start};

/// Logits computed at a time, about: 16 MiB.
const BLOCK: usize = 1 << 22;

/// Operands of the loss.
pub(crate) struct CrossEntropy<'a> {
    pub(crate) isa: Isa,
    pub(crate) threads: usize,
    /// `[N, H]`.
    pub(crate) hidden: &'a [f32],
    pub(crate) features: usize,
    /// `[H, V]`.
    pub(crate) weight: Matrix,
    /// `[V]`.
    pub(crate) bias: &'a [f32],
    /// The target of each token; `None`: ignored.
    pub(crate) targets: &'a [Option<usize>],
    pub(crate) smoothing: f32,
    /// What each token's loss is multiplied by: 1, or 1 over how many count.
    pub(crate) scale: f32,
    /// Whether the bias's gradient is wanted.
    pub(crate) has_bias: bool,
}

/// Gradients of the scaled loss.
pub(crate) struct LossGradients<'a> {
    /// `[N, H]`.
    pub(crate) hidden: &'a mut [f32],
    /// As the weight lies: `[H, V]`, or `[V, H]` where the weight is a transposed view.
    pub(crate) weight: &'a mut [f32],
    /// `[V]`.
    pub(crate) bias: &'a mut [f32],
}

/// A block of tokens whose logits are computed together.
struct Tokens {
    range: Range<usize>,
    /// `[V]` by `range.len()` in row blocks: logits, then their gradients.
    logits: Shared,
}

impl CrossEntropy<'_> {
    /// The scaled loss; `nll` receives `-ln p(target)` of each token, 0 where ignored.
    pub(crate) fn run(&self, nll: &mut [f32], gradients: Option<LossGradients<'_>>) -> f32 {
        let count = self.targets.len();
        let vocabulary = self.bias.len();
        let parts = (count * vocabulary).div_ceil(BLOCK).clamp(1, count.div_ceil(MAX_ROWS).max(1));
        let most = count.div_ceil(parts);
        let logits = Scratch::new(vocabulary.div_ceil(K_BLOCK) * most * ROW_STRIDE);
        let features = self.features.div_ceil(K_BLOCK);
        let rows = Packed::scratch(self.isa, most, features, Lay::Rows);
        let columns =
            Packed::scratch(self.isa, self.features, most.div_ceil(K_BLOCK), Lay::Columns);
        let mut losses = vec![0.0; count];
        let (nll_out, loss_out) = (Shared::writing(nll), Shared::writing(&mut losses));
        let with_gradients = gradients.is_some();
        let gradients = gradients.map(|g| [g.hidden, g.weight, g.bias].map(Shared::writing));

        Crew::run(self.threads, |crew| {
            for part in 0..parts {
                let range = tile_rows(count, parts, part);
                let tokens = Tokens { range: range.clone(), logits: logits.pointer() };
                let packed = Packed { data: rows.pointer(), rows: range.len(), lay: Lay::Rows };
                self.logits(crew, &tokens, packed);
                crew.phase(range.len(), |row| {
                    let token = range.start + row;
                    let softmax = Softmax {
                        logits: tokens.logits.from(row * ROW_STRIDE),
                        segment: range.len() * ROW_STRIDE,
                        vocabulary,
                        target: self.targets[token],
                        smoothing: self.smoothing,
                        scale: with_gradients.then_some(self.scale),
                    };
                    // SAFETY: a row of its own.
                    unsafe {
                        let (nll, loss) = self.isa.run(softmax);
                        *nll_out.at(token) = nll;
                        *loss_out.at(token) = loss;
                    }
                });
                if let Some([d_hidden, d_weight, d_bias]) = gradients {
                    self.hidden_gradient(crew, &tokens, d_hidden);
                    let start = if part == 0 { Start::Zero } else { Start::Add };
                    if self.weight.column_stride == 1 {
                        let data = columns.pointer();
                        let left = Packed { data, rows: self.features, lay: Lay::Columns };
                        self.weight_gradient(crew, &tokens, left, d_weight, start);
                    } else {
                        self.turned_weight_gradient(crew, &tokens, d_weight, start);
                    }
                    if self.has_bias {
                        self.bias_gradient(crew, &tokens, d_bias, part == 0);
                    }
                }
            }
        });
        // In the order of the tokens, so that threads do not change the sum.
        let total: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
        (total * f64::from(self.scale)) as f32
    }

    /// `hidden W + b` of the block's tokens.
    fn logits(&self, crew: &Crew<'_>, tokens: &Tokens, rows: Packed) {
        let Self { isa, features, .. } = *self;
        let hidden = Matrix::rows(self.hidden.as_ptr(), features).from(tokens.range.start, 0);
        rows.pack(crew, isa, hidden, features);
        let mut panels = panels(isa, self.weight, self.bias.len());
        for panel in &mut panels {
            panel.to = segment(panel.column, tokens.range.len());
        }
        Gemm {
            a: rows,
            panels: &panels,
            k_blocks: &blocks(features).collect::<Vec<_>>(),
            c: tokens.logits,
            c_stride: ROW_STRIDE,
            start: Start::Bias(Shared::reading(self.bias)),
        }
        .run(crew, isa);
    }

    /// `dX = δ Wᵀ`.
    fn hidden_gradient(&self, crew: &Crew<'_>, tokens: &Tokens, to: Shared) {
        Gemm {
            a: Packed { data: tokens.logits, rows: tokens.range.len(), lay: Lay::Rows },
            panels: &panels(self.isa, self.weight.transposed(), self.features),
            k_blocks: &blocks(self.bias.len()).collect::<Vec<_>>(),
            c: to.from(tokens.range.start * self.features),
            c_stride: self.features,
            start: Start::Zero,
        }
        .run(crew, self.isa);
    }

    /// `dW = Xᵀ δ`, `[H, V]`.
    fn weight_gradient(
        &self,
        crew: &Crew<'_>,
        tokens: &Tokens,
        left: Packed,
        to: Shared,
        start: Start,
    ) {
        let Self { isa, features, .. } = *self;
        let count = tokens.range.len();
        let hidden = Matrix::rows(self.hidden.as_ptr(), features).from(tokens.range.start, 0);
        left.pack(crew, isa, hidden.transposed(), count);
        let width = 2 * isa.lanes();
        let panel = |first: usize| Panel {
            source: tokens.gradients(first),
            columns: width.min(self.bias.len() - first),
            column: first,
            to: first,
        };
        Gemm {
            a: left,
            panels: &(0..self.bias.len()).step_by(width).map(panel).collect::<Vec<_>>(),
            k_blocks: &blocks(count).collect::<Vec<_>>(),
            c: to,
            c_stride: self.bias.len(),
            start,
        }
        .run(crew, isa);
    }

    /// `dWᵀ = δᵀ X`, `[V, H]`, for a tied table: each task some words.
    fn turned_weight_gradient(&self, crew: &Crew<'_>, tokens: &Tokens, to: Shared, start: Start) {
        let Self { isa, features, .. } = *self;
        let count = tokens.range.len();
        let hidden = Matrix::rows(self.hidden.as_ptr(), features).from(tokens.range.start, 0);
        let panels = panels(isa, hidden, features);
        let k_blocks: Vec<_> = blocks(count).collect();
        let words: Vec<_> = blocks(self.bias.len()).collect();
        crew.phase(words.len(), |task| {
            let words = words[task].clone();
            let left = Packed::scratch(isa, words.len(), k_blocks.len(), Lay::Columns);
            let a = Packed { data: left.pointer(), rows: words.len(), lay: Lay::Columns };
            let alone = Crew::alone();
            a.pack(&alone, isa, tokens.gradients(words.start).transposed(), count);
            let c = to.from(words.start * features);
            Gemm { a, panels: &panels, k_blocks: &k_blocks, c, c_stride: features, start }
                .run(&alone, isa);
        });
    }

    /// `db`: the sum of the tokens' `δ`.
    fn bias_gradient(&self, crew: &Crew<'_>, tokens: &Tokens, to: Shared, first: bool) {
        let words: Vec<_> = blocks(self.bias.len()).collect();
        crew.phase(words.len(), |task| {
            let words = words[task].clone();
            let rows = tokens.gradients(words.start);
            let (count, sums) = (tokens.range.len(), to.at(words.start));
            // SAFETY: each task has words of its own.
            unsafe { self.isa.run(SumRows { rows, count, width: words.len(), sums, first }) };
        });
    }
}

impl Tokens {
    /// The logits' gradients from word `word` on, as far as its segment reaches: `[tokens, words]`.
    fn gradients(&self, word: usize) -> Matrix {
        Matrix {
            start: in_rows(self.logits, self.range.len(), 0, word),
            row_stride: ROW_STRIDE,
            column_stride: 1,
        }
    }
}

/// Where word `word` of the first of `rows` tokens lies in row blocks.
fn segment(word: usize, rows: usize) -> usize {
    word / K_BLOCK * rows * ROW_STRIDE + word % K_BLOCK
}

/// One token: from its logits to its losses and, where asked, to the logits' gradients.
///
/// `nll = ln Σ e^a - a_y`; with smoothing `ε` the loss is `(1-ε) nll + ε (ln Σ e^a - mean a)` and its
/// gradient `p - (1-ε) 1_y - ε/V` (Szegedy et al. 2016, section 7).
struct Softmax {
    logits: Shared,
    /// Floats from one of its segments to the next.
    segment: usize,
    vocabulary: usize,
    target: Option<usize>,
    smoothing: f32,
    /// What gradients are multiplied by; `None`: none are wanted.
    scale: Option<f32>,
}

impl Softmax {
    /// Calls `f(pointer, words)` for each vector of logits; the last may be partial.
    #[inline(always)]
    fn each<S: Simd>(&self, mut f: impl FnMut(*mut f32, usize)) {
        for words in blocks(self.vocabulary) {
            let start = self.logits.at(words.start / K_BLOCK * self.segment);
            for at in (0..words.len()).step_by(S::LANES) {
                f(start.wrapping_add(at), S::LANES.min(words.len() - at));
            }
        }
    }
}

impl Task for Softmax {
    /// `-ln p(target)` and the loss.
    type Output = (f32, f32);

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> (f32, f32) {
        // SAFETY: the row's logits, all written.
        unsafe {
            let Some(target) = self.target else {
                if self.scale.is_some() {
                    self.each::<S>(|p, n| S::store_first(p, S::splat(0.0), n));
                }
                return (0.0, 0.0);
            };
            let mut largest = S::splat(f32::NEG_INFINITY);
            let mut total = S::splat(0.0);
            self.each::<S>(|p, n| {
                let a = S::load_first(p, n);
                total = S::add(total, a);
                // A partial vector ends in zeros: repeat its first logit there.
                let a = if n == S::LANES { a } else { refill::<S>(p, n) };
                largest = S::max(a, largest);
            });
            let largest = S::largest(largest);
            let mean = S::sum(total) / self.vocabulary as f32;
            let at = self.logits.at(target / K_BLOCK * self.segment + target % K_BLOCK);
            let logit = *at;
            let mut sum = S::splat(0.0);
            self.each::<S>(|p, n| {
                let e = math::exp::<S>(S::sub(S::load_first(p, n), S::splat(largest)));
                if self.scale.is_some() {
                    S::store_first(p, e, n);
                }
                sum = S::add(sum, if n == S::LANES { e } else { keep_first::<S>(e, n) });
            });
            let sum = S::sum(sum);
            let log_sum = largest + sum.ln();
            let (nll, epsilon) = (log_sum - logit, self.smoothing);
            if let Some(scale) = self.scale {
                let factor = S::splat(scale / sum);
                let floor = S::splat(-scale * epsilon / self.vocabulary as f32);
                self.each::<S>(|p, n| {
                    S::store_first(p, S::fma(S::load_first(p, n), factor, floor), n);
                });
                *at -= scale * (1.0 - epsilon);
            }
            (nll, (1.0 - epsilon) * nll + epsilon * (log_sum - mean))
        }
    }
}

/// The first `n` lanes of `v`, zeros behind them.
#[inline(always)]
unsafe fn keep_first<S: Simd>(v: S::V, n: usize) -> S::V {
    let mut lanes = [0.0; MAX_LANES];
    // SAFETY: the array holds any vector.
    unsafe {
        S::store(lanes.as_mut_ptr(), v);
        S::load_first(lanes.as_ptr(), n)
    }
}

/// `n` values from memory, the first of them repeated in the lanes behind.
#[inline(always)]
unsafe fn refill<S: Simd>(p: *const f32, n: usize) -> S::V {
    let mut lanes = [0.0; MAX_LANES];
    // SAFETY: the array holds any vector; the caller vouches for `n` floats.
    unsafe {
        S::store(lanes.as_mut_ptr(), S::splat(*p));
        S::store_first(lanes.as_mut_ptr(), S::load_first(p, n), n);
        S::load(lanes.as_ptr())
    }
}

/// Sums of columns, rows taken in order.
pub(crate) struct SumRows {
    pub(crate) rows: Matrix,
    pub(crate) count: usize,
    pub(crate) width: usize,
    pub(crate) sums: *mut f32,
    /// Whether the sums start here.
    pub(crate) first: bool,
}

impl Task for SumRows {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for at in (0..self.width).step_by(S::LANES) {
            let n = S::LANES.min(self.width - at);
            // SAFETY: `count` rows of `width`, and as many sums.
            unsafe {
                let to = self.sums.add(at);
                let mut sum = if self.first { S::splat(0.0) } else { S::load_first(to, n) };
                for row in 0..self.count {
                    sum = S::add(sum, S::load_first(self.rows.from(row, at).start, n));
                }
                S::store_first(to, sum, n);
            }
        }
    }
}
