//! WAV files.

use std::io::BufReader;
use std::path::Path;

use hound::{SampleFormat, WavReader};

use crate::error::{DataError, Result};

/// Reads a WAV file of `rate` samples a second: from -1 to 1, several channels as their mean. PCM of 8 to
/// 32 bits and floating point are read.
///
/// Another rate is refused, not resampled: a model hears what its training heard only when both went
/// the same way, and converting files once is better done by a program made for it.
///
/// # Errors
/// [`DataError::Missing`], [`DataError::Directory`]; [`DataError::Wav`] for a file that is broken, cut
/// short or empty, or holds what is no number; [`DataError::SampleRate`].
pub fn read_wav(path: impl AsRef<Path>, rate: u32) -> Result<Vec<f32>> {
    let path = path.as_ref();
    let broken = |problem: String| DataError::Wav { path: path.into(), problem };
    let file = crate::text::open(path)?;
    let mut reader =
        WavReader::new(BufReader::new(file)).map_err(|error| broken(error.to_string()))?;
    let format = reader.spec();
    if format.sample_rate != rate {
        return Err(DataError::SampleRate {
            path: path.into(),
            found: format.sample_rate,
            wanted: rate,
        });
    }
    let (length, channels) = (reader.len(), usize::from(format.channels).max(1));
    let samples: Result<Vec<f32>, hound::Error> = match format.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let full = 2_f32.powi(i32::from(format.bits_per_sample) - 1);
            reader.samples::<i32>().map(|sample| Ok(sample? as f32 / full)).collect()
        }
    };
    // The samples before the place where the file breaks off are no recording.
    let samples = samples.map_err(|error| broken(format!("{error} (of {length} samples)")))?;
    if samples.is_empty() {
        return Err(broken("it has no samples".into()));
    }
    if let Some(place) = samples.iter().position(|sample| !sample.is_finite()) {
        return Err(broken(format!("sample {place} is no number")));
    }
    Ok(samples.chunks(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect())
}
