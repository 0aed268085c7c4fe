//! The most compact trie: the trie's ranks, ascending over all contexts, and few backoffs.
//!
//! As in the trie an n-gram's last word is told by its rank among the continuations of the context
//! without its first word. Here the ranks of one context count from the last one of the context before, so
//! that all of an order ascend (Pibiri and Venturini 2017, section 3.1), and a number takes two bits more
//! than the logarithm of their mean step ([`Ascending`]). A rank is then found by its high part at
//! once, however many continuations there are, but where a context's ranks count from has to be
//! found as well.
//!
//! Most contexts of a large model occur once and have one and the same backoff: one bit says so.

use super::ascending::{Ascending, low_bits, write_ascending};
use super::bits::{Packed, Unary, write_packed, write_unary};
use super::state::{Found, NO_CONTEXT, marked, unigrams};
use super::trie::{CODE, Codes, Ranks, too_large};
use super::walk::{self, Walked};
use crate::binary::{SectionWriter, Sections};
use crate::error::Result;
use crate::links::range;
use crate::progress::Progress;
use crate::storage::Storage;
use crate::table::{NEVER, Table};

/// The trie, where it lies.
pub(crate) type Compact<'a> = Walked<'a, Level<'a>>;

/// The n-grams of one order.
#[derive(Debug)]
pub(crate) struct Level<'a> {
    /// Continuations of each context.
    children: Unary<'a>,
    /// Ranks, those of each context counted from the last one before.
    ranks: Ascending<'a>,
    /// Bits of a low part of them.
    low: u32,
    /// Of each n-gram the low part of its rank, and above it its code, where it has one.
    entries: Packed<'a>,
    /// Of each n-gram, or what codes stand for.
    log10: &'a [f32],
    is_quantized: bool,
    backoffs: Backoffs<'a>,
}

/// The backoffs of one order; none at the highest.
#[derive(Debug)]
struct Backoffs<'a> {
    /// What most have.
    usual: f32,
    /// Which n-grams have another one.
    others: &'a [u64],
    /// Before every [`BLOCK`]th word of `others`, how many.
    before: &'a [u32],
    /// Which one, where there are codes.
    codes: &'a [u8],
    /// What codes stand for, or each.
    values: &'a [f32],
}

/// Words of 64 bits between two counts.
const BLOCK: usize = 4;

/// The continuations of a context.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    first: usize,
    count: usize,
    /// What their ranks count from.
    base: u64,
}

impl<'a> Backoffs<'a> {
    fn open(sections: &mut Sections<'a>) -> Result<Self, String> {
        let usual = sections.take::<f32>()?.first().copied().unwrap_or(NO_CONTEXT);
        let (others, before) = (sections.take()?, sections.take()?);
        Ok(Self { usual, others, before, codes: sections.take()?, values: sections.take()? })
    }

    #[inline(always)]
    fn get(&self, at: usize) -> f32 {
        let word = at / 64;
        let Some(&bits) = self.others.get(word) else { return self.usual };
        if bits >> (at % 64) & 1 == 0 {
            return self.usual;
        }
        let block = word / BLOCK;
        let mut place = self.before.get(block).copied().unwrap_or(u32::MAX) as usize;
        for bits in &self.others[block * BLOCK..word] {
            place += bits.count_ones() as usize;
        }
        place += (bits & ((1 << (at % 64)) - 1)).count_ones() as usize;
        if !self.codes.is_empty() {
            place = self.codes.get(place).copied().unwrap_or_default().into();
        }
        self.values.get(place).copied().unwrap_or(NO_CONTEXT)
    }
}

/// Writes the backoffs of an order.
fn write_backoffs(backoffs: &[f32], quantized: bool, sections: &mut SectionWriter) {
    let mut sorted: Vec<u32> = backoffs.iter().map(|backoff| backoff.to_bits()).collect();
    sorted.sort_unstable();
    let most = sorted.chunk_by(|a, b| a == b).max_by_key(|same| same.len());
    let usual = most.map_or(NO_CONTEXT.to_bits(), |same| same[0]);
    let mut others = vec![0u64; backoffs.len().div_ceil(64)];
    let mut values = Vec::new();
    for (index, backoff) in backoffs.iter().enumerate() {
        if backoff.to_bits() != usual {
            others[index / 64] |= 1 << (index % 64);
            values.push(*backoff);
        }
    }
    let ones = |block: &[u64]| block.iter().map(|word| word.count_ones()).sum::<u32>();
    let mut sum = 0;
    let mut before = Vec::with_capacity(others.len() / BLOCK + 1);
    for block in others.chunks(BLOCK) {
        before.push(sum);
        sum += ones(block);
    }
    sections.add(&[f32::from_bits(usual)]);
    sections.add(&others);
    sections.add(&before);
    if quantized {
        // What is no context, and what backs off without loss, stays exactly that.
        let codes = Codes::new(&values, &[NO_CONTEXT, 0.0]);
        sections.add(&values.iter().map(|&value| codes.of(value)).collect::<Vec<u8>>());
        sections.add(&codes.values);
    } else {
        sections.add::<u8>(&[]);
        sections.add(&values);
    }
}

