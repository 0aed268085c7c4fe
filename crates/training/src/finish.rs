//! What follows the last epoch: the test with the best weights, and the final samples.

use std::ops::ControlFlow;

use lampwick_data::{Tokenizer, TokenizerKind};
use lampwick_decoding::{GenerateOptions, Sampling, generate};
use lampwick_models::{Generator, LanguageModel};

use crate::checkpoint::Files;
use crate::error::Result;
use crate::logs::{self, Metric, SampleLine};
use crate::observer::Event;
use crate::prompt::{self, PromptError};
use crate::run::{Stream, seed_of};
use crate::snapshot;
use crate::train::{Outcome, Session, Summary};

/// Test, samples, summary. Nothing here changes the run's state, so a run killed meanwhile comes
/// here again and writes the same lines.
pub(crate) fn finish(session: &mut Session<'_>) -> Result<Outcome> {
    let weights = best_weights(session)?;
    let test = match session.run.corpus.test.clone() {
        None => None,
        Some(text) => match session.score(&weights, &text)? {
            None => {
                let signal = session.stop.load(std::sync::atomic::Ordering::Relaxed);
                return Ok(Outcome::Interrupted { signal, step: session.run.state.step });
            }
            scored => scored,
        },
    };
    if let Some(scored) = &test {
        session.logs.metric(&Metric::Test(scored.clone()))?;
        session.run.info.test_perplexity = Some(scored.perplexity);
        session.observer.event(&Event::Tested(scored));
    }
    sample(session, &weights, session.run.config.sampling.count, true)?;
    session.logs.sync()?;
    let state = &session.run.state;
    let seconds = session.pace.seconds();
    Ok(Outcome::Finished(Box::new(Summary {
        steps: state.step,
        epochs: state.valid_losses.len() as u64,
        seconds,
        tokens_per_second: state.tokens as f64 / seconds.max(1e-9),
        valid: logs::best_valid(&logs::read(&session.dir.path().join(logs::METRICS))?),
        test,
    })))
}

/// The weights of the best validation, from their checkpoint.
fn best_weights(session: &mut Session<'_>) -> Result<LanguageModel> {
    let run = &session.run;
    let Some(best) = &run.state.best else { return Ok(run.weights()) };
    if best.step == run.state.step {
        return Ok(run.weights()); // the last epoch was the best
    }
    let path = session.dir.checkpoints().join(&best.checkpoint);
    match Files::read(&path) {
        Ok(mut files) => snapshot::weights(&mut files, &run.config.model, &run.weights().device()),
        Err(error) => {
            let warning = format!("{error}; the last weights are tested instead of the best");
            let weights = run.weights();
            session.observer.event(&Event::Warning(&warning));
            Ok(weights)
        }
    }
}

/// Generates `count` texts into `samples.jsonl`.
pub(crate) fn sample(
    session: &mut Session<'_>,
    weights: &LanguageModel,
    count: usize,
    last: bool,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let run = &session.run;
    let (epoch, step) = (run.state.epoch, run.state.step);
    let c = &run.config.sampling;
    let tokenizer = &run.corpus.tokenizer;
    let start = prompt::encode(&c.prompt, tokenizer)?;
    let sampling = Sampling {
        temperature: c.temperature,
        top_k: (c.top_k > 0).then_some(c.top_k),
        top_p: (c.top_p < 1.0).then_some(c.top_p),
        seed: seed_of(run.config.seed, Stream::Samples),
    };
    let options = GenerateOptions {
        // The end's texts are others than those drawn after the last epoch.
        first_stream: if last { c.count_per_epoch as u64 } else { 0 },
        ..prompt::options(tokenizer, sampling, c.length, prompt::lines(tokenizer))
    };
    let prompts = vec![start; count];
    let generated =
        generate(&Generator::new(weights), &prompts, &options, |_| ControlFlow::Continue(()))
            .map_err(PromptError::from)?;
    for one in generated {
        let decoded = tokenizer.decode(&one.tokens);
        let text = format!("{}{}", join_prompt(&c.prompt, tokenizer), decoded.trim_end());
        session.logs.sample(&SampleLine { epoch, step, text: text.clone() })?;
        session.observer.event(&Event::Sample { text: &text, last });
    }
    Ok(())
}

fn join_prompt(prompt: &str, tokenizer: &Tokenizer) -> String {
    match tokenizer.kind() {
        TokenizerKind::Words if !prompt.is_empty() => format!("{} ", prompt.trim_end()),
        _ => prompt.to_string(),
    }
}
