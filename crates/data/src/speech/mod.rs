//! Speech: recordings to frames that a model reads, and strings of spoken digits.
//!
//! - [`wav`]: WAV files to samples
//! - [`mel`]: samples to log-mel frames
//! - [`fsdd`]: the Free Spoken Digit Dataset
//! - [`strings`]: strings of digits put together from its recordings

pub mod fsdd;
pub mod mel;
pub mod strings;
pub mod wav;

pub use fsdd::{Fsdd, Recording};
pub use mel::{Frames, LogMel, MelConfig};
pub use strings::{DigitStrings, StringConfig, Utterance};
pub use wav::read_wav;

#[cfg(test)]
mod tests;
