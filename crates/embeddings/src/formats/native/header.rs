//! The header of a native file.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::subwords::NGrams;
use crate::trained::State;
use crate::training::Settings;

pub(super) const MAGIC: [u8; 8] = *b"LAMPVEC1";

/// What a section starts at a multiple of.
pub(super) const ALIGNMENT: usize = 64;

/// Bytes before the JSON.
pub(super) const FIXED: usize = 24;

/// No header is as long.
const LONGEST: usize = 1 << 24;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) words: usize,
    pub(super) dim: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ngrams: Option<NGrams>,
    /// Numbers of a part, where the input is quantised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<Settings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) graph: Option<Graph>,
    pub(super) sections: Vec<Entry>,
}

/// Of an index of neighbours.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Graph {
    pub(super) entry: u32,
    pub(super) layers: usize,
}

/// The names of a layer's sections: its rows, where their links end, and the links.
pub(super) fn layer(number: usize) -> [String; 3] {
    ["rows", "ends", "links"].map(|part| format!("graph.{number}.{part}"))
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) hash: u64,
}

impl Header {
    /// The bytes before the first section.
    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend((json.len() as u64).to_le_bytes());
        bytes.extend(xxh3_64(&json).to_le_bytes());
        bytes.extend(json);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        Ok(bytes)
    }

    /// # Errors
    /// What is wrong, and the mend.
    pub(super) fn from_bytes(file: &[u8]) -> Result<Self, String> {
        let cut = "the header is cut; copy or write the file again";
        if !file.starts_with(&MAGIC) {
            return Err("no file of vectors of lampwick".into());
        }
        let number = |at: usize| -> Option<u64> {
            file.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
        };
        let length = number(8).ok_or(cut)? as usize;
        let json = (length <= LONGEST).then(|| file.get(FIXED..FIXED + length)).flatten();
        let json = json.ok_or(cut)?;
        if number(16) != Some(xxh3_64(json)) {
            return Err("the header is damaged (its checksum differs); copy the file again".into());
        }
        let header: Self = serde_json::from_slice(json).map_err(|error| {
            format!("a header of another version ({error}); write the file again")
        })?;
        for Entry { name, offset, length, .. } in &header.sections {
            let end = offset.checked_add(*length);
            if end.is_none_or(|end| end > file.len() as u64) {
                return Err(format!(
                    "section {name} lies outside of the file's {} bytes (was it cut?); copy the file \
                     again",
                    file.len()
                ));
            }
            if !offset.is_multiple_of(ALIGNMENT as u64) {
                return Err(format!("section {name} is not aligned; write the file again"));
            }
        }
        Ok(header)
    }
}

/// Puts the right hash before a header, so that what it says is looked at: for the fuzz targets.
pub(crate) fn seal(file: &mut [u8]) {
    let Some(length) = file.get(8..16).and_then(|bytes| bytes.try_into().ok()) else { return };
    let length = u64::from_le_bytes(length).min(LONGEST as u64) as usize;
    let Some(hash) = file.get(FIXED..FIXED + length).map(xxh3_64) else { return };
    file[16..24].copy_from_slice(&hash.to_le_bytes());
}
