//! A model that is asked.

use std::io::Write;
use std::path::Path;

use self_cell::self_cell;

use super::batch::Advance;
use super::compact::{self, Compact};
use super::probing::{self, Probing};
use super::processor::Processor;
use super::state::{Score, State};
use super::trie::{self, Levels, Trie};
use super::vocabulary::Vocabulary;
use crate::binary::{Backing, Header, Kind, SectionWriter, Sections};
use crate::error::{NgramError, Result};
use crate::progress::{Progress, Silent, Stage};
use crate::table::Table;
use crate::words::BOS;

/// What to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildKind {
    /// Hash tables: fastest.
    Probing,
    /// A trie: under half the size of hash tables, and about half as fast.
    Trie {
        /// Whether probabilities and backoffs become one of 256 values for each order.
        quantize: bool,
    },
    /// A trie in the fewest bits: smallest, and slower.
    Compact {
        /// Whether probabilities and backoffs become one of 256 values for each order.
        quantize: bool,
    },
}

impl BuildKind {
    fn kind(self) -> Kind {
        match self {
            Self::Probing => Kind::Probing,
            Self::Trie { quantize: false } => Kind::Trie,
            Self::Trie { quantize: true } => Kind::QuantizedTrie,
            Self::Compact { quantize: false } => Kind::CompactTrie,
            Self::Compact { quantize: true } => Kind::QuantizedCompactTrie,
        }
    }
}

/// A binary model, mapped or in memory.
#[derive(Debug)]
pub struct Model(Cell);

#[derive(Debug)]
struct Owner {
    backing: Backing,
    header: Header,
}

#[derive(Debug)]
pub(super) struct Parts<'a> {
    counts: &'a [u64],
    vocabulary: Vocabulary<'a>,
    pub(super) structure: Structure<'a>,
    pub(super) processor: Processor,
}

#[derive(Debug)]
pub(super) enum Structure<'a> {
    Probing(Probing<'a>),
    Trie(Trie<'a>),
    Compact(Compact<'a>),
}

self_cell!(
    struct Cell {
        owner: Owner,
        #[covariant]
        dependent: Parts,
    }
    impl { Debug }
);

/// Room that [`Model::distribution`] needs; kept by the caller, so that no query allocates.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// The words that follow the context that is one shorter, in the order of their ranks.
    shorter: Vec<u32>,
    longer: Vec<u32>,
}

/// Writes a table as a binary model.
///
/// # Errors
///
/// [`NgramError::TooLarge`], [`NgramError::Write`].
pub fn build(
    table: &Table,
    kind: BuildKind,
    out: &mut impl Write,
    progress: &dyn Progress,
) -> Result<()> {
    progress.stage(Stage::Building, Some(table.order() as u64));
    let mut sections = SectionWriter::default();
    sections.add(&table.counts());
    Vocabulary::write(table.words(), &mut sections)?;
    match kind {
        BuildKind::Probing => probing::write(table, &mut sections, progress)?,
        BuildKind::Trie { quantize } => trie::write(table, quantize, &mut sections, progress)?,
        BuildKind::Compact { quantize } => {
            compact::write(table, quantize, &mut sections, progress)?;
        }
    }
    sections.write(kind.kind(), table.order(), out).map_err(NgramError::write)
}

impl Model {
    /// Maps a file that [`build`] wrote. The header is checked; the rest only by [`Self::verify`],
    /// but whatever it holds, a query ends and reads nothing outside of the file.
    ///
    /// # Errors
    ///
    /// [`NgramError::Read`], [`NgramError::Binary`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_backing(Backing::open(path)?, &path.display().to_string())
    }

    /// Reads a file that [`build`] wrote into memory, in large pages where the system has them:
    /// slower to open than [`Self::open`], faster to ask.
    ///
    /// # Errors
    ///
    /// [`NgramError::Read`], [`NgramError::Binary`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_backing(Backing::load(path)?, &path.display().to_string())
    }

    /// A binary model from memory.
    ///
    /// # Errors
    ///
    /// [`NgramError::Binary`].
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self> {
        let backing = Backing::copy(bytes).map_err(|error| NgramError::read(name, error))?;
        Self::from_backing(backing, name)
    }

    /// Builds in memory.
    ///
    /// # Errors
    ///
    /// [`NgramError::TooLarge`].
    pub fn from_table(table: &Table, kind: BuildKind) -> Result<Self> {
        let mut bytes = Vec::new();
        build(table, kind, &mut bytes, &Silent)?;
        Self::from_bytes(&bytes, "a model in memory")
    }

    fn from_backing(backing: Backing, name: &str) -> Result<Self> {
        let wrong = |problem| NgramError::Binary { name: name.to_owned(), problem };
        let header = Header::from_bytes(backing.bytes()).map_err(wrong)?;
        let owner = Owner { backing, header };
        Cell::try_new(owner, |owner| Parts::open(owner)).map(Self).map_err(wrong)
    }

    /// Whether bytes begin as a binary model does.
    pub fn is_binary(start: &[u8]) -> bool {
        Header::is_at_start_of(start)
    }

    /// Checks every byte by the checksums.
    ///
    /// # Errors
    ///
    /// Which part is damaged.
    pub fn verify(&self) -> Result<(), String> {
        let owner = self.0.borrow_owner();
        Sections::new(owner.backing.bytes(), &owner.header).verify()
    }

    /// How it is searched.
    pub fn kind(&self) -> &'static str {
        self.0.borrow_owner().header.kind.name()
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.0.borrow_owner().backing.bytes().len() as u64
    }

    /// Words of the longest n-grams.
    pub fn order(&self) -> usize {
        self.0.borrow_owner().header.order
    }

    /// How many n-grams of each order.
    pub fn counts(&self) -> &[u64] {
        self.parts().counts
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary<'_> {
        &self.parts().vocabulary
    }

    pub(super) fn parts(&self) -> &Parts<'_> {
        self.0.borrow_dependent()
    }

    /// The state at the beginning of a sentence, behind `<s>`.
    pub fn start(&self) -> State {
        self.score(&State::default(), BOS).1
    }

    /// `p(word | state)`, and the state behind the word. [`State::default`] is no context at all. An
    /// id that is not in the vocabulary is that of `<unk>`.
    #[inline]
    pub fn score(&self, state: &State, word: u32) -> (Score, State) {
        let mut next = *state;
        let score = self.advance(&mut next, word);
        (score, next)
    }

    /// As [`Self::score`], with the state behind the word in the place of the one before.
    #[inline]
    pub fn advance(&self, state: &mut State, word: u32) -> Score {
        match &self.parts().structure {
            Structure::Probing(probing) => probing.advance(state, word),
            Structure::Trie(trie) => self.parts().processor.run(Advance { trie, state, word }),
            Structure::Compact(trie) => self.parts().processor.run(Advance { trie, state, word }),
        }
    }

    /// `log10 p(w | state)` of every word `w` of the vocabulary, in the order of the ids; minus
    /// infinity for `<s>`, which never follows. `out` is cleared first.
    pub fn distribution(&self, state: &State, room: &mut Distribution, out: &mut Vec<f32>) {
        out.clear();
        match &self.parts().structure {
            Structure::Probing(probing) => {
                let words = 0..self.vocabulary().len() as u32;
                out.extend(words.map(|word| probing.advance(&mut state.clone(), word).log10));
            }
            Structure::Trie(trie) => distribution(trie, state, room, out),
            Structure::Compact(trie) => distribution(trie, state, room, out),
        }
        if let Some(bos) = out.get_mut(BOS as usize) {
            *bos = f32::NEG_INFINITY;
        }
    }

    /// The plain tables again, of a trie. A quantized model gives its own, rounded values.
    ///
    /// # Errors
    ///
    /// [`NgramError::Binary`] for a damaged file, and for hash tables, which do not keep the words.
    pub fn to_table(&self) -> Result<Table> {
        let unpacked = match &self.parts().structure {
            Structure::Probing(_) => {
                Err("hash tables keep no words to list; use the ARPA file or a trie".to_owned())
            }
            Structure::Trie(trie) => super::unpack::trie(trie, self.counts(), self.vocabulary()),
            Structure::Compact(trie) => super::unpack::trie(trie, self.counts(), self.vocabulary()),
        };
        unpacked.map_err(|problem| NgramError::Binary { name: "the model".into(), problem })
    }
}

