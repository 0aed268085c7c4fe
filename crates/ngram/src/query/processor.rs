//! The processor's instructions for bits, where it has them.
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
