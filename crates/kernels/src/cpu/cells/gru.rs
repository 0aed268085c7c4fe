//! GRU: `r, z = σ(a)`, `h' = (1-z)⊙n + z⊙h` (Cho et al. 2014), with both candidates `n`.

use super::{BackwardStep, ForwardStep, each, load, sigmoid_slope, store, tanh_slope};
use crate::cpu::layer::Units;
use crate::cpu::simd::Simd;
use crate::cpu::simd::math::{sigmoid, tanh};

/// `n = tanh(a_n + r⊙(W_n h + b_n))`; the product is in `extra`.
#[inline(always)]
pub(super) unsafe fn forward_after<S: Simd>(step: &ForwardStep<'_, '_>, row: usize, units: Units) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let gate = |k| load::<S>(step.gate(row, k, unit), n);
            let (r, z) = (sigmoid::<S>(gate(0)), sigmoid::<S>(gate(1)));
            let product = load::<S>(step.at(step.extra, row, unit), n);
            let candidate = tanh::<S>(S::fma(r, product, gate(2)));
            finish::<S>(step, row, unit, n, r, z, candidate);
        });
    }
}

/// The gates, and `r⊙h` for the candidate's product.
#[inline(always)]
pub(super) unsafe fn forward_gates<S: Simd>(step: &ForwardStep<'_, '_>, row: usize, units: Units) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let r = sigmoid::<S>(load::<S>(step.gate(row, 0, unit), n));
            let z = sigmoid::<S>(load::<S>(step.gate(row, 1, unit), n));
            let h = load::<S>(step.block(step.hidden_before, row, unit), n);
            store::<S>(step.block(step.reset, row, unit), S::mul(r, h), n);
            store::<S>(step.gate(row, 0, unit), r, n);
            store::<S>(step.gate(row, 1, unit), z, n);
        });
    }
}

/// `n = tanh(a_n + W_n (r⊙h))`; the product is in the gate already.
#[inline(always)]
pub(super) unsafe fn forward_candidate<S: Simd>(
    step: &ForwardStep<'_, '_>,
    row: usize,
    units: Units,
) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let gate = |k| load::<S>(step.gate(row, k, unit), n);
            finish::<S>(step, row, unit, n, gate(0), gate(1), tanh::<S>(gate(2)));
        });
    }
}

/// `h' = n + z⊙(h - n)`.
#[inline(always)]
unsafe fn finish<S: Simd>(
    step: &ForwardStep<'_, '_>,
    row: usize,
    unit: usize,
    n: usize,
    r: S::V,
    z: S::V,
    candidate: S::V,
) {
    // SAFETY: the task's own units.
    unsafe {
        let h = load::<S>(step.block(step.hidden_before, row, unit), n);
        step.emit::<S>(row, unit, n, S::fma(z, S::sub(h, candidate), candidate));
        if step.keep {
            for (k, value) in [r, z, candidate].into_iter().enumerate() {
                store::<S>(step.gate(row, k, unit), value, n);
            }
        }
    }
}

/// Gradients of the update gate's and the candidate's arguments; leaves `dh z` for the step before.
#[inline(always)]
unsafe fn unmix<S: Simd>(
    step: &BackwardStep<'_, '_>,
    row: usize,
    unit: usize,
    n: usize,
) -> (S::V, S::V) {
    // SAFETY: the task's own units.
    unsafe {
        let z = load::<S>(step.gate(row, 1, unit), n);
        let candidate = load::<S>(step.gate(row, 2, unit), n);
        let before = load::<S>(step.before(step.outputs, 0, row, unit), n);
        let dh = step.arriving::<S>(row, unit, n);
        let dz = S::mul(S::mul(dh, S::sub(before, candidate)), sigmoid_slope::<S>(z));
        let dn = S::mul(S::mul(dh, S::sub(S::splat(1.0), z)), tanh_slope::<S>(candidate));
        store::<S>(step.at(step.hidden_gradient, row, unit), S::mul(dh, z), n);
        (dz, dn)
    }
}

/// Reset after the product: four gradients, the candidate's two halves apart.
#[inline(always)]
pub(super) unsafe fn backward_after<S: Simd>(
    step: &BackwardStep<'_, '_>,
    row: usize,
    units: Units,
) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let (dz, dn) = unmix::<S>(step, row, unit, n);
            let r = load::<S>(step.gate(row, 0, unit), n);
            let product = load::<S>(step.now(step.extra, row, unit), n);
            let dr = S::mul(S::mul(dn, product), sigmoid_slope::<S>(r));
            for (k, d) in [dr, dz, dn, S::mul(dn, r)].into_iter().enumerate() {
                step.emit::<S>(k, row, unit, n, d);
            }
        });
    }
}

/// Reset before the product, first the gradients that do not need it.
#[inline(always)]
pub(super) unsafe fn backward_candidate<S: Simd>(
    step: &BackwardStep<'_, '_>,
    row: usize,
    units: Units,
) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let (dz, dn) = unmix::<S>(step, row, unit, n);
            step.emit::<S>(1, row, unit, n, dz);
            step.emit::<S>(2, row, unit, n, dn);
        });
    }
}

/// Then, from `d(r⊙h) = W_nᵀ δn`, the reset gate's.
#[inline(always)]
pub(super) unsafe fn backward_gates<S: Simd>(
    step: &BackwardStep<'_, '_>,
    row: usize,
    units: Units,
) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let d = load::<S>(step.at(step.reset_gradient, row, unit), n);
            let r = load::<S>(step.gate(row, 0, unit), n);
            let before = load::<S>(step.before(step.outputs, 0, row, unit), n);
            step.emit::<S>(0, row, unit, n, S::mul(S::mul(d, before), sigmoid_slope::<S>(r)));
            store::<S>(step.now(step.reset, row, unit), S::mul(r, before), n);
            let dh = step.at(step.hidden_gradient, row, unit);
            store::<S>(dh, S::fma(d, r, load::<S>(dh, n)), n);
        });
    }
}
