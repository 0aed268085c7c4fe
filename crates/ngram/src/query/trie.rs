//! A compact trie.
//!
//! The words that follow `w1 .. wn` are among those that follow `w2 .. wn`. So an n-gram's last word
//! is told by its rank among the continuations of the context without its first word, a small
//! number, as Pibiri and Venturini (2017) remap word ids; the words themselves are stored nowhere
//! above the unigrams. A query goes from short contexts to long ones and finds the ranks on its way.
//!
//! The ranks of one context ascend. They are cut into their low bits, stored as they are, and a
//! bucket number, their high bits: Elias and Fano's code. Two unary arrays hold the rest: how many
//! buckets each context has, and how many n-grams each bucket. A search for a rank is two jumps and a
//! look at the few n-grams of one bucket.

use super::bits::{Packed, Unary, write_packed, write_unary};
use super::quantize::{centres, nearest};
use super::state::{Climb, Found, MAX_CONTEXT, NO_CONTEXT, Score, State, marked, unigrams};
use crate::binary::{SectionWriter, Sections};
use crate::error::{NgramError, Result};
use crate::links::range;
use crate::storage::Storage;
use crate::table::{NEVER, Table};
use crate::words::UNK;

/// The trie, where it lies.
#[derive(Debug)]
pub(crate) struct Trie<'a> {
    /// Logarithm and backoff of each word.
    unigrams: &'a [[f32; 2]],
    /// From the second order on.
    levels: Vec<Level<'a>>,
}

/// The n-grams of one order.
#[derive(Debug)]
pub(crate) struct Level<'a> {
    /// Buckets of each context.
    buckets: Unary<'a>,
    /// n-grams of each bucket.
    members: Unary<'a>,
    /// Bits of a rank that are stored as they are.
    width: u32,
    /// Of each n-gram the low bits of its rank, and above them its codes, where it has codes.
    entries: Packed<'a>,
    values: Values<'a>,
}

