//! A synthetic language whose entropy is known exactly.
//!
//! Sentences such as `the dogs that chase the cat sleep .` come from a probabilistic grammar of bounded
//! depth (`grammar.rs`) with a hidden topic for each sentence, from which its nouns, verbs and
//! adjectives are drawn (`lexicon.rs`). To predict the next word well a model must learn what real
//! language asks for: number agreement across a relative clause, brackets that match, `if` that wants
//! its `then`, `does` that wants its `?`, and the topic.
//!
//! Unrolled, the grammar is a finite automaton (`automaton.rs`) and the source a hidden Markov model,
//! so the forward algorithm ([`Forward`]) gives P(word | words before) without approximation: the
//! cross-entropy that no model can beat on average, for any given text. Sentences are independent.
//!
//! The default language has 359 words and 11.3 tokens a sentence. Perplexities per word, `</s>`
//! included: uniform 359, best unigram 127, Kneser-Ney n-grams no better than 24 (trigrams, 370
//! thousand tokens of text: the rest of what there is to know lies further back), the source 10.96.

mod automaton;
mod forward;
mod grammar;
mod lexicon;

pub use forward::{Forward, SourceScore};

use std::io::{self, Write};

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};
use crate::tokenizer::Tokenizer;
use crate::tokens::Tokens;
use crate::vocabulary::{EOS, UNK, Vocabulary};
use automaton::Automaton;
use grammar::{Symbol, WordClass};

/// Which synthetic language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticConfig {
    /// Decides which words and topics are frequent. (The text has its own seed.)
    pub seed: u64,
    /// Topics, 1 to 8.
    pub topics: usize,
    /// The most words in each class (and topic), 1 or more; 8 is all.
    pub words: usize,
    /// How deep phrases may nest, 0 to 3. 0 leaves simple clauses only.
    pub depth: usize,
    /// Share of the open-class words drawn from the sentence's topic; the rest come from all topics.
    pub topic_strength: f64,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Self { seed: 1, topics: lexicon::TOPICS.len(), words: 8, depth: 2, topic_strength: 0.9 }
    }
}

/// The source: writes sentences, and knows how likely each is.
#[derive(Debug)]
pub struct SyntheticLanguage {
    automaton: Automaton,
    vocabulary: Vocabulary,
    /// P(topic).
    topics: Vec<f64>,
    /// P(word | class, topic), `[class][topic][word]` in one block.
    emissions: Vec<f64>,
}

/// The entropy of the source, estimated on a sample; each sentence's likelihood in it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntropyEstimate {
    /// Nats per token, `</s>` included.
    pub nats_per_token: f64,
    /// Standard error of that.
    pub standard_error: f64,
    /// Sentences in the sample.
    pub sentences: usize,
}

impl Default for SyntheticLanguage {
    fn default() -> Self {
        Self::new(&SyntheticConfig::default()).expect("the default is within its own limits")
    }
}

impl SyntheticLanguage {
    /// Builds the source.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a value outside its range.
    pub fn new(config: &SyntheticConfig) -> Result<Self> {
        let wrong = |key, value: String, mend| Err(DataError::Setting { key, value, mend });
        if !(1..=lexicon::TOPICS.len()).contains(&config.topics) {
            return wrong("synthetic.topics", config.topics.to_string(), "must be 1 to 8");
        }
        if config.words == 0 {
            return wrong("synthetic.words", "0".into(), "must be at least 1");
        }
        if config.depth > 3 {
            return wrong("synthetic.depth", config.depth.to_string(), "must be 0 to 3");
        }
        if !(0.0..=1.0).contains(&config.topic_strength) {
            let value = config.topic_strength.to_string();
            return wrong("synthetic.topic_strength", value, "must lie between 0 and 1");
        }
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let automaton = Automaton::new(Symbol::Sentence(config.depth));
        let lists: Vec<Vec<Vec<&str>>> =
            automaton.classes.iter().map(|&class| ranked_words(class, config, &mut rng)).collect();
        let vocabulary = vocabulary_of(&lists)?;
        let mut ranks: Vec<usize> = (0..config.topics).collect();
        ranks.shuffle(&mut rng);
        let topics = normalized(ranks.iter().map(|&rank| 1.0 / (rank + 4) as f64).collect());

        let mut emissions = Vec::with_capacity(lists.len() * config.topics * vocabulary.len());
        for topics in &lists {
            let own: Vec<_> = topics.iter().map(|words| zipf(words, &vocabulary)).collect();
            for topic in &own {
                emissions.extend((0..vocabulary.len()).map(|word| {
                    let all = own.iter().map(|topic| topic[word]).sum::<f64>() / own.len() as f64;
                    config.topic_strength * topic[word] + (1.0 - config.topic_strength) * all
                }));
            }
        }
        Ok(Self { automaton, vocabulary, topics, emissions })
    }

    /// The words, `<unk>` (which the source never writes) and `</s>` first.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// A words tokenizer over [`SyntheticLanguage::vocabulary`].
    pub fn tokenizer(&self) -> Tokenizer {
        Tokenizer::words(self.vocabulary.clone())
    }

