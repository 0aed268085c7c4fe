//! The loss of a batch: teacher forcing, or scheduled sampling; with coverage and copying.

use burn::prelude::*;
use burn::tensor::IndexingUpdateOp;
use burn::tensor::activation::{log_softmax, softmax};
use lampwick_kernels::composed::product;
use lampwick_kernels::{
    CrossEntropy, CrossEntropyOptions, Reduction, embedding, linear_cross_entropy,
};
use serde::{Deserialize, Serialize};

use super::EncoderDecoder;
use super::decoder::{DecoderOutput, DecoderState, Looked};
use super::encoder::Encoded;
use super::source::Source;
use crate::dropout::element_dropout;
use crate::mode::Mode;

/// A padded batch of pairs, time-major.
#[derive(Clone, Debug)]
pub struct EncoderDecoderBatch<'a> {
    /// Of words their ids, `[S, B]`, anything in the vocabulary past the end; 0 at the one position of a
    /// source of no tokens, where copying finds it.
    pub source: Source,
    /// True length of each source, `[B]`.
    pub source_lengths: &'a [usize],
    /// What the decoder reads, `[T, B]`: the start symbol and the target.
    pub inputs: Tensor<2, Int>,
    /// What it is to write, `[T, B]`; the ignored value of the options past the end.
    pub targets: Tensor<2, Int>,
    /// True length of each target with its end, `[B]`.
    pub target_lengths: &'a [usize],
}

/// What [`EncoderDecoder::loss`] gives.
#[derive(Clone, Debug)]
pub struct EncoderDecoderLoss {
    /// The loss in nats, `[1]`, differentiable; coverage and CTC included.
    pub loss: Tensor<1>,
    /// `-ln p(target)` in nats, `[T*B]`, time-major; 0 where ignored. Not on the tape.
    pub nll: Tensor<1>,
}

/// What the decoder reads while it learns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Feeding {
    /// The true words (teacher forcing, Williams and Zipser 1989): all steps at once where the model
    /// allows it.
    #[default]
    Gold,
    /// At each step, each sequence by itself, the true word or the model's own (scheduled sampling,
    /// Bengio et al. 2015).
    Scheduled {
        /// Probability of the true word.
        gold: f64,
        /// What is read instead.
        feed: Fed,
    },
}

/// What the decoder reads of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fed {
    /// The likeliest word.
    #[default]
    Argmax,
    /// A word drawn from the model's distribution: the largest of the log-probabilities, each with
    /// Gumbel noise added (Gumbel 1954).
    Gumbel,
}

impl EncoderDecoder {
    /// Cross entropy of the targets, and of the pairs of a batch nothing else: padding changes no
    /// pair's figures.
    ///
    /// # Panics
    ///
    /// When a token is outside its vocabulary or the shapes disagree.
    pub fn loss(
        &self,
        batch: &EncoderDecoderBatch<'_>,
        options: &CrossEntropyOptions,
        feeding: &Feeding,
        mode: &mut Mode,
    ) -> EncoderDecoderLoss {
        let [steps, size] = batch.inputs.dims();
        let encoded = self.encode(batch.source.clone(), batch.source_lengths, mode);
        let (output, again) = match feeding {
            Feeding::Gold if !self.config.is_step_by_step() => {
                let words = self.words(batch.inputs.clone(), mode);
                (self.decode_at_once(words, &encoded, batch.target_lengths, mode), None)
            }
            _ => self.decode_each(batch, &encoded, feeding, mode),
        };
        let DecoderOutput { output, weights, generate } = output;
        let features = output.dims()[2];
        let rows = self.dropped(output, mode).reshape([steps * size, features]);
        let targets = batch.targets.clone().reshape([steps * size]);
        let CrossEntropy { mut loss, nll } = match generate.zip(weights) {
            Some((generate, weights)) => {
                let Source::Words(source) = &batch.source else {
                    panic!("only words are copied");
                };
                let copied = copied(source, &batch.targets, weights); // [T, B]
                self.pointer_loss(rows, targets, generate, copied, options)
            }
            None => {
                let weight = self.config.precision.of_weight(self.output_weight());
                let bias = Some(self.output_bias.val());
                linear_cross_entropy(rows, weight, bias, targets, options)
            }
        };
        if let Some(again) = again {
            let tokens = match options.reduction {
                Reduction::Mean => batch.target_lengths.iter().sum::<usize>().max(1) as f64,
                Reduction::Sum => 1.0,
            };
            loss = loss + again * (self.config.coverage / tokens);
        }
        if let Some(ctc) = self.ctc_loss(&encoded, batch, options) {
            // Watanabe et al. (2017, eq. 18).
            loss = loss * (1.0 - self.config.ctc) + ctc * self.config.ctc;
        }
        EncoderDecoderLoss { loss, nll }
    }

