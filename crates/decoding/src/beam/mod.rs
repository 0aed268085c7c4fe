//! Beam search.
//!
//! At each step every hypothesis of a beam is continued by every token, and the `K` likeliest that
//! do not end go on. Those that end among the `K` likeliest of all are finished; they take no place
//! from the others. Where a target has its greatest length, nothing but its end can follow, and every
//! hypothesis ends that may. The best finished ones by [`Scoring`] are the result. A beam of one, or a
//! group of one, is greedy: it ends where its end is the likeliest, whatever a penalty would say of more.
//!
//! The search of a sentence stops as soon as nothing that it holds can still enter its result. What
//! can be reached is bounded from above for each penalty, by the length that the sentence may have
//! at most; so stopping is not a heuristic: the result is that of going on to the limit.
//!
//! - `sentence`: one sentence's beam, step by step;
//! - `group`, `history`: what it holds, and what it has held, as a tree;
//! - `offer`: what may come next, in which order;
//! - `deal`: the order where phrases are required.

mod deal;
mod group;
mod history;
mod offer;
mod sentence;

use lampwick_models::NextToken;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::sentence::{Search, SentenceBeam};
use crate::error::DecodingError;
use crate::hypothesis::Hypothesis;
use crate::penalties::{Bounds, Scoring};
use crate::sentence::{Rules, Sentence};

/// How wide is searched, and what is best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BeamOptions {
    /// `K`: hypotheses that go on at each step; 1 is greedy.
    pub width: usize,
    /// Hypotheses that each sentence gets at most, at most `width`: there may be fewer that end.
    pub n_best: usize,
    /// Diverse beam search (Vijayakumar et al. 2016, section 3): the beam in this many equal groups,
    /// searched one after the other at each step.
    pub groups: usize,
    /// What a token costs a group, in nats, for each time that an earlier group has chosen it at
    /// this step (the paper's Hamming diversity); ends cost nothing. It decides what goes on, and is
    /// no part of any score.
    pub diversity: f64,
    /// By which finished hypotheses are compared.
    pub scoring: Scoring,
    /// Searches on to the limit where nothing can change any more: the same result, later.
    pub exhaustive: bool,
}

impl Default for BeamOptions {
    /// The best of a beam of 5, by log-probability alone.
    fn default() -> Self {
        Self {
            width: 5,
            n_best: 1,
            groups: 1,
            diversity: 0.5,
            scoring: Scoring::default(),
            exhaustive: false,
        }
    }
}

/// The widest beam: the places of a sentence are numbered by 32 bits.
const WIDEST: usize = 1 << 16;

impl BeamOptions {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that makes no sense.
    pub fn validate(&self) -> Result<(), DecodingError> {
        let Self { width, n_best, groups, diversity, .. } = *self;
        if width == 0 || width > WIDEST {
            return Err(DecodingError::BeamWidth(width));
        }
        if n_best == 0 || n_best > width {
            return Err(DecodingError::NBest { n_best, width });
        }
        if groups == 0 || !width.is_multiple_of(groups) {
            return Err(DecodingError::Groups { groups, width });
        }
        if !(diversity.is_finite() && diversity >= 0.0) {
            return Err(DecodingError::Diversity(diversity));
        }
        self.scoring.validate()
    }
}

/// Log-probabilities of one step from which on sentences are worked on in parallel: half a
/// millisecond's work, which outweighs waking the other threads.
const PARALLEL: usize = 1 << 21;

/// The best targets of each sentence, best first, all different: as many as asked for where so many
/// end, and at least one, which is unfinished only where none ends.
///
/// `state` is the model's state of the sentences, of which no target token was read:
/// [`NextToken::start`] of a language model, the encoded sources of an encoder-decoder. A sentence
/// that is done leaves the batch. No sentence's result depends on the others.
///
/// # Errors
///
/// When an option or a sentence makes no sense, a prefix has no probability, a penalty or the rules
/// ask for attention that the model does not have, or the model gives no probability at all.
pub fn beam_search<M: NextToken>(
    model: &M,
    mut state: M::State,
    sentences: &[Sentence],
    rules: &Rules,
    options: &BeamOptions,
) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
    options.validate()?;
    let vocabulary = model.vocabulary_size();
    let common = rules.common_phrases(vocabulary)?;
    let asked = rules.asked(sentences, &common, vocabulary)?;
    let longest = asked.iter().map(|asked| asked.max).max().unwrap_or(0) + 1;
    let bounds = Bounds::new(options.scoring, longest);
    let search = Search { rules, common: &common, options, bounds: &bounds, vocabulary };
    let beams = asked.into_iter().enumerate();
    let beams: Result<Vec<_>, _> =
        beams.map(|(index, asked)| SentenceBeam::new(index, asked, &search)).collect();
    let mut beams = beams?;
    let mut tokens = vec![rules.start; beams.len()];
    let (mut rows, mut log_probs) = (Vec::new(), Vec::new());
    while !tokens.is_empty() {
        state = model.next(&tokens, state, &mut log_probs);
        let attention = search.attends().then(|| model.attention(&state));
        let attention = match attention {
            Some(None) => return Err(DecodingError::NoAttention),
            given => given.flatten(),
        };
        let (mut first, mut rest) = (0, &mut log_probs[..]);
        let mut steps = Vec::with_capacity(beams.len());
        for beam in beams.iter_mut().filter(|beam| !beam.rows.is_empty()) {
            let (own, others) = rest.split_at_mut(beam.rows.len() * vocabulary);
            let first_row = first;
            first += beam.rows.len();
            rest = others;
            steps.push(move || beam.step(&search, first_row, own, attention));
        }
        if tokens.len() * vocabulary < PARALLEL {
            steps.into_iter().try_for_each(|mut step| step())?;
        } else {
            let results: Vec<_> = steps.into_par_iter().map(|mut step| step()).collect();
            results.into_iter().collect::<Result<(), _>>()?;
        }
        rows.clear();
        let before = tokens.len();
        tokens.clear();
        for beam in &beams {
            rows.extend(beam.rows.iter().map(|row| row.parent));
            tokens.extend(beam.rows.iter().map(|row| row.token));
        }
        // Nothing to move where each row goes on as itself.
        let still = rows.len() == before && rows.iter().enumerate().all(|(at, &row)| at == row);
        if !still && !rows.is_empty() {
            state = model.select(&state, &rows);
        }
    }
    Ok(beams.iter().map(|beam| beam.hypotheses(&search)).collect())
}
