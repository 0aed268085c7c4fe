use super::*;

/// `sigmoid` and the sums of eight vectors.
struct Both<'a> {
    x: &'a [f32; 128],
}

impl Task for Both<'_> {
    type Output = ([f32; 128], [f32; 16]);

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Self::Output {
        let (mut sigmoid, mut sums) = ([0.0; 128], [0.0; 16]);
        // SAFETY: eight vectors are 128 floats.
        unsafe {
            let v: [S::V; 8] = std::array::from_fn(|i| S::load(self.x[16 * i..].as_ptr()));
            for (i, &v) in v.iter().enumerate() {
                S::store(sigmoid[16 * i..].as_mut_ptr(), S::sigmoid(v));
            }
            S::store(sums.as_mut_ptr(), S::sums(v));
        }
        (sigmoid, sums)
    }
}

#[test]
fn every_instruction_set_computes_the_same() {
    let x: [f32; 128] = std::array::from_fn(|i| (i as f32 * 0.7).sin() * (i as f32 - 40.0));
    let all = Isa::available();
    // SAFETY: the task has no pointers of its own.
    let results: Vec<_> = all.iter().map(|isa| unsafe { isa.run(Both { x: &x }) }).collect();
    for (isa, (sigmoid, sums)) in all.iter().zip(&results) {
        for (&x, &found) in x.iter().zip(sigmoid) {
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(found) - exact).abs() <= 5e-7 * exact, "{isa:?} {x}: {found}");
        }
        for (v, &found) in x.chunks(16).zip(sums) {
            let exact: f64 = v.iter().map(|&x| f64::from(x)).sum();
            assert!((f64::from(found) - exact).abs() < 1e-3, "{isa:?}: {found}, not {exact}");
        }
        // Sets that round products alike give the same bits.
        if *isa != Isa::Portable {
            assert_eq!(sigmoid, &results[0].0);
            assert_eq!(sums[..8], results[0].1[..8]);
        }
    }
}
