//! Pairs, which of them are kept, and what was left out.

use std::fmt;

/// Sources and the targets that answer them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// One line each. In tasks of symbols, these are parted by one space; text is as it was written.
    pub source: Vec<String>,
    /// What each source should become.
    pub target: Vec<String>,
    /// All that is right for each source, its target included; empty where that is the target alone.
    pub references: Vec<Vec<String>>,
    /// What stands for the placeholders in each target (see [`crate::parallel::rnnlg`]); empty where there
    /// are none.
    pub slots: Vec<Vec<(String, String)>>,
    /// What was read and what was left out.
    pub counts: PairCounts,
}

/// Which pairs are kept, and how much of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The longest source, in words at white space.
    pub source_words: usize,
    /// The longest target.
    pub target_words: usize,
    /// Whether a longer source is cut at the end of its last word within the limit, rather than left
    /// out with its target.
    pub cut_source: bool,
    /// Whether pairs with an empty side are kept: what is evaluated needs a line for each line.
    pub keep_empty: bool,
}

impl Filter {
    /// Every pair, whole.
    pub const ALL: Self = Self {
        source_words: usize::MAX,
        target_words: usize::MAX,
        cut_source: false,
        keep_empty: true,
    };

    /// Every pair that has two sides.
    pub const NOT_EMPTY: Self = Self { keep_empty: false, ..Self::ALL };
}

/// What was read, and what was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCounts {
    /// Pairs read.
    pub read: u64,
    /// Pairs kept.
    pub kept: u64,
    /// Left out: nothing but white space on one side.
    pub empty: u64,
    /// Left out: longer than the limits of one side.
    pub too_long: u64,
    /// The first pair that was too long, from 1; 0: none was.
    pub first_too_long: u64,
    /// Kept with a shortened source.
    pub cut: u64,
}

impl fmt::Display for PairCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pairs read, {} kept", self.read, self.kept)?;
        if self.empty > 0 {
            write!(f, ", {} left out for an empty side", self.empty)?;
        }
        if self.too_long > 0 {
            let first = self.first_too_long;
            write!(f, ", {} left out as too long (first: pair {first})", self.too_long)?;
        }
        if self.cut > 0 {
            write!(f, ", {} with a shortened source", self.cut)?;
        }
        Ok(())
    }
}

impl Pairs {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// All that is right for a source; nothing where there is no such pair.
    pub fn references_of(&self, index: usize) -> &[String] {
        match self.references.get(index) {
            Some(references) => references,
            None => self.target.get(index..=index).unwrap_or_default(),
        }
    }

    /// Keeps the pairs for which `kept` is true, in their order; what was counted stays.
    ///
    /// # Panics
    /// When `kept` is shorter than the pairs.
    pub fn retain(&mut self, kept: &[bool]) {
        fn by<T>(kept: &[bool], all: &mut Vec<T>) {
            let mut index = 0..;
            all.retain(|_| index.next().is_some_and(|index| kept[index]));
        }
        by(kept, &mut self.source);
        by(kept, &mut self.target);
        by(kept, &mut self.references);
        by(kept, &mut self.slots);
    }

    /// Adds a pair, or counts why not; whether it was added.
    pub(crate) fn add(&mut self, source: &str, target: &str, filter: &Filter) -> bool {
        let (mut source, target) = (source.trim(), target.trim());
        let counts = &mut self.counts;
        counts.read += 1;
        if !filter.keep_empty && (source.is_empty() || target.is_empty()) {
            counts.empty += 1;
            return false;
        }
        let cut = first_words(source, filter.source_words);
        let is_cut = filter.cut_source && cut.len() < source.len();
        if is_cut {
            source = cut;
        }
        if cut.len() < source.len() || first_words(target, filter.target_words).len() < target.len()
        {
            counts.too_long += 1;
            if counts.first_too_long == 0 {
                counts.first_too_long = counts.read;
            }
            return false;
        }
        counts.cut += u64::from(is_cut);
        counts.kept += 1;
        self.source.push(source.to_owned());
        self.target.push(target.to_owned());
        true
    }
}

/// A trimmed text up to the end of its `limit`th word.
fn first_words(text: &str, limit: usize) -> &str {
    // A word has a byte and a space: most texts need not be searched.
    if text.len() < limit {
        return text;
    }
    let (mut words, mut inside) = (0, false);
    for (place, character) in text.char_indices() {
        let is_space = character.is_whitespace();
        if !is_space && !inside {
            words += 1;
            if words > limit {
                return text[..place].trim_end();
            }
        }
        inside = !is_space;
    }
    text
}
