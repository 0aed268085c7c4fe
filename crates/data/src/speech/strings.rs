//! Strings of spoken digits.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::{DataError, Result};
use crate::speech::{Fsdd, Recording};

/// What strings there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StringConfig {
    /// Another seed, other strings.
    pub seed: u64,
    /// The fewest digits.
    pub shortest: usize,
    /// The most digits; each length is equally likely.
    pub longest: usize,
    /// The longest pause between two digits, and at both ends, in samples; each is equally likely.
    pub pause: usize,
}

impl Default for StringConfig {
    /// One to seven digits, pauses of up to a fifth of a second.
    fn default() -> Self {
        Self { seed: 0, shortest: 1, longest: 7, pause: 1600 }
    }
}

/// A string of digits, spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// From -1 to 1.
    pub samples: Vec<f32>,
    /// What was said.
    pub digits: Vec<u8>,
}

impl Utterance {
    /// What was said, as digits parted by spaces.
    pub fn transcript(&self) -> String {
        self.digits.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Strings of one speaker's recordings of random digits with pauses between, each made from its number
/// alone.
#[derive(Clone, Debug)]
pub struct DigitStrings {
    config: StringConfig,
    /// By speaker, then by digit.
    speakers: Vec<[Vec<Recording>; 10]>,
}

impl DigitStrings {
    /// From one part's recordings.
    ///
    /// # Errors
    /// [`DataError::Setting`] for lengths out of order, or a speaker without one of the digits.
    pub fn new(recordings: Fsdd, config: StringConfig) -> Result<Self> {
        let StringConfig { shortest, longest, .. } = config;
        if shortest == 0 || longest < shortest {
            return Err(DataError::Setting {
                key: "digits",
                value: format!("{shortest} to {longest}"),
                mend: "must be at least 1, the shortest first",
            });
        }
        let mut speakers: Vec<(String, [Vec<Recording>; 10])> = Vec::new();
        for recording in recordings.recordings {
            if speakers.last().is_none_or(|(name, _)| *name != recording.speaker) {
                speakers.push((recording.speaker.clone(), Default::default()));
            }
            if let Some((_, digits)) = speakers.last_mut() {
                digits[usize::from(recording.digit % 10)].push(recording);
            }
        }
        let lacking = speakers.iter().find(|(_, digits)| digits.iter().any(Vec::is_empty));
        if speakers.is_empty() || lacking.is_some() {
            return Err(DataError::Setting {
                key: "recordings",
                value: lacking.map_or("none".into(), |(name, _)| name.clone()),
                mend: "must hold every digit of each speaker",
            });
        }
        let speakers = speakers.into_iter().map(|(_, digits)| digits).collect();
        Ok(Self { config, speakers })
    }

    /// String `number`: the same for the same recordings and config, whatever was made before.
    pub fn utterance(&self, number: u64) -> Utterance {
        let StringConfig { seed, shortest, longest, pause } = self.config;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        // As u32 and not as usize: the same on every machine.
        let mut below = |limit: usize| rng.random_range(0..limit as u32) as usize;
        let speaker = &self.speakers[below(self.speakers.len())];
        let length = shortest + below(longest - shortest + 1);
        let (mut samples, mut digits) = (Vec::new(), Vec::new());
        let silence = |samples: &mut Vec<f32>, length| samples.resize(samples.len() + length, 0.0);
        for _ in 0..length {
            silence(&mut samples, below(pause + 1));
            let digit = below(10);
            let recording = &speaker[digit][below(speaker[digit].len())];
            samples.extend_from_slice(&recording.samples);
            digits.push(digit as u8);
        }
        silence(&mut samples, below(pause + 1));
        Utterance { samples, digits }
    }
}