impl Level<'_> {
    /// The rank of an n-gram, from where those of the first context count.
    #[inline(always)]
    fn sum(&self, at: usize) -> Option<u64> {
        Some((self.ranks.high(at)? as u64) << self.low | self.low_part(self.entries.get(at)))
    }

    #[inline(always)]
    fn low_part(&self, entry: u64) -> u64 {
        entry & ((1 << self.low) - 1)
    }
}

impl<'a> walk::Level<'a> for Level<'a> {
    type Context = Context;

    fn open(sections: &mut Sections<'a>, is_quantized: bool, _last: bool) -> Result<Self, String> {
        let low = sections.take::<u32>()?.first().copied().unwrap_or(u32::MAX);
        if low > 32 {
            return Err(format!("ranks of {low} bits; build the model again"));
        }
        let (children, ranks) = (Unary::open(sections)?, Ascending::open(sections)?);
        let entries = Packed::open(low + if is_quantized { CODE } else { 0 }, sections)?;
        let (log10, backoffs) = (sections.take()?, Backoffs::open(sections)?);
        Ok(Self { children, ranks, low, entries, log10, is_quantized, backoffs })
    }

    #[inline(always)]
    fn context(&self, node: u32) -> Option<Context> {
        let (first, count) = self.children.group(node as usize)?;
        let base = match first {
            0 => 0,
            _ => self.sum(first - 1)?,
        };
        Some(Context { first, count, base })
    }

    #[inline(always)]
    fn find(&self, context: &Context, rank: u32) -> Option<(usize, u64)> {
        if context.count == 0 {
            return None;
        }
        let wanted = context.base + u64::from(rank);
        let (start, count) = self.ranks.equal((wanted >> self.low) as usize)?;
        let end = (start + count).min(context.first + context.count);
        let low = self.low_part(wanted);
        // Those of one context differ, so there are few with one high part.
        for at in start.max(context.first)..end {
            let entry = self.entries.get(at);
            let own = self.low_part(entry);
            if own >= low {
                return (own == low).then_some((at, entry));
            }
        }
        None
    }

    #[inline(always)]
    fn values(&self, at: usize, entry: u64) -> Found {
        let place = if self.is_quantized { (entry >> self.low) as usize & 0xff } else { at };
        let log10 = self.log10.get(place).copied().unwrap_or(NEVER);
        Found { log10, backoff: self.backoffs.get(at) }
    }

    #[inline(always)]
    fn first(context: &Context) -> usize {
        context.first
    }

    fn continuations(&self, context: usize, mut take: impl FnMut(usize, u32, Found)) {
        let Ok(context) = u32::try_from(context) else { return };
        let Some(Context { first, count, base }) = self.context(context) else { return };
        for at in first..first + count {
            let rank = self.sum(at).and_then(|sum| sum.checked_sub(base));
            let Some(rank) = rank.and_then(|rank| u32::try_from(rank).ok()) else { return };
            take(at, rank, self.values(at, self.entries.get(at)));
        }
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
    let ranks = Ranks { levels, links: &links };
    for n in 1..levels.len() {
        let (children, level) = (&levels[n - 1].children, &levels[n]);
        let mut sums = Vec::with_capacity(level.len());
        for parent in 0..levels[n - 1].len() {
            let base = sums.last().copied().unwrap_or(0);
            let each = range(children, parent);
            sums.extend(each.map(|child| base + u64::from(ranks.of(n, parent, child))));
        }
        let low = low_bits(sums.len(), sums.last().copied().unwrap_or(0));
        sections.add(&[low]);
        let sizes = (0..levels[n - 1].len()).map(|parent| range(children, parent).len());
        write_unary(sizes, sections).map_err(too_large)?;
        let highs = sums.iter().map(|&sum| (sum >> low) as usize);
        write_ascending(highs, sections).map_err(too_large)?;
        let lows = sums.iter().map(|&sum| sum & ((1 << low) - 1));
        if quantized {
            let codes = Codes::new(&level.log10, &[]);
            let code = |index: usize| u64::from(codes.of(level.log10[index]));
            let coded = lows.enumerate().map(|(index, part)| part | code(index) << low);
            write_packed(coded, low + CODE, sections);
            sections.add(&codes.values);
        } else {
            write_packed(lows, low, sections);
            sections.add(&level.log10[..]);
        }
        let backoff =
            |index: usize| marked(level.backoffs[index], !range(&level.children, index).is_empty());
        let backoffs: Vec<f32> = (0..level.backoffs.len()).map(backoff).collect();
        write_backoffs(&backoffs, quantized, sections);
        progress.at(n as u64 + 1);
    }
    Ok(())
}
