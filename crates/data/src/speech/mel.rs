//! Log-mel frames.

use std::fmt;

use phastft::planner::PlannerR2c64;
use phastft::r2c_fft_f64_with_planner;

use crate::error::{DataError, Result};

/// How samples become frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MelConfig {
    /// Samples a second.
    pub rate: u32,
    /// Samples that a frame is made from. Its transform is as long as the next power of two, at least 4.
    pub window: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Bands.
    pub bands: usize,
    /// Where the lowest band begins, in Hz.
    pub lowest: f64,
    /// Where the highest band ends, in Hz; at most half the rate.
    pub highest: f64,
    /// The least power of a band, below which all is silence.
    pub floor: f64,
}

impl Default for MelConfig {
    /// For speech at 8 kHz: 25 ms every 10 ms in 40 bands.
    fn default() -> Self {
        Self {
            rate: 8000,
            window: 200,
            hop: 80,
            bands: 40,
            lowest: 20.0,
            highest: 4000.0,
            floor: 1e-10,
        }
    }
}

/// Frames, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frames {
    /// `[T, bands]`: natural logarithms of the bands' powers.
    pub values: Vec<f32>,
    /// Bands of each frame.
    pub bands: usize,
}

impl Frames {
    /// How many there are, `T`.
    pub fn len(&self) -> usize {
        self.values.len() / self.bands.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Each band shifted and scaled to mean 0 and deviation 1 over these frames, so that loudness and
    /// microphone do not matter; a band that never changes becomes 0.
    pub fn normalize(&mut self) {
        let count = self.len() as f64;
        for band in 0..self.bands {
            let values =
                || self.values.iter().skip(band).step_by(self.bands).map(|&it| f64::from(it));
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            let scale = if variance > 1e-10 { variance.sqrt().recip() } else { 0.0 };
            for value in self.values.iter_mut().skip(band).step_by(self.bands) {
                *value = ((f64::from(*value) - mean) * scale) as f32;
            }
        }
    }
}

/// Computes log-mel frames, to the figures of librosa's `melspectrogram` with its defaults.
///
/// ```text
/// x_t[n]  = hann[n] x[t hop - window/2 + n]          zeros outside the samples
/// P_t[k]  = |DFT(x_t)[k]|^2
/// y_t[b]  = ln max(floor, sum over k of weight[b][k] P_t[k])
/// ```
///
/// Bands are triangles on Slaney's mel scale (linear below 1 kHz, logarithmic above), each of area 1 in
/// Hz. `n` samples give `1 + n / hop` frames.
pub struct LogMel {
    config: MelConfig,
    transform: PlannerR2c64,
    /// As long as the transform: zeros on both sides of the window.
    hann: Vec<f64>,
    /// For each band the first bin and the weights from there on.
    triangles: Vec<(usize, Vec<f64>)>,
}

impl fmt::Debug for LogMel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMel").field("config", &self.config).finish_non_exhaustive()
    }
}

impl LogMel {
    /// Prepares window, transform and bands.
    ///
    /// # Errors
    /// [`DataError::Setting`] for lengths of 0, frequencies outside 0 to half the rate, a floor that is not
    /// positive, and more bands than the window's frequencies can tell apart.
    pub fn new(config: MelConfig) -> Result<Self> {
        let MelConfig { rate, window, hop, bands, lowest, highest, floor } = config;
        let wrong = |key, value: String, mend| Err(DataError::Setting { key, value, mend });
        if !(2..=1 << 16).contains(&window) {
            return wrong("window", window.to_string(), "must be 2 to 65,536 samples");
        }
        if hop == 0 {
            return wrong("hop", hop.to_string(), "must be at least one sample");
        }
        if !(lowest >= 0.0 && lowest < highest && highest <= f64::from(rate) / 2.0) {
            let value = format!("{lowest} to {highest} Hz");
            return wrong("bands", value, "must lie between 0 and half the rate, lowest first");
        }
        if !(floor > 0.0 && floor.is_finite()) {
            return wrong("floor", floor.to_string(), "must be positive");
        }
        let triangles = triangles(&config);
        if bands == 0 || triangles.iter().any(|(_, weights)| weights.is_empty()) {
            let mend = "must leave each band a frequency: take fewer bands or a longer window";
            return wrong("bands", bands.to_string(), mend);
        }
        let length = transform_length(window);
        let turn = std::f64::consts::TAU / window as f64;
        let mut hann = vec![0.0; length];
        for (place, value) in hann[(length - window) / 2..][..window].iter_mut().enumerate() {
            *value = 0.5 - 0.5 * (turn * place as f64).cos();
        }
        let transform = PlannerR2c64::new(length);
        Ok(Self { config, transform, hann, triangles })
    }

