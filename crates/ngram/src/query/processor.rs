//! The processor's instructions for bits, where it has them, and for memory.
//!
//! Finding the n-th bit of a word counts bits and shifts by what it counted. Programs are built for
//! the oldest processors of their kind, which do both in many steps.

/// What runs with all the instructions that this processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor {
    #[cfg(target_arch = "x86_64")]
    bits: Option<Bits>,
}

#[cfg(target_arch = "x86_64")]
pulp::simd_type!({
    struct Bits {
        popcnt: f!("popcnt"),
        bmi1: f!("bmi1"),
        bmi2: f!("bmi2"),
        lzcnt: f!("lzcnt"),
    }
});

/// Has the processor fetch what will be read soon, without waiting for it.
#[inline(always)]
pub(crate) fn fetch<T: Copy>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = std::ptr::from_ref(value).cast();
        // SAFETY: a hint, which reads nothing that the program sees; every processor of this kind has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    // Elsewhere a read that nobody waits for at once.
    #[cfg(not(target_arch = "x86_64"))]
    std::hint::black_box(*value);
}

impl Processor {
    /// Asks this processor.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            bits: Bits::try_new(),
        }
    }

    /// Runs `work`, whose `call` has to be inlined for the instructions to be used. That leaves closures
    /// out: they are called from where the instructions may be used, instead of being put there.
    #[inline(always)]
    pub(crate) fn run<W: pulp::NullaryFnOnce>(self, work: W) -> W::Output {
        #[cfg(target_arch = "x86_64")]
        if let Some(bits) = self.bits {
            return bits.vectorize(work);
        }
        work.call()
    }
}
