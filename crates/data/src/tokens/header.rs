//! The head of a token file: 160 bytes, numbers little-endian.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `LWTOKENS` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | width of an id in bytes, 2 or 4 |
//! | 16 | 8 | tokens |
//! | 24 | 8 | lines |
//! | 32 | 8 | characters |
//! | 40 | 8 | bytes of text |
//! | 48 | 8 | unknown tokens |
//! | 56 | 8 | words in the vocabulary |
//! | 64 | 32 | SHA-256 of the vocabulary |
//! | 96 | 32 | SHA-256 of the text's file |
//! | 128 | 32 | SHA-256 of the 128 bytes before |

use sha2::{Digest, Sha256};

use crate::tokenizer::TextCounts;

pub(super) const HEADER_BYTES: usize = 160;
const MAGIC: [u8; 8] = *b"LWTOKENS";
const VERSION: u32 = 1;

/// What the head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) width: usize,
    pub(super) counts: TextCounts,
    pub(super) vocabulary_size: u64,
    pub(super) vocabulary: [u8; 32],
    pub(super) source: [u8; 32],
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let TextCounts { lines, characters, bytes, tokens, unknown } = self.counts;
        let mut head = Vec::with_capacity(HEADER_BYTES);
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend((self.width as u32).to_le_bytes());
        for number in [tokens, lines, characters, bytes, unknown, self.vocabulary_size] {
            head.extend(number.to_le_bytes());
        }
        head.extend(self.vocabulary);
        head.extend(self.source);
        let digest = Sha256::digest(&head);
        head.extend(digest);
        head.try_into().expect("the fields above are 160 bytes")
    }

    /// Reads a head, or says what is wrong with it.
    pub(super) fn from_bytes(head: &[u8]) -> Result<Self, &'static str> {
        let Some(head) = head.first_chunk::<HEADER_BYTES>() else {
            return Err("is shorter than the head of a token file");
        };
        if head[..8] != MAGIC {
            return Err("is not a token file");
        }
        if head[8..12] != VERSION.to_le_bytes() {
            return Err("is a token file of another version");
        }
        if Sha256::digest(&head[..128])[..] != head[128..] {
            return Err("has a damaged head");
        }
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| head[at + byte]));
        let digest = |at: usize| std::array::from_fn(|byte| head[at + byte]);
        let width = number(8) >> 32;
        if width != 2 && width != 4 {
            return Err("has ids of a width other than 2 and 4 bytes");
        }
        let counts = TextCounts {
            tokens: number(16),
            lines: number(24),
            characters: number(32),
            bytes: number(40),
            unknown: number(48),
        };
        Ok(Self {
            width: width as usize,
            counts,
            vocabulary_size: number(56),
            vocabulary: digest(64),
            source: digest(96),
        })
    }
}
