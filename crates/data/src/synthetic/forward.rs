//! The forward algorithm: what the source itself predicts for the next word.

use serde::{Deserialize, Serialize};

use super::SyntheticLanguage;
use crate::tokens::Tokens;

/// How well the source itself predicts a text: no model can do better on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceScore {
    /// Negative log-likelihood in nats; infinite when the source cannot write the text.
    pub nll: f64,
    /// Tokens scored, each `</s>` included.
    pub tokens: u64,
}

impl SourceScore {
    /// Entropy of the text under its source, in nats per token.
    pub fn nats_per_token(&self) -> f64 {
        self.nll / self.tokens as f64
    }

    /// The same in bits per token.
    pub fn bits_per_token(&self) -> f64 {
        self.nats_per_token() / std::f64::consts::LN_2
    }

    /// The perplexity of the source: e to the nats per token.
    pub fn perplexity(&self) -> f64 {
        self.nats_per_token().exp()
    }
}

/// The belief over the hidden state (grammar state q and topic z) after the words read so far.
///
/// Rabiner (1989), equations 19 and 20, with words on the edges and rescaled at each word:
///
/// ```text
/// a'(q', z) = sum over q, edges (q -> q', class c):  a(q, z) P(c, q' | q) P(w | c, z)
/// P(w | words before) = sum over q', z: a'(q', z);   a = a' / P(w | words before)
/// ```
#[derive(Clone, Debug)]
pub struct Forward<'a> {
    language: &'a SyntheticLanguage,
    /// Grammar states that are possible, each with its probabilities by topic; sums to 1.
    belief: Vec<(u32, Vec<f64>)>,
}

impl SyntheticLanguage {
    /// The belief at the beginning of a sentence.
    pub fn forward(&self) -> Forward<'_> {
        Forward { language: self, belief: vec![(0, self.topics.clone())] }
    }

    /// Scores a text in ids of [`SyntheticLanguage::vocabulary`], which must begin with a sentence.
    pub fn score(&self, tokens: &Tokens) -> SourceScore {
        let mut forward = self.forward();
        let nll = tokens.iter().map(|token| -forward.advance(token).ln()).sum();
        SourceScore { nll, tokens: tokens.len() as u64 }
    }

    /// Scores sentences given as words; each `</s>` is written out.
    ///
    /// ```
    /// let language = lampwick_data::SyntheticLanguage::default();
    /// let good = language.score_words("the dogs that chase the cat sleep . </s>".split(' '));
    /// let bad = language.score_words("the dogs that chase the cat sleeps . </s>".split(' '));
    /// assert!(good.nll < 60.0 && bad.nll == f64::INFINITY);
    /// ```
    pub fn score_words<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> SourceScore {
        let ids = words.into_iter().map(|word| self.vocabulary.id_or_unk(word).unwrap_or(0));
        self.score(&ids.collect::<Vec<_>>().into())
    }
}

impl Forward<'_> {
    /// P(w | the words before) for every id of the vocabulary; sums to 1 (to 0 after an impossible
    /// word, until the next `</s>`).
    pub fn probabilities(&self) -> Vec<f64> {
        let mut next = vec![0.0; self.language.vocabulary.len()];
        for (state, topics) in &self.belief {
            for edge in &self.language.automaton.edges[*state as usize] {
                for (topic, belief) in topics.iter().enumerate() {
                    let words = self.language.emission(edge.class, topic);
                    for (next, word) in next.iter_mut().zip(words) {
                        *next += belief * edge.probability * word;
                    }
                }
            }
        }
        next
    }

    /// Reads a word and returns P(word | the words before): 0 for a word that cannot come here. `</s>`
    /// begins the next sentence.
    pub fn advance(&mut self, word: u32) -> f64 {
        let language = self.language;
        let mut after: Vec<(u32, Vec<f64>)> = Vec::new();
        for (state, topics) in &self.belief {
            for edge in &language.automaton.edges[*state as usize] {
                if !language.can_emit(edge.class, word) {
                    continue;
                }
                let joint = topics.iter().enumerate().map(|(topic, belief)| {
                    belief * edge.probability * language.emission(edge.class, topic)[word as usize]
                });
                match after.iter_mut().find(|(state, _)| *state == edge.next) {
                    Some((_, sums)) => sums.iter_mut().zip(joint).for_each(|(sum, p)| *sum += p),
                    None => after.push((edge.next, joint.collect())),
                }
            }
        }
        let probability: f64 = after.iter().flat_map(|(_, topics)| topics).sum();
        self.belief = if Some(word) == language.vocabulary.eos_id() {
            vec![(0, language.topics.clone())]
        } else {
            for value in after.iter_mut().flat_map(|(_, topics)| topics) {
                *value /= probability;
            }
            after
        };
        probability
    }
}
