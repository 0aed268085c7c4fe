//! Elementary functions over slices, in a form that vectorises: no branch, no table, no call.

/// `e^x` for `x <= 0`: `2^n e^f` with `n` the integer nearest to `x log2 e` and a polynomial for
/// `e^f`. Relative error below 3e-7; 0 below -87 and for NaN.
#[inline(always)]
pub fn exp_negative(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that the remainder keeps its bits (Cody and Waite 1980).
    let f = (x - n * 0.693_145_75) - n * 1.428_606_8e-6;
    let p = 1.0 / 720.0;
    let p = p * f + 1.0 / 120.0;
    let p = p * f + 1.0 / 24.0;
    let p = p * f + 1.0 / 6.0;
    let p = p * f + 0.5;
    let p = p * f + 1.0;
    let p = p * f + 1.0;
    // The integer stands in the low bits of `shifted`; moved up, it is the exponent of 2^n.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    if x > -87.0 { p * power } else { 0.0 }
}

/// `σ(x) = 1 / (1 + e^-x)`; absolute error below 2e-7.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp_negative(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// `tanh(x) = (1 - e^-2x) / (1 + e^-2x)`; absolute error below 2e-7.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let e = exp_negative(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

/// Runs `op` with the widest vectors that the processor has, chosen at run time.
#[inline(always)]
pub(crate) fn widest<Op: pulp::WithSimd>(op: Op) -> Op::Output {
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::Simd;
        if let Some(simd) = pulp::x86::V4::try_new() {
            return Simd::vectorize(simd, op);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Simd::vectorize(simd, op);
        }
    }
    pulp::Arch::new().dispatch(op)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exp() {
        for i in 0..87_000 {
            let x = -(i as f32) / 1000.0;
            let (found, expected) = (f64::from(exp_negative(x)), f64::from(x).exp());
            assert!((found / expected - 1.0).abs() < 3e-7, "exp({x}) = {found}, not {expected}");
        }
        let zero = [f32::NEG_INFINITY, f32::NAN, -1e9].map(exp_negative);
        assert_eq!(zero, [0.0; 3]);
    }

    #[test]
    fn sigmoid_and_tanh_are_within_their_bound() {
        for i in -40_000..=40_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x);
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-exact).exp())).abs() < 2e-7);
            assert!((f64::from(tanh(x)) - exact.tanh()).abs() < 2e-7);
        }
        assert_eq!([tanh(f32::INFINITY), tanh(-1e30), sigmoid(-1e30)], [1.0, -1.0, 0.0]);
    }
}
