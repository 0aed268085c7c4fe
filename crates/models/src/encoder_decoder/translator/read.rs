//! The encoder over words, and the bridge to the decoder's first states.

use super::{Translator, apply, positions, row, tanh};
use crate::encoder_decoder::config::Bridge;
use crate::generator::LayerState;
use crate::recurrent::RecurrentConfig;

impl Translator {
    /// Runs the encoder over sources that are sorted by length, the longest first: of each its
    /// outputs `[S_b, M]`, and of each layer the last states, both directions side by side `[B, M]`.
    pub(super) fn read(&self, sources: &[&[u32]]) -> (Vec<Vec<f32>>, Vec<LayerState>) {
        let stack: RecurrentConfig = self.config.encoder_stack();
        let features = self.config.embedding;
        let table = if self.source_embedding.is_empty() {
            &self.target_embedding
        } else {
            &self.source_embedding
        };
        let mut x: Vec<Vec<f32>> = sources
            .iter()
            .map(|source| {
                let mut rows = Vec::with_capacity(source.len() * features);
                let word = |&token: &u32| row(table, token, features);
                if self.config.reverse_source {
                    source.iter().rev().for_each(|token| rows.extend_from_slice(word(token)));
                } else {
                    source.iter().for_each(|token| rows.extend_from_slice(word(token)));
                }
                rows
            })
            .collect();
        let (batch, hidden, directions) = (sources.len(), stack.hidden, stack.directions());
        let width = hidden * directions;
        let mut finals = Vec::with_capacity(self.encoder.len());
        for (index, ways) in self.encoder.iter().enumerate() {
            let inputs = stack.input_of(index);
            let mut y: Vec<Vec<f32>> =
                sources.iter().map(|source| vec![0.0; positions(source).len() * width]).collect();
            let has_cell = stack.cell.has_cell_state();
            let mut last = LayerState {
                hidden: vec![0.0; batch * width],
                memory: if has_cell { vec![0.0; batch * width] } else { Vec::new() },
            };
            for (way, recurrent) in ways.iter().flatten().enumerate() {
                let mut h = vec![0.0; batch * hidden];
                let mut c = if has_cell { vec![0.0; batch * hidden] } else { Vec::new() };
                let mut rows = Vec::with_capacity(batch * inputs);
                let longest = sources.first().map_or(0, |source| source.len());
                for step in 0..longest {
                    let active = sources.partition_point(|source| source.len() > step);
                    let at = |source: usize| {
                        if way == 0 { step } else { sources[source].len() - 1 - step }
                    };
                    rows.clear();
                    for (source, x) in x.iter().enumerate().take(active) {
                        let at = at(source) * inputs;
                        rows.extend_from_slice(&x[at..at + inputs]);
                    }
                    let cells = if has_cell { active * hidden } else { 0 };
                    recurrent.step(&rows, &mut h[..active * hidden], &mut c[..cells]);
                    for (source, (y, h)) in
                        y.iter_mut().zip(h.chunks_exact(hidden)).enumerate().take(active)
                    {
                        let to = at(source) * width + way * hidden;
                        y[to..to + hidden].copy_from_slice(h);
                    }
                }
                for source in 0..batch {
                    let (from, to) = (source * hidden, source * width + way * hidden);
                    last.hidden[to..to + hidden].copy_from_slice(&h[from..from + hidden]);
                    if has_cell {
                        last.memory[to..to + hidden].copy_from_slice(&c[from..from + hidden]);
                    }
                }
            }
            if let Some(norm) = self.encoder_norms.get(index) {
                // A source of no tokens is read as nothing, which stays nothing.
                let read = y.iter_mut().zip(sources).filter(|(_, source)| !source.is_empty());
                read.for_each(|(y, _)| norm.apply(y));
            }
            if stack.adds_input(index) {
                for (y, x) in y.iter_mut().zip(&x) {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
                }
            }
            finals.push(last);
            x = y;
        }
        if self.config.reverse_source {
            for outputs in &mut x {
                let rows: Vec<f32> = outputs.chunks_exact(width).rev().flatten().copied().collect();
                *outputs = rows;
            }
        }
        (x, finals)
    }

    /// The decoder's first states.
    pub(super) fn bridge(&self, finals: &[LayerState], batch: usize) -> Vec<LayerState> {
        let of = |layer: usize| &finals[layer.min(finals.len() - 1)];
        let mut maps = self.bridge.iter();
        let mut map = |state: &[f32]| {
            if state.is_empty() {
                return Vec::new();
            }
            let mut mapped = apply(maps.next().expect("a map for each state"), state);
            tanh(&mut mapped);
            mapped
        };
        (0..self.config.decoder.layers)
            .map(|layer| match self.config.bridge {
                Bridge::Zero => self.decoder[layer].start(batch),
                Bridge::Last => of(layer).clone(),
                Bridge::Linear => {
                    let hidden = map(&of(layer).hidden);
                    LayerState { hidden, memory: map(&of(layer).memory) }
                }
            })
            .collect()
    }
}
