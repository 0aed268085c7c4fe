//! A unit of work: the windows around some thousand neighbouring words of the text.
//!
//! What is random in a unit comes from the seed, the epoch and the unit's number alone, and whether a word
//! is left out from its place in the text; so a unit looks the same whoever trains it and whenever, and a
//! window that reaches into the next unit sees the same words there.

use super::hot::Hot;
use super::huffman::Codes;
use super::matrix::{Rows, Shared};
use super::negatives::Negatives;
use super::random::{Random, bits_at, mix};
use super::settings::{Architecture, Settings};
use super::step::{Buffers, Prefetch, Step, Window};
use super::word_rows::WordRows;
use crate::corpus::ids::LINE_END;
use crate::simd::Isa;

/// How words are told from others.
pub(crate) enum Outputs {
    Negatives(Negatives, usize),
    Codes(Codes),
}

/// All that stays the same over a training.
pub(crate) struct Plan<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) ids: &'a [u32],
    /// Of each word: below which of 2^32 it is kept.
    pub(crate) keep: Vec<u32>,
    pub(crate) outputs: Outputs,
    pub(crate) rows: Option<WordRows>,
    /// Words of the text in a unit.
    pub(crate) unit: usize,
    /// Units of an epoch.
    pub(crate) units: u64,
    pub(crate) isa: Isa,
}

/// What a thread needs to train.
pub(crate) struct Worker {
    kept: Vec<u32>,
    next: Window,
    current: Window,
    buffers: Buffers,
    hot: Hot,
    /// Pairs of which the loss was computed, and its sum.
    pub(crate) pairs: u64,
    pub(crate) loss: f64,
    windows: u64,
}

/// The loss is computed for one window of so many.
const WATCHED: u64 = 64;

impl Worker {
    /// One of so many threads.
    pub(crate) fn new(plan: &Plan<'_>, vectors: usize, threads: usize) -> Self {
        Self {
            kept: Vec::new(),
            next: Window::default(),
            current: Window::default(),
            buffers: Buffers::new(vectors),
            hot: Hot::new(&plan.outputs, plan.unit, threads, vectors),
            pairs: 0,
            loss: 0.0,
            windows: 0,
        }
    }

    /// Trains a unit; `number` counts over all epochs.
    pub(crate) fn train(
        &mut self,
        plan: &Plan<'_>,
        number: u64,
        input: Shared<'_>,
        output: Shared<'_>,
    ) {
        let copied = self.hot.enter(output);
        if self.hot.is_empty() {
            self.windows(plan, number, input, output, output);
        } else {
            self.windows(plan, number, input, copied, output);
        }
        self.hot.leave(output);
    }

    /// Trains a unit's windows, whose outputs' rows are `output`'s, copies or not, of a matrix that all share.
    fn windows<R: Rows>(
        &mut self,
        plan: &Plan<'_>,
        number: u64,
        input: Shared<'_>,
        output: R,
        shared: Shared<'_>,
    ) {
        let Settings { seed, window, .. } = *plan.settings;
        let (epoch, unit) = (number / plan.units, (number % plan.units) as usize);
        let mut random = Random::new(seed, number);
        let lr = plan.lr(number);
        let start = unit * plan.unit;
        let end = plan.ids.len().min(start + plan.unit);
        let centers = self.keep(plan, mix(seed, !epoch), start, end);
        let mut pending = false;
        self.windows = 0;
        for at in centers {
            let word = self.kept[at];
            if word == LINE_END {
                continue;
            }
            let reach = 1 + random.below(window as u32).0 as usize;
            let before = &self.kept[at.saturating_sub(reach)..at];
            let before =
                &before[before.iter().rposition(|&id| id == LINE_END).map_or(0, |i| i + 1)..];
            let after = &self.kept[at + 1..self.kept.len().min(at + 1 + reach)];
            let after =
                &after[..after.iter().position(|&id| id == LINE_END).unwrap_or(after.len())];
            if before.is_empty() && after.is_empty() {
                continue;
            }
            plan.lay_out(&mut self.next, word, before, after, &mut random);
            // SAFETY: prefetches take any address.
            unsafe { plan.isa.run(Prefetch { window: &self.next, input, output }) };
            if pending {
                self.step(plan, input, output, lr);
                self.hot.changed(&self.current.outputs, shared);
            }
            std::mem::swap(&mut self.current, &mut self.next);
            pending = true;
        }
        if pending {
            self.step(plan, input, output, lr);
            self.hot.changed(&self.current.outputs, shared);
        }
    }