    /// What it was made with.
    pub fn config(&self) -> &MelConfig {
        &self.config
    }

    /// Frames of samples; none of no samples.
    pub fn frames(&self, samples: &[f32]) -> Frames {
        let MelConfig { hop, bands, floor, .. } = self.config;
        if samples.is_empty() {
            return Frames { values: Vec::new(), bands };
        }
        let length = self.hann.len();
        let count = 1 + samples.len() / hop;
        let mut values = Vec::with_capacity(count * bands);
        let mut input = vec![0.0; length];
        let mut real = vec![0.0; length / 2 + 1];
        let mut imaginary = real.clone();
        for frame in 0..count {
            for (place, value) in input.iter_mut().enumerate() {
                let at = (frame * hop + place).checked_sub(length / 2);
                let sample = at.and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
                *value = self.hann[place] * f64::from(sample);
            }
            r2c_fft_f64_with_planner(&input, &mut real, &mut imaginary, &self.transform);
            for (first, weights) in &self.triangles {
                let bins = real[*first..].iter().zip(&imaginary[*first..]);
                let power =
                    weights.iter().zip(bins).map(|(weight, (re, im))| weight * (re * re + im * im));
                values.push(power.sum::<f64>().max(floor).ln() as f32);
            }
        }
        Frames { values, bands }
    }
}

fn transform_length(window: usize) -> usize {
    window.next_power_of_two().max(4)
}

/// Slaney's scale: 3 mel for each 200 Hz up to 1 kHz, then 27 for each factor of 6.4.
fn hz(mel: f64) -> f64 {
    match mel {
        low if low < 15.0 => low * 200.0 / 3.0,
        high => 1000.0 * 6.4_f64.powf((high - 15.0) / 27.0),
    }
}

fn mel(hz: f64) -> f64 {
    match hz {
        low if low < 1000.0 => low * 3.0 / 200.0,
        high => 15.0 + 27.0 * (high / 1000.0).ln() / 6.4_f64.ln(),
    }
}

/// For each band the bins within it: the first and their weights.
fn triangles(config: &MelConfig) -> Vec<(usize, Vec<f64>)> {
    let (from, to) = (mel(config.lowest), mel(config.highest));
    let corner = |index: usize| hz(from + (to - from) * index as f64 / (config.bands + 1) as f64);
    let length = transform_length(config.window);
    let frequency = |bin: usize| bin as f64 * f64::from(config.rate) / length as f64;
    (0..config.bands)
        .map(|band| {
            let (left, top, right) = (corner(band), corner(band + 1), corner(band + 2));
            let weight = |bin: usize| {
                let (rise, fall) = (frequency(bin) - left, right - frequency(bin));
                (rise / (top - left)).min(fall / (right - top)) * 2.0 / (right - left)
            };
            let mut bins = (0..=length / 2).filter(|&bin| weight(bin) > 0.0);
            let first = bins.next();
            let last = bins.next_back().or(first);
            match first.zip(last) {
                Some((first, last)) => (first, (first..=last).map(weight).collect()),
                None => (0, Vec::new()),
            }
        })
        .collect()
}
