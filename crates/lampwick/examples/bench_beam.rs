//! What a step of beam search costs beside the model's own: a model of one LSTM and 10,000 words,
//! never stopped early.
//!
//! ```sh
//! cargo run --release --example bench_beam
//! ```
//!
//! Prints, for each number of sentences and each width of the beam, milliseconds a step inside the
//! model (products, softmax), in selecting its states, and in the search.

use std::cell::Cell;
use std::error::Error;
use std::time::{Duration, Instant};

use burn::prelude::*;
use lampwick::decoding::{BeamOptions, Lengths, Rules, Sentence, beam_search};
use lampwick::models::{Generator, LanguageModelConfig, NextToken};

const STEPS: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let config = LanguageModelConfig {
        vocabulary: 10_000,
        embedding: 512,
        hidden: 512,
        layers: 1,
        ..LanguageModelConfig::default()
    };
    let model = Generator::new(&config.init(1, &Device::flex())?);
    println!("sentences  beam   model  select  search   (ms a step)");
    for (sentences, width) in [(1, 5), (8, 5), (32, 5), (32, 1), (1, 50)] {
        let timed = Timed { model: &model, next: Cell::default(), select: Cell::default() };
        let rules =
            Rules { start: 1, end: 0, lengths: Lengths::between(STEPS, STEPS), ..Rules::default() };
        let options = BeamOptions { width, exhaustive: true, ..BeamOptions::default() };
        let asked = vec![Sentence::default(); sentences];
        let run = || beam_search(&timed, timed.start(sentences), &asked, &rules, &options);
        run()?;
        timed.next.take();
        timed.select.take();
        let start = Instant::now();
        run()?;
        let whole = start.elapsed();
        let (next, select) = (timed.next.get(), timed.select.get());
        let per_step = |time: Duration| time.as_secs_f64() * 1e3 / (STEPS + 1) as f64;
        println!(
            "{sentences:9}  {width:4}  {:6.3}  {:6.3}  {:6.3}",
            per_step(next),
            per_step(select),
            per_step(whole - next - select)
        );
    }
    Ok(())
}

/// Counts the time spent in a model.
struct Timed<'a> {
    model: &'a Generator,
    next: Cell<Duration>,
    select: Cell<Duration>,
}

impl NextToken for Timed<'_> {
    type State = <Generator as NextToken>::State;

    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn start(&self, batch: usize) -> Self::State {
        self.model.start(batch)
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        let start = Instant::now();
        let state = self.model.next(tokens, state, log_probs);
        self.next.set(self.next.get() + start.elapsed());
        state
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        let start = Instant::now();
        let state = self.model.select(state, indices);
        self.select.set(self.select.get() + start.elapsed());
        state
    }
}