    /// Writes one sentence, ids with `</s>` at the end.
    pub fn sentence(&self, rng: &mut impl Rng) -> Vec<u32> {
        let topic = draw(&self.topics, rng);
        let (mut state, mut words) = (0, Vec::new());
        loop {
            let edges: &[automaton::Edge] = &self.automaton.edges[state];
            if edges.is_empty() {
                return words;
            }
            let probabilities: Vec<f64> = edges.iter().map(|edge| edge.probability).collect();
            let edge = edges[draw(&probabilities, rng)];
            words.push(draw(self.emission(edge.class, topic), rng) as u32);
            state = edge.next as usize;
        }
    }

    /// Sentences without end, drawn by the seed.
    pub fn sentences(&self, seed: u64) -> impl Iterator<Item = Vec<u32>> + '_ {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        std::iter::repeat_with(move || self.sentence(&mut rng))
    }

    /// Whole sentences, at least `at_least` tokens of them. Give training and validation text
    /// different seeds.
    pub fn tokens(&self, at_least: usize, seed: u64) -> Tokens {
        let mut tokens = Vec::with_capacity(at_least + 64);
        for sentence in self.sentences(seed) {
            if tokens.len() >= at_least {
                break;
            }
            tokens.extend(sentence);
        }
        tokens.into()
    }

    /// Writes `sentences` sentences as text, one a line.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_text(&self, mut to: impl Write, sentences: usize, seed: u64) -> io::Result<()> {
        let tokenizer = self.tokenizer();
        for sentence in self.sentences(seed).take(sentences) {
            to.write_all(tokenizer.decode(&sentence).as_bytes())?;
        }
        Ok(())
    }

    /// Expected tokens in a sentence with its `</s>`, exact.
    pub fn mean_sentence_length(&self) -> f64 {
        self.automaton.mean_length()
    }

    /// Entropy rate by Monte Carlo over `sentences` sentences, as the ratio of the means of
    /// -ln P(sentence) and of its length.
    pub fn entropy_rate(&self, sentences: usize, seed: u64) -> EntropyEstimate {
        let scores: Vec<_> = self
            .sentences(seed)
            .take(sentences)
            .map(|sentence| self.score(&sentence.into()))
            .collect();
        let n = scores.len() as f64;
        let tokens = scores.iter().map(|score| score.tokens as f64).sum::<f64>();
        let rate = scores.iter().map(|score| score.nll).sum::<f64>() / tokens;
        // Standard error of a ratio of means (delta method).
        let residual = |score: &SourceScore| score.nll - rate * score.tokens as f64;
        let square = scores.iter().map(|score| residual(score).powi(2)).sum::<f64>();
        let standard_error = (square / (n - 1.0) / n).sqrt() / (tokens / n);
        EntropyEstimate { nats_per_token: rate, standard_error, sentences }
    }

    /// P(word | class, topic) by id.
    fn emission(&self, class: u32, topic: usize) -> &[f64] {
        let size = self.vocabulary.len();
        let row = class as usize * self.topics.len() + topic;
        &self.emissions[row * size..(row + 1) * size]
    }

    fn can_emit(&self, class: u32, word: u32) -> bool {
        (0..self.topics.len())
            .any(|topic| self.emission(class, topic).get(word as usize).is_some_and(|&p| p > 0.0))
    }
}

/// The words of a class for each topic, the most frequent first. The seed decides the order of open
/// classes; singular and plural forms are shuffled apart, so `dogs` may be frequent and `dog` rare.
fn ranked_words(
    class: WordClass,
    config: &SyntheticConfig,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<&'static str>> {
    let topic = |topic| {
        let mut words = grammar::words(class, topic);
        words.truncate(config.words);
        if class.is_open() {
            words.shuffle(rng);
        }
        words
    };
    (0..config.topics).map(topic).collect()
}

fn vocabulary_of(lists: &[Vec<Vec<&str>>]) -> Result<Vocabulary> {
    let mut words = vec![UNK.to_owned(), EOS.to_owned()];
    let mut seen: std::collections::HashSet<&str> = [UNK, EOS].into();
    for word in lists.iter().flatten().flatten() {
        if seen.insert(word) {
            words.push((*word).to_owned());
        }
    }
    Vocabulary::from_words(words, Vec::new(), Some(UNK), Some(EOS))
}

/// Zipf's law over a ranked list, flattened at its head: P ~ 1 / (rank + 2).
fn zipf(words: &[&str], vocabulary: &Vocabulary) -> Vec<f64> {
    let mut weights = vec![0.0; vocabulary.len()];
    for (rank, word) in words.iter().enumerate() {
        if let Some(id) = vocabulary.id(word) {
            weights[id as usize] = 1.0 / (rank + 2) as f64;
        }
    }
    normalized(weights)
}

fn normalized(weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// An index drawn by its probability.
fn draw(probabilities: &[f64], rng: &mut impl Rng) -> usize {
    let mut left: f64 = rng.random();
    let mut last = 0;
    for (index, probability) in probabilities.iter().enumerate() {
        if *probability > 0.0 {
            last = index;
            left -= probability;
            if left < 0.0 {
                break;
            }
        }
    }
    // Rounding may leave a rest beyond the last: it belongs to the last that is possible.
    last
}

#[cfg(test)]
mod tests;
