//! Frames of speech to memory: recurrent layers that read ever fewer steps.

use burn::prelude::*;

use super::config::EncoderDecoderConfig;
use crate::dropout::element_dropout;
use crate::initializer::InitialValues;
use crate::mode::Mode;
use crate::recurrent::{Recurrent, RecurrentOutput, StackState, cleared};

/// A pyramid (Chan et al. 2016, section 3.1): before a layer, some consecutive steps are joined into
/// one. Attention and CTC then have fewer steps to go through, each of which says more.
#[derive(Module, Debug)]
pub struct FramesEncoder {
    /// One layer each.
    pub layers: Vec<Recurrent>,
}

/// What [`FramesEncoder`] gives.
pub(super) struct Heard {
    /// `[S', B, M]`, zero past a source's end.
    pub(super) values: Tensor<3>,
    /// Steps of each source that are left.
    pub(super) lengths: Vec<usize>,
    /// The last states, layer by layer.
    pub(super) state: StackState,
}

impl FramesEncoder {
    pub(super) fn init(config: &EncoderDecoderConfig, values: &mut InitialValues<'_>) -> Self {
        let layers = (0..config.encoder.layers).map(|layer| config.encoder_layer(layer));
        Self { layers: layers.map(|stack| stack.init_from(values)).collect() }
    }

    /// `[S, B, F]` of true `lengths`; what is past them changes nothing.
    pub(super) fn forward(
        &self,
        config: &EncoderDecoderConfig,
        frames: Tensor<3>,
        lengths: &[usize],
        mode: &mut Mode,
    ) -> Heard {
        // The last of a sequence's joined steps may reach past its end.
        let mut x = cleared(frames, lengths);
        let mut lengths = lengths.to_vec();
        let mut states = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = element_dropout(x, config.dropout_hidden, mode);
            }
            let by = config.reads.joined(index);
            x = joined(x, by);
            lengths.iter_mut().for_each(|length| *length = length.div_ceil(by));
            let added = config.encoder.residual && index > 0 && by == 1;
            let added = added.then(|| x.clone());
            let RecurrentOutput { output, state } = layer.forward(x, None, Some(&lengths), mode);
            x = match added {
                Some(added) => output + added,
                None => output,
            };
            states.extend(state.0);
        }
        Heard { values: x, lengths, state: StackState(states) }
    }
}

/// `by` consecutive steps as one: `[S, B, F]` to `[S / by, B, by * F]`, zeros behind the last.
fn joined(x: Tensor<3>, by: usize) -> Tensor<3> {
    if by == 1 {
        return x;
    }
    let [steps, batch, features] = x.dims();
    let fewer = steps.div_ceil(by);
    let x = if fewer * by > steps {
        let zeros = Tensor::zeros([fewer * by - steps, batch, features], (&x.device(), x.dtype()));
        Tensor::cat(vec![x, zeros], 0)
    } else {
        x
    };
    let x = x.reshape([fewer, by, batch, features]).swap_dims(1, 2);
    x.reshape([fewer, batch, by * features])
}
