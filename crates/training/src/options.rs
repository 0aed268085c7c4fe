//! The loss's options, by the names this crate uses them under.

pub(crate) use lampwick_kernels::CrossEntropyOptions;

/// Plain cross entropy, mean over the targets.
pub(crate) fn plain() -> CrossEntropyOptions {
    CrossEntropyOptions::default()
}

/// With label smoothing.
pub(crate) fn smoothed(label_smoothing: f64) -> CrossEntropyOptions {
    CrossEntropyOptions { label_smoothing, ..CrossEntropyOptions::default() }
}