    /// The target's word vectors, dropped: `[T, B]` to `[T, B, E]`.
    fn words(&self, tokens: Tensor<2, Int>, mode: &mut Mode) -> Tensor<3> {
        let [steps, batch] = tokens.dims();
        let x = embedding(self.target_embedding.val(), tokens.reshape([steps * batch]));
        let x = x.reshape([steps, batch, self.config.embedding]);
        element_dropout(x, self.config.dropout_input, mode)
    }

    /// Step by step. Also the sum of the coverage losses, `sum_t sum_i min(a_ti, c_ti)` (See et al.
    /// 2017, eq. 12), where the model has them.
    fn decode_each(
        &self,
        batch: &EncoderDecoderBatch<'_>,
        encoded: &Encoded,
        feeding: &Feeding,
        mode: &mut Mode,
    ) -> (DecoderOutput, Option<Tensor<1>>) {
        let [steps, size] = batch.inputs.dims();
        let stepper = self.decoder.recurrent.stepper(mode);
        let mut state = self.start(encoded);
        let mut all = Vec::with_capacity(steps);
        let mut again: Option<Tensor<1>> = None;
        let mut own: Option<Tensor<2, Int>> = None;
        // Known words are looked up at once: each look-up has a gradient as large as the table.
        let known = match feeding {
            Feeding::Gold => one_by_one(&self.words(batch.inputs.clone(), mode)),
            Feeding::Scheduled { .. } => Vec::new(),
        };
        let mut known = known.into_iter();
        for step in 0..steps {
            let words = known.next().unwrap_or_else(|| {
                let gold = batch.inputs.clone().slice(s![step..=step, ..]); // [1, B]
                let tokens = match own.take() {
                    Some(own) => self.mixed(gold, own, feeding, mode),
                    None => gold,
                };
                self.words(tokens, mode)
            });
            let covered = state.covered.clone();
            let (looked, next): (_, DecoderState) =
                self.decode_step(&stepper, words, encoded, state, mode);
            if let (Some(covered), Some(weights)) = (covered, &looked.weights) {
                let alive: Vec<f32> = batch
                    .target_lengths
                    .iter()
                    .map(|&length| f32::from(u8::from(step < length)))
                    .collect();
                let alive = TensorData::new(alive, [size, 1]);
                let alive = Tensor::<2>::from_data(alive, (&covered.device(), covered.dtype()));
                let now = weights.clone().squeeze_dim::<2>(0).min_pair(covered) * alive;
                let now = now.sum();
                again = Some(match again {
                    Some(sum) => sum + now,
                    None => now,
                });
            }
            if step + 1 < steps
                && let Feeding::Scheduled { feed, .. } = feeding
            {
                own = Some(self.own(&looked, &batch.source, *feed, mode));
            }
            all.push(looked);
            state = next;
        }
        (self.read_out(Looked::cat(&all)), again)
    }

    /// The true words `[1, B]`, some replaced by the model's own.
    fn mixed(
        &self,
        gold: Tensor<2, Int>,
        own: Tensor<2, Int>,
        feeding: &Feeding,
        mode: &mut Mode,
    ) -> Tensor<2, Int> {
        let (Feeding::Scheduled { gold: p, .. }, Mode::Train(rng)) = (feeding, mode) else {
            return gold;
        };
        let draws = rng.uniform(gold.dims()[1]);
        let take_own: Vec<bool> = draws.iter().map(|&u| f64::from(u) >= *p).collect();
        let take_own = TensorData::new(take_own, gold.dims());
        let take_own = Tensor::<2, Bool>::from_data(take_own, &gold.device());
        gold.mask_where(take_own, own)
    }

