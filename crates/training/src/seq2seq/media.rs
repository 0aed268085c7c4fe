//! Sources that are no words: pictures, and spoken digits as log-mel frames.

use std::path::Path;

use burn::prelude::*;
use lampwick_data::DataError;
use lampwick_data::scenes::{Pictures, SceneConfig, read_png};
use lampwick_data::speech::{
    DigitStrings, Frames, Fsdd, LogMel, MelConfig, StringConfig, read_wav,
};
use lampwick_models::{Source, SourceKind};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::config::{ConfigError, DigitData, PictureData};
use crate::corpus::Part;
use crate::error::Result;
use crate::seeds::{Stream, seed_of};

/// Pictures of another part begin so many numbers later: no picture is in two parts.
const PARTS_APART: u64 = 1 << 40;

/// The sources of one part.
#[derive(Clone, Debug)]
pub(crate) enum Media {
    /// Made when they are asked for: `first` and those after it.
    Pictures { pictures: Pictures, first: u64 },
    /// Kept, each normalised by itself.
    Speech(Vec<Frames>),
}

impl Media {
    /// The pictures of a part, and their captions.
    pub(crate) fn pictures(
        data: &PictureData,
        part: Part,
        reads: &SourceKind,
        seed: u64,
    ) -> Result<(Self, Vec<String>)> {
        let side = match reads {
            SourceKind::Image { height, width, .. } if height == width => *height,
            SourceKind::Image { .. } => {
                return Err(refused("its height and width differ", "pictures are squares"));
            }
            _ => {
                return Err(refused(
                    "it does not read images",
                    "set model.reads = { image = ... }",
                ));
            }
        };
        let seed = seed_of(seed, Stream::Data);
        let config = SceneConfig { seed, side, objects: data.objects, noise: data.noise };
        // The config's own check has seen to the other values: what is left is the side.
        let pictures = Pictures::new(config).map_err(|error| match error {
            DataError::Setting { value, mend, .. } => {
                refused(&format!("shows pictures with sides of {value}"), mend)
            }
            other => other.into(),
        })?;
        let first = part as u64 * PARTS_APART;
        let count = if part == Part::Train { data.train } else { data.valid } as u64;
        let captions = (first..first + count).into_par_iter();
        let captions = captions.map(|number| pictures.picture(number).caption).collect();
        Ok((Self::Pictures { pictures, first }, captions))
    }

    /// The spoken strings of a part, and what was said.
    pub(crate) fn digits(
        data: &DigitData,
        part: Part,
        reads: &SourceKind,
        seed: u64,
    ) -> Result<(Self, Vec<String>)> {
        let SourceKind::Frames { features, .. } = *reads else {
            return Err(refused("it does not read frames", "set model.reads = { frames = ... }"));
        };
        let (shortest, longest) = (data.shortest, data.longest);
        let seed = seed_of(seed, Stream::Data);
        let config = StringConfig { seed, shortest, longest, ..StringConfig::default() };
        let strings = DigitStrings::new(Fsdd::read(&data.folder, part.into())?, config)?;
        let mel = log_mel(features)?;
        let count = if part == Part::Train { data.train } else { data.valid } as u64;
        let spoken: Vec<(Frames, String)> = (0..count)
            .into_par_iter()
            .map(|number| {
                let utterance = strings.utterance(number);
                (heard(&mel, &utterance.samples), utterance.transcript())
            })
            .collect();
        let (frames, transcripts) = spoken.into_iter().unzip();
        Ok((Self::Speech(frames), transcripts))
    }

    /// Steps of a source before any are joined; pictures have one.
    pub(crate) fn steps(&self, index: usize) -> usize {
        match self {
            Self::Pictures { .. } => 1,
            Self::Speech(frames) => frames[index].len(),
        }
    }

    /// A name to show a source by.
    pub(crate) fn name(&self, index: usize) -> String {
        match self {
            Self::Pictures { .. } => format!("picture {index}"),
            Self::Speech(_) => format!("recording {index}"),
        }
    }

    /// A name for each position of the memory that a model makes of a source: the row and column of a
    /// picture's grid, the seconds at which a position of a recording begins.
    pub(crate) fn positions(&self, index: usize, reads: &SourceKind) -> Vec<String> {
        let count = reads.positions(self.steps(index));
        match (self, reads) {
            (Self::Speech(_), SourceKind::Frames { joined, .. }) => {
                let mel = MelConfig::default();
                let frame = mel.hop as f64 / f64::from(mel.rate);
                let position = frame * joined.iter().product::<usize>() as f64;
                (0..count).map(|place| format!("{:.2}", place as f64 * position)).collect()
            }
            _ => {
                let columns = reads.grid()[1].max(1);
                let name = |place| format!("{}.{}", place / columns + 1, place % columns + 1);
                (0..count).map(name).collect()
            }
        }
    }

