//! Plain arrays: what the compiler makes of them with the target's baseline (SSE2, NEON ...).

use super::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Portable;

type V = [f32; 16];

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|i| f(a[i], b[i]))
}

// SAFETY of every block below: the trait's contract, pointers are valid for 16 floats.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Portable {
    type V = V;

    #[inline(always)]
    unsafe fn splat(x: f32) -> V {
        [x; 16]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> V {
        unsafe { p.cast::<V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: V) {
        unsafe { p.cast::<V>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn add(a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn sqrt(a: V) -> V {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    unsafe fn min(a: V, b: V) -> V {
        // As the x86 instruction: the second operand where either is NaN.
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn max(a: V, b: V) -> V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn fma(a: V, b: V, c: V) -> V {
        // Not `mul_add`: without the instruction it calls a slow library function.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    unsafe fn round(a: V) -> V {
        // Adding 1.5 * 2^23 leaves no bits for a fraction; exact for |a| < 2^22.
        const MAGIC: f32 = 12_582_912.0;
        a.map(|a| (a + MAGIC) - MAGIC)
    }
    #[inline(always)]
    unsafe fn scale(a: V, n: V) -> V {
        zip(a, n, |a, n| a * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    unsafe fn sums(v: [V; 8]) -> V {
        let mut sums = [0.0; 16];
        for (sum, v) in sums.iter_mut().zip(v) {
            // In the order of the x86 instructions.
            let lane = |i: usize| (v[i] + v[i + 2]) + (v[i + 1] + v[i + 3]);
            *sum = (lane(0) + lane(4)) + (lane(8) + lane(12));
        }
        sums
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
}
