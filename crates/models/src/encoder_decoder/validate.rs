//! What describes no model, by its key.

use super::config::{AttentionKind, Bridge, EncoderDecoderConfig, Tie};
use super::source::SourceKind;
use crate::config::ModelConfigError;

impl EncoderDecoderConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that describes no model, by its key.
    pub fn validate(&self) -> Result<(), ModelConfigError> {
        self.reads.validate()?;
        let own = [
            (
                "source_vocabulary",
                if self.reads == SourceKind::Words { self.source_vocabulary } else { 1 },
            ),
            ("target_vocabulary", self.target_vocabulary),
            ("embedding", self.embedding),
            ("encoder.hidden", self.encoder.hidden),
            ("encoder.layers", self.encoder.layers),
            ("decoder.hidden", self.decoder.hidden),
            ("decoder.layers", self.decoder.layers),
            ("readout", self.readout.unwrap_or(1)),
        ];
        let sizes = [&own[..], &self.reads.sizes()[..]].concat();
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ModelConfigError::Zero { key });
        }
        for (key, value) in [
            ("dropout_input", self.dropout_input),
            ("dropout_hidden", self.dropout_hidden),
            ("dropout_output", self.dropout_output),
        ] {
            if !(0.0..1.0).contains(&value) {
                return Err(ModelConfigError::Probability { key, value });
            }
        }
        if !(self.embedding_bound.is_finite() && self.embedding_bound > 0.0) {
            let value = self.embedding_bound;
            return Err(ModelConfigError::Bound { key: "embedding_bound", value });
        }
        if self.parameters().is_none_or(|count| count > isize::MAX as usize / 4) {
            let key = sizes.iter().max_by_key(|(_, size)| *size).map_or("embedding", |s| s.0);
            return Err(ModelConfigError::TooLarge { key });
        }
        if !(0.0..1.0).contains(&self.ctc) {
            let problem = format!("is {}", self.ctc);
            // What validation and translation judge is the decoder.
            let mend = "give the head's share of the loss, at least 0 and below 1, where nothing would \
                        train the decoder; `lampwick translate --ctc` decodes by the head alone";
            return Err(ModelConfigError::Clash { key: "ctc", problem, mend });
        }
        self.validate_together()
    }

    /// Values that do not go together.
    fn validate_together(&self) -> Result<(), ModelConfigError> {
        let clash =
            |key, problem: String, mend| Err(ModelConfigError::Clash { key, problem, mend });
        let (memory, hidden) = (self.memory(), self.decoder.hidden);
        let attends = self.attention != AttentionKind::None;
        if self.bridge == Bridge::Last && memory != hidden {
            let problem = format!("copies {memory} units into a decoder of {hidden}");
            return clash("bridge", problem, "make them equal, or use \"linear\"");
        }
        if self.attention == AttentionKind::LuongDot && memory != hidden {
            let problem = format!("multiplies a state of {hidden} with a memory of {memory}");
            return clash("attention", problem, "make them equal, or use \"luong_general\"");
        }
        if attends && self.context_every_step {
            let problem = "is for a decoder without attention".to_string();
            return clash("context_every_step", problem, "leave it out, or set attention=\"none\"");
        }
        if !attends && (self.input_feeding || self.copying || self.coverage != 0.0) {
            let problem =
                "is \"none\", but input_feeding, copying and coverage need one".to_string();
            return clash("attention", problem, "set it to \"luong_general\" or \"bahdanau\"");
        }
        if self.bridge == Bridge::Zero && !attends && !self.context_every_step {
            let problem = "is \"zero\", and there is no attention: nothing leads to the source";
            return clash("bridge", problem.into(), "use \"linear\"");
        }
        if self.coverage != 0.0 && !self.attention.is_additive() {
            let problem = "is for additive attention".to_string();
            return clash("coverage", problem, "set attention to \"bahdanau\" or \"luong_concat\"");
        }
        if !(self.coverage.is_finite() && self.coverage >= 0.0) {
            let value = self.coverage;
            return Err(ModelConfigError::Bound { key: "coverage", value });
        }
        if self.tie != Tie::None && self.readout() != self.embedding {
            let (output, embedding) = (self.readout(), self.embedding);
            let problem = format!("needs an output of {embedding} features, and it has {output}");
            return clash("tie", problem, "set model.readout to the word vectors' size");
        }
        if self.reads != SourceKind::Words {
            let of_words = [
                ("tie", self.tie == Tie::ThreeWay, "set it to \"two_way\" or \"none\""),
                ("copying", self.copying, "turn it off"),
                ("reverse_source", self.reverse_source, "turn it off"),
            ];
            if let Some((key, _, mend)) = of_words.into_iter().find(|(_, on, _)| *on) {
                let problem = "needs a source of words, and model.reads says otherwise".to_string();
                return clash(key, problem, mend);
            }
        }
        if let SourceKind::Frames { joined, .. } = &self.reads
            && joined.len() > self.encoder.layers
        {
            let (more, layers) = (joined.len(), self.encoder.layers);
            let problem = format!("joins steps before {more} layers, and the encoder has {layers}");
            return clash("reads.frames.joined", problem, "raise model.encoder.layers");
        }
        let shared = self.tie == Tie::ThreeWay || self.copying;
        if shared && self.source_vocabulary != self.target_vocabulary {
            let (source, target) = (self.source_vocabulary, self.target_vocabulary);
            let key = if self.copying { "copying" } else { "tie" };
            let problem =
                format!("needs one vocabulary, and there are two of {source} and {target}");
            return clash(key, problem, "set tokenizers.joint=true");
        }
        Ok(())
    }
}
