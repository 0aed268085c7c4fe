//! Simple recurrent network: `h' = φ(a)` (Elman 1990).

use super::{BackwardStep, ForwardStep, each, load, store, tanh_slope};
use crate::cell::Activation;
use crate::cpu::layer::Units;
use crate::cpu::simd::Simd;
use crate::cpu::simd::math::tanh;

#[inline(always)]
pub(super) unsafe fn forward<S: Simd>(
    step: &ForwardStep<'_, '_>,
    row: usize,
    units: Units,
    activation: Activation,
) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let a = load::<S>(step.gate(row, 0, unit), n);
            let h = match activation {
                Activation::Tanh => tanh::<S>(a),
                Activation::Relu => S::where_positive(a, a),
            };
            step.emit::<S>(row, unit, n, h);
        });
    }
}

/// `δ = dh φ'`, the slope in terms of `h'`.
#[inline(always)]
pub(super) unsafe fn backward<S: Simd>(
    step: &BackwardStep<'_, '_>,
    row: usize,
    units: Units,
    activation: Activation,
) {
    // SAFETY: the task's own units.
    unsafe {
        each::<S>(units, |unit, n| {
            let h = load::<S>(step.now(step.outputs, row, unit), n);
            let dh = step.arriving::<S>(row, unit, n);
            let d = match activation {
                Activation::Tanh => S::mul(dh, tanh_slope::<S>(h)),
                Activation::Relu => S::where_positive(h, dh),
            };
            step.emit::<S>(0, row, unit, n, d);
            store::<S>(step.at(step.hidden_gradient, row, unit), S::splat(0.0), n);
        });
    }
}