    /// The words that the model itself would write after a step, `[1, B]`; off the tape.
    fn own(&self, looked: &Looked, source: &Source, feed: Fed, mode: &mut Mode) -> Tensor<2, Int> {
        let DecoderOutput { output, weights, generate } = self.read_out(looked.clone());
        let rows: Tensor<2> = output.detach().squeeze_dim(0); // [B, A]
        let weight = self.config.precision.of_weight(self.output_weight().detach());
        let mut scores = product(rows, weight) + self.output_bias.val().detach().unsqueeze();
        if let (Some(generate), Some(weights), Source::Words(ids)) = (generate, weights, source) {
            // ln(p_gen P_vocab + (1 - p_gen) copies) of every word.
            let generate: Tensor<2> = generate.detach().squeeze_dim(0); // [B, 1]
            let copies: Tensor<2> =
                weights.detach().squeeze_dim(0) * (generate.clone().neg() + 1.0); // [B, S]
            let written = softmax(scores, 1) * generate;
            let ids = ids.clone().swap_dims(0, 1);
            scores = written.scatter(1, ids, copies, IndexingUpdateOp::Add).clamp_min(1e-20).log();
        }
        if let (Fed::Gumbel, Mode::Train(rng)) = (feed, mode) {
            let [batch, words] = scores.dims();
            let noise: Vec<f32> = rng
                .uniform(batch * words)
                .into_iter()
                .map(|u| -(-(u.max(1e-12)).ln()).ln())
                .collect();
            let noise = TensorData::new(noise, [batch, words]);
            scores = scores.clone() + Tensor::from_data(noise, (&scores.device(), scores.dtype()));
        }
        scores.argmax(1).swap_dims(0, 1)
    }

    /// `-ln(p_gen P_vocab(y) + (1 - p_gen) copied)` (See et al. 2017, eq. 9).
    fn pointer_loss(
        &self,
        rows: Tensor<2>,
        targets: Tensor<1, Int>,
        generate: Tensor<3>,
        copied: Tensor<2>,
        options: &CrossEntropyOptions,
    ) -> CrossEntropy {
        let count = targets.dims()[0];
        let weight = self.config.precision.of_weight(self.output_weight());
        let logits = product(rows, weight) + self.output_bias.val().unsqueeze();
        let log_p = log_softmax(logits, 1); // [N, V]
        let ignored = match options.ignore_index {
            Some(value) => targets.clone().equal_scalar(value),
            None => targets.clone().lower_scalar(0),
        };
        let known = targets.mask_fill(ignored.clone(), 0);
        let written = log_p.clone().gather(1, known.reshape([count, 1])).reshape([count]);
        let generate = generate.reshape([count]);
        let p = generate.clone() * written.exp() + (generate.neg() + 1.0) * copied.reshape([count]);
        let nll = p.clamp_min(1e-20).log().neg().mask_fill(ignored.clone(), 0.0);
        let plain = nll.clone();
        let mut each = nll;
        let smoothing = options.label_smoothing;
        if smoothing > 0.0 {
            // The part of the smoothed target that is spread over the vocabulary goes to generation.
            let spread = log_p.mean_dim(1).reshape([count]).neg().mask_fill(ignored.clone(), 0.0);
            each = each * (1.0 - smoothing) + spread * smoothing;
        }
        let loss = match options.reduction {
            Reduction::Sum => each.sum(),
            Reduction::Mean => {
                let counted = ignored.bool_not().float().sum().clamp_min(1.0);
                each.sum() / counted
            }
        };
        CrossEntropy { loss, nll: plain.detach() }
    }
}

/// The steps of `[T, B, F]`, `[1, B, F]` each. By way of runs of some steps: the gradient of a slice is as
/// large as what it is cut from, and T of them as large as all would be T² steps.
fn one_by_one(x: &Tensor<3>) -> Vec<Tensor<3>> {
    let steps = x.dims()[0];
    let run = steps.isqrt().max(1);
    let mut all = Vec::with_capacity(steps);
    for first in (0..steps).step_by(run) {
        let count = run.min(steps - first);
        let part = x.clone().slice(s![first..first + count, .., ..]);
        all.extend((0..count).map(|step| part.clone().slice(s![step..=step, .., ..])));
    }
    all
}

/// The attention that lies on copies of each target, `[T, B]`.
fn copied(source: &Tensor<2, Int>, targets: &Tensor<2, Int>, weights: Tensor<3>) -> Tensor<2> {
    let shape @ [steps, batch, positions] = weights.dims();
    let source = source.clone().swap_dims(0, 1).reshape([1, batch, positions]);
    let targets = targets.clone().reshape([steps, batch, 1]);
    let same = source.expand(shape).equal(targets.expand(shape));
    (weights * same.float()).sum_dim(2).reshape([steps, batch])
}
