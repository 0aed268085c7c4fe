//! The trie: bit-packed, sorted continuations, found by pointers in unary.
//!
//! The words that follow `w1 .. wn` are among those that follow `w2 .. wn`. So an n-gram's last word
//! is told by its rank among the continuations of the context without its first word, a small
//! number, as Pibiri and Venturini (2017) remap word ids; the words themselves are stored nowhere
//! above the unigrams. A query goes from short contexts to long ones and finds the ranks on its way.
//!
//! The ranks of one context ascend, each in as many bits as the largest of its order needs. A rank is
//! never less than its place, and words are numbered by frequency, so that what is asked for is mostly
//! near the beginning.

use std::hint::select_unpredictable;

use super::bits::{Packed, Unary, write_packed, write_unary};
use super::quantize::{centres, nearest};
use super::state::{Found, NO_CONTEXT, marked, unigrams};
use super::walk::{self, Walked};
use crate::binary::{SectionWriter, Sections};
use crate::error::{NgramError, Result};
use crate::links::range;
use crate::progress::Progress;
use crate::storage::{Column, Storage};
use crate::table::{NEVER, Table, TableLevel};

/// The trie, where it lies.
pub(crate) type Trie<'a> = Walked<'a, Level<'a>>;

/// The n-grams of one order.
#[derive(Debug)]
pub(crate) struct Level<'a> {
    /// Continuations of each context.
    children: Unary<'a>,
    /// Bits of a rank.
    width: u32,
    /// Of each n-gram its rank, and above it its codes, where it has codes.
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

/// The continuations of a context.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    first: usize,
    count: usize,
}

/// What either trie can be walked by.
pub(crate) trait Levels {
    /// Logarithm and backoff of each word.
    fn unigrams(&self) -> &[[f32; 2]];

    /// How many orders there are, from the second on.
    fn len(&self) -> usize;

    /// Goes through the continuations of a context, `level` orders above the second: where each is, its
    /// rank and its values.
    fn continuations(&self, level: usize, context: usize, take: impl FnMut(usize, u32, Found));
}

/// Bits of a code.
pub(super) const CODE: u32 = 8;

/// n-grams that are looked at together.
const LOOK: usize = 4;

impl Level<'_> {
    /// The rank that an entry has.
    #[inline(always)]
    fn rank(&self, entry: u64) -> u32 {
        (entry & ((1 << self.width) - 1)) as u32
    }
}

impl<'a> walk::Level<'a> for Level<'a> {
    type Context = Context;

    fn open(sections: &mut Sections<'a>, quantized: bool, last: bool) -> Result<Self, String> {
        let width = sections.take::<u32>()?.first().copied().unwrap_or(u32::MAX);
        if width > 32 {
            return Err(format!("ranks of {width} bits; build the model again"));
        }
        let children = Unary::open(sections)?;
        let codes = if quantized { CODE * (2 - u32::from(last)) } else { 0 };
        let entries = Packed::open(width + codes, sections)?;
        let values = match (quantized, last) {
            (true, _) => Values::Quantized { log10: sections.take()?, backoffs: sections.take()? },
            (false, true) => Values::Last(sections.take()?),
            (false, false) => Values::Middle(sections.take()?),
        };
        Ok(Self { children, width, entries, values })
    }

    #[inline(always)]
    fn context(&self, node: u32) -> Option<Context> {
        let (first, count) = self.children.group(node as usize)?;
        Some(Context { first, count })
    }

    #[inline(always)]
    fn find(&self, context: &Context, rank: u32) -> Option<(usize, u64)> {
        let mut start = context.first;
        let mut length = context.count.min(rank as usize + 1);
        while length > LOOK {
            let half = length / 2;
            let below = self.rank(self.entries.get(start + half)) <= rank;
            // Which half it is cannot be foretold.
            start = select_unpredictable(below, start + half, start);
            length -= half;
        }
        // All of the few without a branch.
        let (mut found, mut hit) = (usize::MAX, 0);
        for at in 0..LOOK {
            let entry = self.entries.get(start + at);
            let same = (self.rank(entry) == rank) & (at < length);
            found = select_unpredictable(same, start + at, found);
            hit = select_unpredictable(same, entry, hit);
        }
        (found != usize::MAX).then_some((found, hit))
    }

    #[inline(always)]
    fn values(&self, at: usize, entry: u64) -> Found {
        let (log10, backoff) = match &self.values {
            Values::Middle(values) => {
                values.get(at).map_or((None, None), |&[p, b]| (Some(p), Some(b)))
            }
            Values::Last(values) => (values.get(at).copied(), None),
            Values::Quantized { log10, backoffs } => {
                let codes = entry >> self.width;
                let (code, backoff) = (codes as usize & 0xff, (codes >> CODE) as usize & 0xff);
                (log10.get(code).copied(), backoffs.get(backoff).copied())
            }
        };
        Found { log10: log10.unwrap_or(NEVER), backoff: backoff.unwrap_or(NO_CONTEXT) }
    }

    #[inline(always)]
    fn first(context: &Context) -> usize {
        context.first
    }

    fn continuations(&self, context: usize, mut take: impl FnMut(usize, u32, Found)) {
        let Some((first, count)) = self.children.group(context) else { return };
        for at in first..first + count {
            let entry = self.entries.get(at);
            take(at, self.rank(entry), self.values(at, entry));
        }
    }
}

