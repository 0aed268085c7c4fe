//! Encoder-decoders: a sequence in, a sequence out (Sutskever et al. 2014; Cho et al. 2014), with
//! attention (Bahdanau et al. 2015; Luong et al. 2015).
//!
//! - [`config`]: sizes and kinds; [`source`]: what is read;
//! - [`encoder`]: the source to memory and to the decoder's first state; of an [`image`], of [`frames`];
//! - [`attention`]: where to look; [`decoder`]: one step, or all steps at once;
//! - [`loss`]: teacher forcing, scheduled sampling, copying; [`ctc`]: a second head on the encoder;
//! - [`translator`]: the weights packed for decoding on a CPU

pub mod attention;
pub mod config;
pub mod ctc;
pub mod decoder;
pub mod encoder;
pub mod frames;
pub mod image;
pub mod loss;
mod sizes;
pub mod source;
pub mod translator;
mod validate;

use burn::module::Param;
use burn::prelude::*;

pub use attention::{GlobalAttention, Memory};
pub use config::{AttentionKind, Bridge, DecoderConfig, EncoderConfig, EncoderDecoderConfig, Tie};
pub use ctc::CtcHead;
pub use decoder::{Decoder, DecoderState};
pub use encoder::{Encoded, Encoder};
pub use loss::{EncoderDecoderBatch, EncoderDecoderLoss, Fed, Feeding};
pub use source::{Source, SourceKind};
pub use translator::{Translator, TranslatorState};

/// `p(y_t | y_1 .. y_(t-1), x)`; made by [`EncoderDecoderConfig::init`].
#[derive(Module, Debug)]
pub struct EncoderDecoder {
    /// Word vectors of the source, `[V_s, E]`; absent where one table serves both sides, or it is not
    /// words that are read.
    pub source_embedding: Option<Param<Tensor<2>>>,
    /// Word vectors of the target, `[V_t, E]`.
    pub target_embedding: Param<Tensor<2>>,
    /// Source to memory.
    pub encoder: Encoder,
    /// Memory to target.
    pub decoder: Decoder,
    /// Output weights, `[A, V_t]`; absent when tied to the target's word vectors.
    pub output_weight: Option<Param<Tensor<2>>>,
    /// Output bias, `[V_t]`.
    pub output_bias: Param<Tensor<1>>,
    /// Memory to labels by itself, where the model has this head too.
    pub ctc: Option<CtcHead>,
    #[module(skip)]
    pub(crate) config: EncoderDecoderConfig,
}

impl EncoderDecoder {
    /// The configuration that the model was made with.
    pub fn config(&self) -> &EncoderDecoderConfig {
        &self.config
    }

    /// The device of its parameters.
    pub fn device(&self) -> Device {
        self.target_embedding.val().device()
    }

    /// The output's weights, `[A, V_t]`; a transposed view of the target's table when tied.
    pub fn output_weight(&self) -> Tensor<2> {
        match &self.output_weight {
            Some(weight) => weight.val(),
            None => self.target_embedding.val().transpose(),
        }
    }

    /// The source's table, `[V_s, E]`.
    pub(crate) fn source_table(&self) -> Tensor<2> {
        match &self.source_embedding {
            Some(table) => table.val(),
            None => self.target_embedding.val(),
        }
    }
}
