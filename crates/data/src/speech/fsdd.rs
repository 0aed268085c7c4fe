//! The Free Spoken Digit Dataset: 3,000 recordings of ten digits by six speakers, at 8 kHz.

use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};
use crate::parallel::Split;
use crate::speech::wav::read_wav;

/// Samples a second of every recording.
pub const RATE: u32 = 8000;

/// One spoken digit.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// 0 to 9.
    pub digit: u8,
    /// Who speaks.
    pub speaker: String,
    /// Which of the speaker's recordings of this digit.
    pub index: u32,
    /// From -1 to 1.
    pub samples: Vec<f32>,
}

/// The recordings of one part, by speaker, digit and index.
#[derive(Clone, Debug, PartialEq)]
pub struct Fsdd {
    /// In order.
    pub recordings: Vec<Recording>,
}

impl Fsdd {
    /// Reads `{digit}_{speaker}_{index}.wav` from a folder, or from `recordings` in it. As its authors
    /// have it, indices 0 to 4 are the test; of the others 5 to 9 are for validation here.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Read`]; [`DataError::Malformed`] where no file has such a
    /// name; those of [`read_wav`].
    pub fn read(folder: impl AsRef<Path>, split: Split) -> Result<Self> {
        let folder = folder.as_ref();
        let inner = folder.join("recordings");
        let folder = if inner.is_dir() { &inner } else { folder };
        let mut found: Vec<(String, u8, u32, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| DataError::open(folder, error))? {
            let path = entry.map_err(|error| DataError::open(folder, error))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some((digit, speaker, index)) = name.and_then(parse)
                && split_of(index) == split
            {
                found.push((speaker, digit, index, path));
            }
        }
        if found.is_empty() {
            return Err(DataError::Malformed {
                path: folder.into(),
                problem: format!("no recordings of the {split:?} part").to_lowercase(),
                mend: "name a folder with files such as 7_jackson_32.wav",
            });
        }
        found.sort();
        let recordings = found.into_iter().map(|(speaker, digit, index, path)| {
            let samples = read_wav(&path, RATE)?;
            Ok(Recording { digit, speaker, index, samples })
        });
        Ok(Self { recordings: recordings.collect::<Result<_>>()? })
    }
}

/// `7_jackson_32.wav`.
fn parse(name: &str) -> Option<(u8, String, u32)> {
    let (digit, rest) = name.strip_suffix(".wav")?.split_once('_')?;
    let (speaker, index) = rest.rsplit_once('_')?;
    let digit = digit.parse().ok().filter(|digit| *digit < 10)?;
    Some((digit, speaker.to_owned(), index.parse().ok()?))
}

fn split_of(index: u32) -> Split {
    match index {
        0..5 => Split::Test,
        5..10 => Split::Valid,
        _ => Split::Train,
    }
}
