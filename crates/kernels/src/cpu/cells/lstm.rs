//! LSTM: `i, f, o = σ(a)`, `g = tanh(a)`, `c' = f⊙c + i⊙g`, `h' = o⊙tanh(c')`
//! (Gers, Schmidhuber and Cummins 2000).

use super::{BackwardStep, ForwardStep, each, load, sigmoid_slope, store, tanh_slope};
use crate::cpu::layer::Units;
use crate::cpu::simd::Simd;
use crate::cpu::simd::math::{sigmoid, tanh};

#[inline(always)]
pub(super) unsafe fn forward<S: Simd>(step: &ForwardStep<'_, '_>, row: usize, units: Units) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let gate = |k| load::<S>(step.gate(row, k, unit), n);
            let (i, f) = (sigmoid::<S>(gate(0)), sigmoid::<S>(gate(1)));
            let (g, o) = (tanh::<S>(gate(2)), sigmoid::<S>(gate(3)));
            let c = load::<S>(step.at(step.cell_before, row, unit), n);
            let c = S::fma(f, c, S::mul(i, g));
            store::<S>(step.at(step.extra, row, unit), c, n);
            step.emit::<S>(row, unit, n, S::mul(o, tanh::<S>(c)));
            if step.keep {
                for (k, value) in [i, f, g, o].into_iter().enumerate() {
                    store::<S>(step.gate(row, k, unit), value, n);
                }
            }
        });
    }
}

/// `δo = dh tanh(c')`, `dc = dc' + dh o (1 - tanh²c')`, `δi = dc g`, `δf = dc c`, `δg = dc i`, each
/// times the slope of its gate; `dc f` goes on to the step before.
#[inline(always)]
pub(super) unsafe fn backward<S: Simd>(step: &BackwardStep<'_, '_>, row: usize, units: Units) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let gate = |k| load::<S>(step.gate(row, k, unit), n);
            let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
            let before = load::<S>(step.before(step.extra, 1, row, unit), n);
            let tanh_c = tanh::<S>(load::<S>(step.now(step.extra, row, unit), n));
            let dh = step.arriving::<S>(row, unit, n);
            let dc = load::<S>(step.at(step.cell_gradient, row, unit), n);
            let dc = S::fma(S::mul(dh, o), tanh_slope::<S>(tanh_c), dc);
            let through = |d: S::V, slope: S::V| S::mul(d, slope);
            let gradients = [
                through(S::mul(dc, g), sigmoid_slope::<S>(i)),
                through(S::mul(dc, before), sigmoid_slope::<S>(f)),
                through(S::mul(dc, i), tanh_slope::<S>(g)),
                through(S::mul(dh, tanh_c), sigmoid_slope::<S>(o)),
            ];
            for (k, d) in gradients.into_iter().enumerate() {
                step.emit::<S>(k, row, unit, n, d);
            }
            store::<S>(step.at(step.cell_gradient, row, unit), S::mul(dc, f), n);
            // What remains of the gradient of h comes from the product.
            store::<S>(step.at(step.hidden_gradient, row, unit), S::splat(0.0), n);
        });
    }
}