    fn step<R: Rows>(&mut self, plan: &Plan<'_>, input: Shared<'_>, output: R, lr: f32) {
        let watch = self.windows.is_multiple_of(WATCHED);
        self.windows += 1;
        let (window, buffers) = (&self.current, &mut self.buffers);
        let step = Step { window, buffers, input, output, lr, watch };
        // SAFETY: rows are words of the vocabulary, buckets, or nodes of the tree over the words, and the
        // matrices were made with a row for each.
        unsafe { plan.isa.run(step) };
        if watch {
            let outputs = window.outputs.len() - self.buffers.sigmas.len();
            for (&sigma, &label) in self.buffers.sigmas.iter().zip(&window.labels[outputs..]) {
                let right = if label > 0.5 { sigma } else { 1.0 - sigma };
                self.loss -= f64::from(right.max(1e-8).ln());
            }
            self.pairs += 1;
        }
    }

    /// Gathers the words of a unit that are kept, with the neighbours that its windows reach; gives the
    /// places of the unit's own.
    fn keep(
        &mut self,
        plan: &Plan<'_>,
        seed: u64,
        start: usize,
        end: usize,
    ) -> std::ops::Range<usize> {
        let window = plan.settings.window;
        let kept = |at: usize| {
            let id = plan.ids[at];
            let keep = id == LINE_END || bits_at(seed, at as u64) <= plan.keep[id as usize];
            keep.then_some(id)
        };
        self.kept.clear();
        let before =
            (0..start).rev().filter_map(kept).take_while(|&id| id != LINE_END).take(window);
        self.kept.extend(before);
        self.kept.reverse();
        let first = self.kept.len();
        self.kept.extend((start..end).filter_map(kept));
        let last = self.kept.len();
        let after =
            (end..plan.ids.len()).filter_map(kept).take_while(|&id| id != LINE_END).take(window);
        self.kept.extend(after);
        first..last
    }
}

impl Plan<'_> {
    /// The learning rate of a unit: it falls linearly over all epochs.
    pub(crate) fn lr(&self, number: u64) -> f32 {
        let all = self.units * self.settings.epochs as u64;
        let left = 1.0 - number as f64 / all as f64;
        self.settings.lr * left.max(1e-4) as f32
    }

    fn lay_out(
        &self,
        window: &mut Window,
        word: u32,
        before: &[u32],
        after: &[u32],
        random: &mut Random,
    ) {
        window.clear();
        let around = before.iter().chain(after);
        match self.settings.architecture {
            Architecture::SkipGram => {
                match &self.rows {
                    None => window.inputs.push(word),
                    Some(rows) => {
                        window.inputs.extend_from_slice(rows.of(word));
                        window.gain = rows.gain(word);
                    }
                }
                around.for_each(|&other| self.pair(window, other, random));
            }
            Architecture::Cbow => {
                match &self.rows {
                    None => window.inputs.extend(around),
                    Some(rows) => {
                        around.for_each(|&other| window.inputs.extend_from_slice(rows.of(other)));
                    }
                }
                self.pair(window, word, random);
            }
        }
        window.seal();
    }

    /// A word to be predicted, and what it is told from.
    #[inline]
    fn pair(&self, window: &mut Window, word: u32, random: &mut Random) {
        match &self.outputs {
            Outputs::Negatives(negatives, number) => {
                window.outputs.push(word);
                window.labels.push(1.0);
                for _ in 0..*number {
                    // As word2vec: the word itself, when it is drawn, is not drawn again.
                    let other = negatives.draw(random);
                    if other != word {
                        window.outputs.push(other);
                        window.labels.push(0.0);
                    }
                }
            }
            Outputs::Codes(codes) => {
                let (points, labels) = codes.of(word);
                window.outputs.extend_from_slice(points);
                window.labels.extend_from_slice(labels);
            }
        }
        window.ends.push(window.outputs.len() as u32);
    }
}