/// The ranks of the last words of a table's n-grams.
pub(super) struct Ranks<'a> {
    pub(super) levels: &'a [TableLevel],
    pub(super) links: &'a [Column<u32>],
}

impl Ranks<'_> {
    /// Of `child`, an n-gram of level `n`, behind `parent`.
    pub(super) fn of(&self, n: usize, parent: usize, child: usize) -> u32 {
        // Where the ranks of a context's continuations count from.
        let base = match n {
            1 => 0,
            _ => self.levels[n - 2].children[self.links[n - 2][parent] as usize],
        };
        self.links[n - 1][child] - base
    }
}

/// More than a trie's pointers can name.
pub(super) fn too_large(what: String) -> NgramError {
    NgramError::TooLarge {
        what,
        limit: u64::from(u32::MAX),
        mend: "prune the model, or use `--kind probing`",
    }
}

/// Writes the sections of a table.
pub(crate) fn write(
    table: &Table,
    quantized: bool,
    sections: &mut SectionWriter,
    progress: &dyn Progress,
) -> Result<()> {
    let levels = table.levels();
    sections.add(&unigrams(table));
    let storage = Storage::new(u64::MAX, std::env::temp_dir());
    let links = table.links(&storage)?;
    let ranks_of = Ranks { levels, links: &links };
    for n in 1..levels.len() {
        let children = &levels[n - 1].children;
        let level = &levels[n];
        let rank = |parent: usize, child: usize| ranks_of.of(n, parent, child);
        let parents = 0..levels[n - 1].len();
        let last = |parent: usize| range(children, parent).last();
        let largest = parents.clone().filter_map(|parent| Some(rank(parent, last(parent)?)));
        let width = u32::BITS - largest.max().unwrap_or(0).leading_zeros();
        sections.add(&[width]);
        let sizes = parents.clone().map(|parent| range(children, parent).len());
        write_unary(sizes, sections).map_err(too_large)?;
        let ranks = parents.flat_map(|parent| {
            range(children, parent).map(move |child| u64::from(rank(parent, child)))
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
            let coded = ranks.enumerate().map(|(index, rank)| rank | codes(index) << width);
            let last = u32::from(n + 1 == levels.len());
            write_packed(coded, width + CODE * (2 - last), sections);
            sections.add(&p.values);
            sections.add(&b.values);
        } else {
            write_packed(ranks, width, sections);
            if backoffs.is_empty() {
                sections.add(&level.log10[..]);
            } else {
                let pairs = level.log10.iter().zip(&backoffs).map(|(&p, &b)| [p, b]);
                sections.add(&pairs.collect::<Vec<[f32; 2]>>());
            }
        }
        progress.at(n as u64 + 1);
    }
    Ok(())
}

/// What codes stand for: some exact values, then centres of the others.
pub(super) struct Codes {
    exact: usize,
    pub(super) values: Vec<f32>,
}

impl Codes {
    pub(super) fn new(values: &[f32], exact: &[f32]) -> Self {
        let is_exact = |value: &f32| exact.iter().any(|exact| exact.to_bits() == value.to_bits());
        let others = values.iter().copied().filter(|value| !is_exact(value)).collect();
        let centres = centres(others, (1 << CODE) - exact.len());
        Self { exact: exact.len(), values: [exact, &centres].concat() }
    }

    pub(super) fn of(&self, value: f32) -> u8 {
        let (exact, centres) = self.values.split_at(self.exact);
        match exact.iter().position(|exact| exact.to_bits() == value.to_bits()) {
            Some(place) => place as u8,
            None => nearest(centres, value) + self.exact as u8,
        }
    }
}
