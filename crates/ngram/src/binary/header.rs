//! The first bytes of a binary model.

use xxhash_rust::xxh3::xxh3_64;

use crate::estimation::settings::MAX_ORDER;

const MAGIC: [u8; 8] = *b"LAMPNGRM";
const ORDER_MARK: u32 = 0x0102_0304;
const VERSION: u32 = 1;

/// More sections than any model has.
const MOST_SECTIONS: usize = 256;

/// What a section starts at a multiple of.
pub(crate) const ALIGNMENT: usize = 64;

/// Bytes before the table of sections.
const FIXED: usize = 28;

/// Bytes of an entry of the table of sections.
const ENTRY: usize = 24;

/// How a binary model is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Hash tables: fastest.
    Probing,
    /// A trie: under half the size of hash tables, and about half as fast.
    Trie,
    /// A trie whose probabilities and backoffs are one of 255 values for each order.
    QuantizedTrie,
    /// The most compact trie.
    CompactTrie,
    /// The most compact trie, with one of 255 values for each order.
    QuantizedCompactTrie,
}

impl Kind {
    fn from_number(number: u32) -> Option<Self> {
        use Kind::{CompactTrie, Probing, QuantizedCompactTrie, QuantizedTrie, Trie};
        [Probing, Trie, QuantizedTrie, CompactTrie, QuantizedCompactTrie]
            .into_iter()
            .find(|&kind| kind as u32 == number)
    }

    /// A few words for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Probing => "probing",
            Self::Trie => "trie",
            Self::QuantizedTrie => "trie, 8 bits",
            Self::CompactTrie => "compact trie",
            Self::QuantizedCompactTrie => "compact trie, 8 bits",
        }
    }
}

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) order: usize,
    pub(crate) sections: Vec<Entry>,
}

/// Where a section is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) hash: u64,
}

impl Header {
    /// Bytes of a header with so many sections.
    pub(crate) fn length(sections: usize) -> usize {
        FIXED + sections * ENTRY + 8
    }

    /// Whether a file begins as a binary model does.
    pub(crate) fn is_at_start_of(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let (kind, order) = (self.kind as u32, self.order as u32);
        for number in [ORDER_MARK, VERSION, kind, order, self.sections.len() as u32] {
            bytes.extend(number.to_le_bytes());
        }
        for Entry { offset, length, hash } in &self.sections {
            for number in [offset, length, hash] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the header of a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and the mend.
    pub(crate) fn from_bytes(file: &[u8]) -> Result<Self, String> {
        let number = |at: usize| -> Option<u32> {
            file.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
        };
        let long = |at: usize| -> Option<u64> {
            file.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
        };
        if !Self::is_at_start_of(file) {
            return Err(
                "no binary n-gram model of lampwick; make one by `lampwick ngram build`".into()
            );
        }
        let cut = "the header is cut; build the model again";
        match number(8).ok_or(cut)? {
            ORDER_MARK => {}
            mark if mark == ORDER_MARK.swap_bytes() => {
                return Err(
                    "made on a machine of the other byte order; build it again from ARPA".into()
                );
            }
            _ => return Err("no byte order mark; build the model again".into()),
        }
        let version = number(12).ok_or(cut)?;
        if version != VERSION {
            return Err(format!(
                "version {version} of the format, and this program reads version {VERSION}; build it \
                 again from ARPA, or use the program that wrote it"
            ));
        }
        let sections = number(24).ok_or(cut)? as usize;
        if sections > MOST_SECTIONS {
            return Err(format!("{sections} sections; build the model again"));
        }
        let hashed = FIXED + sections * ENTRY;
        let header = file.get(..hashed).ok_or(cut)?;
        if long(hashed).ok_or(cut)? != xxh3_64(header) {
            return Err(
                "the header is damaged (its checksum differs); build the model again".into()
            );
        }
        let kind = number(16).and_then(Kind::from_number).ok_or("unknown kind of model")?;
        let order = number(20).ok_or(cut)? as usize;
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(format!("order {order}: this program reads 1 to {MAX_ORDER}"));
        }
        let entry = |index: usize| -> Result<Entry, String> {
            let at = FIXED + index * ENTRY;
            let entry = Entry {
                offset: long(at).ok_or(cut)?,
                length: long(at + 8).ok_or(cut)?,
                hash: long(at + 16).ok_or(cut)?,
            };
            // With what is behind the last section: a file that was cut anywhere is no model.
            let end = entry.offset.checked_add(entry.length);
            let end = end.and_then(|end| end.checked_next_multiple_of(ALIGNMENT as u64));
            if end.is_none_or(|end| end > file.len() as u64) {
                return Err(format!(
                    "section {index} lies outside of the file's {} bytes (was it cut?); copy or \
                     build it again",
                    file.len()
                ));
            }
            if !entry.offset.is_multiple_of(ALIGNMENT as u64) {
                return Err(format!("section {index} is not aligned; build the model again"));
            }
            Ok(entry)
        };
        let sections = (0..sections).map(entry).collect::<Result<_, _>>()?;
        Ok(Self { kind, order, sections })
    }
}

/// Puts the right hash behind a header.
pub(crate) fn seal(file: &mut [u8]) {
    let Some(sections) = file.get(24..28).and_then(|bytes| bytes.try_into().ok()) else { return };
    let hashed = FIXED + (u32::from_le_bytes(sections) as usize).min(MOST_SECTIONS) * ENTRY;
    if file.len() >= hashed + 8 {
        let hash = xxh3_64(&file[..hashed]);
        file[hashed..hashed + 8].copy_from_slice(&hash.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_lies_are_found() {
        let sections = vec![Entry { offset: 128, length: 4, hash: 5 }];
        let header = Header { kind: Kind::Trie, order: 3, sections };
        let mut file = header.to_bytes();
        assert_eq!(file.len(), Header::length(1));
        file.resize(192, 0);
        assert_eq!(Header::from_bytes(&file), Ok(header));
        assert!(Header::from_bytes(&file[..191]).unwrap_err().contains("outside"));
        assert!(Header::from_bytes(&file[..30]).unwrap_err().contains("cut"));
        let with = |at: usize, byte: u8| {
            let mut file = file.clone();
            file[at] = byte;
            Header::from_bytes(&file).unwrap_err()
        };
        assert!(with(0, 0).contains("no binary"));
        assert!(with(12, 9).contains("version 9"));
        assert!(with(20, 200).contains("checksum"));
        assert!(with(26, 200).contains("sections"));
        file[8..12].copy_from_slice(&ORDER_MARK.to_be_bytes());
        assert!(Header::from_bytes(&file).unwrap_err().contains("byte order"));
    }
}