fn distribution(trie: &impl Levels, state: &State, room: &mut Distribution, out: &mut Vec<f32>) {
    let length = state.length as usize;
    // The backoffs of the contexts from each length on.
    let mut rest: f32 = state.backoffs[..length].iter().sum();
    out.extend(trie.unigrams().iter().map(|&[log10, _]| log10 + rest));
    room.shorter.clear();
    for (n, &context) in state.nodes[..length.min(trie.len())].iter().enumerate() {
        rest = state.backoffs[n + 1..length].iter().sum();
        room.longer.clear();
        let (shorter, longer) = (&room.shorter, &mut room.longer);
        trie.continuations(n, context as usize, |_, rank, values| {
            let word = if n == 0 { Some(rank) } else { shorter.get(rank as usize).copied() };
            longer.push(word.unwrap_or(u32::MAX));
            if let Some(value) = word.and_then(|word| out.get_mut(word as usize)) {
                *value = values.log10 + rest;
            }
        });
        std::mem::swap(&mut room.shorter, &mut room.longer);
    }
}

impl<'a> Parts<'a> {
    fn open(owner: &'a Owner) -> Result<Self, String> {
        let Owner { backing, header } = owner;
        let mut sections = Sections::new(backing.bytes(), header);
        let counts: &[u64] = sections.take()?;
        if counts.len() != header.order {
            return Err("the counts are impossible; build the model again".into());
        }
        let vocabulary = Vocabulary::open(&mut sections)?;
        let order = header.order;
        let structure = match header.kind {
            Kind::Probing => Structure::Probing(Probing::open(order, &mut sections)?),
            Kind::Trie => Structure::Trie(Trie::open(order, false, &mut sections)?),
            Kind::QuantizedTrie => Structure::Trie(Trie::open(order, true, &mut sections)?),
            Kind::CompactTrie => Structure::Compact(Compact::open(order, false, &mut sections)?),
            Kind::QuantizedCompactTrie => {
                Structure::Compact(Compact::open(order, true, &mut sections)?)
            }
        };
        Ok(Self { counts, vocabulary, structure, processor: Processor::new() })
    }
}