/// Logarithms and backoffs; the highest order has no backoffs.
#[derive(Debug)]
enum Values<'a> {
    /// One behind the other.
    Middle(&'a [[f32; 2]]),
    Last(&'a [f32]),
    /// What the two codes of an entry stand for.
    Quantized {
        log10: &'a [f32],
        backoffs: &'a [f32],
    },
}

/// Bits of a code.
const CODE: u32 = 8;

impl<'a> Level<'a> {
    fn open(sections: &mut Sections<'a>, quantized: bool, last: bool) -> Result<Self, String> {
        let width = sections.take::<u32>()?.first().copied().unwrap_or(u32::MAX);
        if width > 32 {
            return Err(format!("ranks of {width} low bits; build the model again"));
        }
        let (buckets, members) = (Unary::open(sections)?, Unary::open(sections)?);
        let codes = if quantized { CODE * (2 - u32::from(last)) } else { 0 };
        let entries = Packed::open(width + codes, sections)?;
        let values = match (quantized, last) {
            (true, _) => Values::Quantized { log10: sections.take()?, backoffs: sections.take()? },
            (false, true) => Values::Last(sections.take()?),
            (false, false) => Values::Middle(sections.take()?),
        };
        Ok(Self { buckets, members, width, entries, values })
    }

    /// The low bits of an n-gram's rank.
    #[inline(always)]
    fn low(&self, at: usize) -> u64 {
        self.entries.get(at) & ((1 << self.width) - 1)
    }

    /// Among the buckets of a context, the n-gram of a rank, and the first one of its bucket.
    #[inline(always)]
    fn find(&self, (first, buckets): (usize, usize), rank: u32) -> Option<(usize, usize)> {
        let bucket = (rank >> self.width) as usize;
        if bucket >= buckets {
            return None;
        }
        let (from, members) = self.members.group(first + bucket)?;
        let low = u64::from(rank) & ((1 << self.width) - 1);
        // A bucket holds two or three; more where a word is followed by very many.
        let (mut start, mut end) = (from, from + members);
        while end - start > 8 {
            let middle = start + (end - start) / 2;
            if self.low(middle) <= low { start = middle } else { end = middle }
        }
        (start..end).find(|&at| self.low(at) == low).map(|at| (at, from))
    }

    /// Goes through the continuations of a context: where each is, and its rank.
    pub(crate) fn continuations(&self, context: usize, mut take: impl FnMut(usize, u32)) {
        let Some((first, buckets)) = self.buckets.group(context) else { return };
        for bucket in 0..buckets {
            let Some((from, members)) = self.members.group(first + bucket) else { return };
            for at in from..from + members {
                take(at, ((bucket as u64) << self.width | self.low(at)) as u32);
            }
        }
    }

    /// Logarithm and backoff of an n-gram.
    #[inline(always)]
    pub(crate) fn values(&self, at: usize) -> Found {
        let (log10, backoff) = match &self.values {
            Values::Middle(values) => {
                values.get(at).map_or((None, None), |&[p, b]| (Some(p), Some(b)))
            }
            Values::Last(values) => (values.get(at).copied(), None),
            Values::Quantized { log10, backoffs } => {
                let codes = self.entries.get(at) >> self.width;
                let (code, backoff) = (codes as usize & 0xff, (codes >> CODE) as usize & 0xff);
                (log10.get(code).copied(), backoffs.get(backoff).copied())
            }
        };
        Found { log10: log10.unwrap_or(NEVER), backoff: backoff.unwrap_or(NO_CONTEXT) }
    }
}

impl<'a> Trie<'a> {
    pub(crate) fn open(
        order: usize,
        quantized: bool,
        sections: &mut Sections<'a>,
    ) -> Result<Self, String> {
        let unigrams = sections.take()?;
        let levels = (2..=order).map(|n| Level::open(sections, quantized, n == order));
        Ok(Self { unigrams, levels: levels.collect::<Result<_, _>>()? })
    }

    pub(crate) fn unigrams(&self) -> &'a [[f32; 2]] {
        self.unigrams
    }

    pub(crate) fn levels(&self) -> &[Level<'a>] {
        &self.levels
    }

    #[inline(always)]
    pub(crate) fn advance(&self, state: &mut State, word: u32) -> Score {
        let word = if (word as usize) < self.unigrams.len() { word } else { UNK };
        let Some(&[log10, backoff]) = self.unigrams.get(word as usize) else {
            return Score::default();
        };
        let length = (state.length as usize).min(self.levels.len()).min(MAX_CONTEXT);
        // The buckets of all contexts before any is searched: their memory is fetched together.
        let mut buckets = [(0, 0); MAX_CONTEXT];
        for ((buckets, level), &context) in
            buckets.iter_mut().zip(&self.levels).zip(&state.nodes[..length])
        {
            *buckets = level.buckets.group(context as usize).unwrap_or_default();
        }
        let mut climb = Climb::new(state, Found { log10, backoff }, self.levels.len());
        climb.at(word);
        // A word is its own rank among all words.
        let mut rank = word;
        for (index, &buckets) in buckets[..length].iter().enumerate() {
            let level = &self.levels[index];
            let Some((at, from)) = level.find(buckets, rank) else { break };
            climb.found(level.values(at));
            climb.at(at as u32);
            if index + 1 < length {
                let first = match rank >> level.width {
                    0 => from,
                    _ => level.members.first(buckets.0).unwrap_or(from),
                };
                rank = at.saturating_sub(first) as u32;
            }
        }
        climb.end()
    }
}