    /// Sources as a batch, padded to the longest.
    pub(crate) fn batch(&self, indices: &[usize], device: &Device) -> Source {
        match self {
            Self::Pictures { pictures, first } => {
                let side = pictures.config().side;
                let numbers = indices.par_iter().map(|&index| first + index as u64);
                let pixels: Vec<Vec<f32>> =
                    numbers.map(|number| pictures.picture(number).pixels).collect();
                shown(pixels.concat(), [indices.len(), 3, side, side], device)
            }
            Self::Speech(all) => {
                let bands = all.first().map_or(0, |frames| frames.bands);
                let longest = indices.iter().map(|&index| all[index].len()).max().unwrap_or(0);
                let mut values = vec![0.0; longest * indices.len() * bands];
                for (column, &index) in indices.iter().enumerate() {
                    for (step, frame) in all[index].values.chunks(bands).enumerate() {
                        let place = (step * indices.len() + column) * bands;
                        values[place..place + bands].copy_from_slice(frame);
                    }
                }
                let shape = [longest, indices.len(), bands];
                Source::Frames(Tensor::from_data(TensorData::new(values, shape), device))
            }
        }
    }

    /// Numbers that are kept.
    pub(crate) fn numbers(&self) -> usize {
        match self {
            Self::Pictures { .. } => 0,
            Self::Speech(frames) => frames.iter().map(|frames| frames.values.len()).sum(),
        }
    }

    /// Adds what tells these sources from others.
    pub(crate) fn hash(&self, hasher: &mut Sha256) {
        match self {
            // Captions say what is shown; the pixels are made again, by this.
            Self::Pictures { pictures, first } => {
                hasher.update(format!("{:?} {first}", pictures.config()));
            }
            Self::Speech(frames) => frames
                .iter()
                .flat_map(|frames| &frames.values)
                .for_each(|value| hasher.update(value.to_le_bytes())),
        }
    }
}

/// One file as a source: a recording or a picture.
#[derive(Debug)]
pub(super) enum FileReader {
    /// WAV files.
    Recordings(LogMel),
    /// PNG files.
    Pictures { height: usize, width: usize },
}

impl FileReader {
    /// For what a model reads; `None` for words.
    pub(super) fn new(reads: &SourceKind) -> Result<Option<Self>> {
        Ok(match *reads {
            SourceKind::Words => None,
            SourceKind::Frames { features, .. } => Some(Self::Recordings(log_mel(features)?)),
            SourceKind::Image { height, width, .. } => Some(Self::Pictures { height, width }),
        })
    }

    /// The file as a batch of one, and its steps before any are joined.
    pub(super) fn read(&self, path: &Path, device: &Device) -> Result<(Source, usize)> {
        match self {
            Self::Recordings(mel) => {
                let frames = heard(mel, &read_wav(path, mel.config().rate)?);
                let steps = frames.len();
                Ok((Media::Speech(vec![frames]).batch(&[0], device), steps))
            }
            Self::Pictures { height, width } => {
                let pixels = read_png(path, *height, *width)?;
                Ok((shown(pixels, [1, 3, *height, *width], device), 1))
            }
        }
    }
}

fn log_mel(bands: usize) -> Result<LogMel> {
    LogMel::new(MelConfig { bands, ..MelConfig::default() }).map_err(|error| match error {
        DataError::Setting { value, .. } => {
            let mend = "take fewer (40 are usual): no frequency is left for some of these bands";
            refused(&format!("hears frames of {value} features"), mend)
        }
        other => other.into(),
    })
}

/// A recording as a model hears it.
fn heard(mel: &LogMel, samples: &[f32]) -> Frames {
    let mut frames = mel.frames(samples);
    frames.normalize();
    frames
}

/// Pixels `[B, 3, H, W]` as a model sees them.
fn shown(pixels: Vec<f32>, shape: [usize; 4], device: &Device) -> Source {
    Source::Image(Tensor::from_data(TensorData::new(pixels, shape), device))
}

fn refused(problem: &str, mend: &str) -> crate::Error {
    ConfigError::value("config", "model.reads", problem, mend).into()
}
