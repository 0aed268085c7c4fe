//! How much a model and its batches take.

use super::config::{AttentionKind, Bridge, EncoderDecoderConfig, Tie};
use super::source::SourceKind;
use crate::config::CellKind;
use crate::recurrent::RecurrentConfig;

impl EncoderDecoderConfig {
    /// Number of parameters; `None` when it overflows.
    pub fn parameters(&self) -> Option<usize> {
        fn stack(stack: &RecurrentConfig) -> Option<usize> {
            let layer = |index: usize| {
                let (input, hidden) = (stack.input_of(index), stack.hidden_of(index));
                let rows = input.checked_add(hidden)?.checked_add(2)?;
                let norm = if stack.layer_norm { 2 * stack.output_of(index) } else { 0 };
                rows.checked_mul(stack.cell.gates())?
                    .checked_mul(hidden)?
                    .checked_mul(stack.directions())?
                    .checked_add(norm)
            };
            // Two kinds of layers, so that a billion of them is counted at once.
            let first = layer(0)?;
            let rest = if stack.layers > 1 { layer(1)?.checked_mul(stack.layers - 1)? } else { 0 };
            first.checked_add(rest)
        }
        let (memory, hidden) = (self.memory(), self.decoder.hidden);
        let (target, readout) = (self.target_vocabulary, self.readout());
        let product = |a: usize, b: usize| a.checked_mul(b);
        let bridge = match self.bridge {
            Bridge::Linear => {
                let states = 1 + usize::from(self.cell == CellKind::Lstm);
                product(memory.checked_add(1)?, hidden)?
                    .checked_mul(self.decoder.layers * states)?
            }
            Bridge::Zero | Bridge::Last => 0,
        };
        let attention = match self.attention {
            AttentionKind::None | AttentionKind::LuongDot => 0,
            AttentionKind::LuongGeneral => product(memory, hidden)?,
            AttentionKind::Bahdanau | AttentionKind::LuongConcat => {
                let covered = usize::from(self.coverage > 0.0);
                product(memory.checked_add(hidden)?.checked_add(2 + covered)?, hidden)?
            }
        };
        let readout_map =
            if self.has_readout() { product(self.readout_input() + 1, readout)? } else { 0 };
        let copying = if self.copying { memory + hidden + self.embedding + 1 } else { 0 };
        [
            if self.has_source_table() {
                product(self.source_vocabulary, self.embedding)?
            } else {
                0
            },
            product(target, self.embedding)?,
            if self.tie == Tie::None { product(target, readout)? } else { 0 },
            target,
            self.reader_parameters(stack)?,
            stack(&self.decoder_stack())?,
            if self.ctc > 0.0 {
                product(memory.checked_add(1)?, target.checked_add(1)?)?
            } else {
                0
            },
            bridge,
            attention,
            readout_map,
            copying,
        ]
        .into_iter()
        .try_fold(0usize, usize::checked_add)
    }

    /// Those of what reads the source.
    fn reader_parameters(
        &self,
        stack: impl Fn(&RecurrentConfig) -> Option<usize>,
    ) -> Option<usize> {
        match &self.reads {
            SourceKind::Words => stack(&self.encoder_stack()),
            SourceKind::Image { .. } => {
                let [rows, columns] = self.reads.grid();
                let cells = rows.checked_mul(columns)?.checked_mul(self.memory())?;
                self.reads.convolutions().into_iter().try_fold(cells, |sum, [from, to]| {
                    sum.checked_add(from.checked_mul(9)?.checked_add(1)?.checked_mul(to)?)
                })
            }
            SourceKind::Frames { joined, .. } => {
                // Two kinds of layers once nothing is joined any more.
                let special = (joined.len() + 1).min(self.encoder.layers);
                let rest = self.encoder.layers - special;
                let one = stack(&self.encoder_layer(special))?.checked_mul(rest)?;
                (0..special)
                    .try_fold(one, |sum, layer| sum.checked_add(stack(&self.encoder_layer(layer))?))
            }
        }
    }

    /// Whether the source has word vectors of its own.
    pub(crate) fn has_source_table(&self) -> bool {
        self.reads == SourceKind::Words && self.tie != Tie::ThreeWay
    }

    /// Numbers that a batch of `batch` pairs keeps for the backward pass, about; `source` and
    /// `target` are the steps of its longest (for images `source` is of no meaning).
    pub fn activations(&self, batch: usize, source: usize, target: usize) -> u128 {
        let (batch, source, target) = (batch as u128, source as u128, target as u128);
        // Gates before and after activation, cell state, output, and their gradients.
        let units = |stack: &RecurrentConfig| {
            (2 * stack.cell.gates() as u128 + 4 + 3 * u128::from(stack.layer_norm))
                .saturating_mul(stack.hidden as u128)
                .saturating_mul((stack.layers * stack.directions()) as u128)
        };
        let words = 3 * self.embedding as u128;
        // Positions of the memory, and what is kept to come there.
        let (source, encoder) = match &self.reads {
            SourceKind::Words => {
                let each = units(&self.encoder_stack()) + words + 2 * self.memory() as u128;
                (source, source * each)
            }
            SourceKind::Image { height, width, .. } => {
                let (mut grid, mut kept) = ([*height, *width], 0u128);
                for [from, to] in self.reads.convolutions() {
                    // The patches as rows of a product, and the output before and after relu.
                    grid = grid.map(|n| n.div_ceil(2));
                    let cells = (grid[0] as u128).saturating_mul(grid[1] as u128);
                    kept = kept
                        .saturating_add(cells.saturating_mul(9 * from as u128 + 4 * to as u128));
                }
                ((grid[0] as u128).saturating_mul(grid[1] as u128), kept)
            }
            SourceKind::Frames { .. } => {
                let (mut steps, mut kept) = (source, 0u128);
                for layer in 0..self.encoder.layers {
                    let layer_config = self.encoder_layer(layer);
                    steps = steps.div_ceil(self.reads.joined(layer) as u128);
                    let each = units(&layer_config) + 3 * layer_config.input as u128;
                    kept = kept.saturating_add(steps.saturating_mul(each));
                }
                (steps, kept)
            }
        };
        let decoder = target * (units(&self.decoder_stack()) + words + 4 * self.readout() as u128);
        // Weights, and gradients of weights and scores; on Flex, which keeps nothing of a tanh.
        let attention = if self.attention == AttentionKind::None { 0 } else { 4 * source * target };
        let copying = if self.copying { 4 * target * self.target_vocabulary as u128 } else { 0 };
        // Logits of the CTC head, their logarithms and gradients.
        let classes = self.target_vocabulary as u128 + 1;
        let ctc = if self.ctc > 0.0 { source.saturating_mul(3 * classes) } else { 0 };
        batch.saturating_mul((encoder + decoder + attention + copying).saturating_add(ctc))
    }
}