/// Writes the sections of a table.
pub(crate) fn write(table: &Table, quantized: bool, sections: &mut SectionWriter) -> Result<()> {
    let levels = table.levels();
    sections.add(&unigrams(table));
    let storage = Storage::new(u64::MAX, std::env::temp_dir());
    let links = table.links(&storage)?;
    let too_large = |what: String| NgramError::TooLarge {
        what,
        limit: u64::from(u32::MAX),
        mend: "prune the model, or use `--kind probing`",
    };
    for n in 1..levels.len() {
        let children = &levels[n - 1].children;
        let level = &levels[n];
        // Where the ranks of a context's continuations count from.
        let base = |parent: usize| match n {
            1 => 0,
            _ => levels[n - 2].children[links[n - 2][parent] as usize],
        };
        let rank = |parent: usize, child: usize| links[n - 1][child] - base(parent);
        let parents = 0..levels[n - 1].len();
        let largest = |parent: usize| {
            let among = range(children, parent);
            (!among.is_empty()).then(|| rank(parent, among.end - 1))
        };
        let mut buckets = [0u64; 33];
        for largest in parents.clone().filter_map(largest) {
            for (width, sum) in buckets.iter_mut().enumerate() {
                *sum += (u64::from(largest) >> width) + 1;
            }
        }
        // A bucket costs a bit here, and one in the other array of which it is an element; and what
        // is noted of its place.
        let cost = |width: &usize| level.len() as u64 * *width as u64 + buckets[*width] * 5 / 2;
        let width = (0..=24).min_by_key(cost).unwrap_or(0) as u32;
        sections.add(&[width]);
        let sizes = parents.clone().map(|p| largest(p).map_or(0, |l| (l >> width) as usize + 1));
        write_unary(sizes, sections).map_err(too_large)?;
        let mut members: Vec<u32> = Vec::with_capacity(buckets[width as usize] as usize);
        for parent in parents.clone() {
            let first = members.len();
            let count = largest(parent).map_or(0, |l| (l >> width) as usize + 1);
            members.resize(first + count, 0);
            for child in range(children, parent) {
                members[first + (rank(parent, child) >> width) as usize] += 1;
            }
        }
        write_unary(members.iter().map(|&count| count as usize), sections).map_err(too_large)?;
        let low = parents.clone().flat_map(|parent| {
            range(children, parent)
                .map(move |child| u64::from(rank(parent, child)) & ((1 << width) - 1))
        });
        let backoff =
            |index: usize| marked(level.backoffs[index], !range(&level.children, index).is_empty());
        let backoffs: Vec<f32> = (0..level.backoffs.len()).map(backoff).collect();
        if quantized {
            let p = Codes::new(&level.log10, &[]);
            // What is no context, and what backs off without loss, stays exactly that.
            let b = Codes::new(&backoffs, &[NO_CONTEXT, 0.0]);
            let codes = |index: usize| {
                let backoff = backoffs.get(index).map_or(0, |&backoff| u64::from(b.of(backoff)));
                u64::from(p.of(level.log10[index])) | backoff << CODE
            };
            let coded = low.enumerate().map(|(index, low)| low | codes(index) << width);
            let last = u32::from(n + 1 == levels.len());
            write_packed(coded, width + CODE * (2 - last), sections);
            sections.add(&p.values);
            sections.add(&b.values);
        } else {
            write_packed(low, width, sections);
            if backoffs.is_empty() {
                sections.add(&level.log10[..]);
            } else {
                let pairs = level.log10.iter().zip(&backoffs).map(|(&p, &b)| [p, b]);
                sections.add(&pairs.collect::<Vec<[f32; 2]>>());
            }
        }
    }
    Ok(())
}

/// What codes stand for: some exact values, then centres of the others.
struct Codes {
    exact: usize,
    values: Vec<f32>,
}

impl Codes {
    fn new(values: &[f32], exact: &[f32]) -> Self {
        let is_exact = |value: &f32| exact.iter().any(|exact| exact.to_bits() == value.to_bits());
        let others = values.iter().copied().filter(|value| !is_exact(value)).collect();
        let centres = centres(others, (1 << CODE) - exact.len());
        Self { exact: exact.len(), values: [exact, &centres].concat() }
    }

    fn of(&self, value: f32) -> u8 {
        let (exact, centres) = self.values.split_at(self.exact);
        match exact.iter().position(|exact| exact.to_bits() == value.to_bits()) {
            Some(place) => place as u8,
            None => nearest(centres, value) + self.exact as u8,
        }
    }
}
