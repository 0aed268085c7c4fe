//! What a run would take, without taking it: files, shapes, memory, speed. Leaves nothing behind.

use std::path::Path;
use std::time::Instant;

use crate::config::RunConfig;
use crate::error::Result;
use crate::observer::Event;
use crate::run::Run;
use crate::run_dir::RunDir;
use crate::task::Task;

/// The findings of [`dry_run`].
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// Trainable numbers.
    pub parameters: usize,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Tokens of the training, validation and test text.
    pub tokens: [usize; 3],
    /// Training tokens that fill no stream.
    pub tokens_cut_off: usize,
    /// What was left out of the data, or is otherwise worth a word.
    pub notes: Vec<String>,
    /// Steps of an epoch (expected, when window lengths are drawn).
    pub steps_per_epoch: u64,
    /// Steps of the run; 0 when the budget does not say.
    pub total_steps: u64,
    /// Estimated bytes: weights, gradients, optimiser state, averages, activations of one window,
    /// and texts that are held in memory.
    pub memory: u64,
    /// Seconds of one optimiser step, measured.
    pub seconds_per_step: f64,
    /// Training tokens per second, measured.
    pub tokens_per_second: f64,
    /// Estimated seconds of all training steps; evaluation comes on top.
    pub seconds: Option<f64>,
}

/// Reads the data, builds the model, and times two real steps on the real shapes (after one that
/// warms up). `dir` is where the run would go.
///
/// # Errors
/// Everything that would stop the run before its first step.
pub fn dry_run<C: RunConfig>(config: &C, dir: &Path) -> Result<DryRun> {
    config.try_out(dir)
}

/// [`dry_run`](fn@dry_run), compiled here for each task, not in every crate that calls it.
pub(crate) fn try_out<C: RunConfig>(config: &C, dir: &Path) -> Result<DryRun> {
    RunDir::expect_possible(dir)?;
    let mut run = Run::<C::Task>::build(config, None)?;
    run.start_from(&mut |_: &Event<'_>| {})?;
    let step = |run: &mut Run<C::Task>| -> u64 {
        let mut gradients = run.backward();
        if gradients.windows == 0 {
            run.task.start_epoch();
            gradients = run.backward();
        }
        let tokens = gradients.loss.1;
        if tokens > 0 {
            // Rate 0: the real work, and weights that stay.
            run.update(gradients, 0.0);
        }
        tokens
    };
    step(&mut run);
    let start = Instant::now();
    let mut tokens = 0;
    let mut steps = 0;
    for _ in 0..2 {
        let taken = step(&mut run);
        tokens += taken;
        steps += u32::from(taken > 0);
    }
    let seconds = start.elapsed().as_secs_f64();
    let seconds_per_step = if steps > 0 { seconds / f64::from(steps) } else { f64::NAN };
    let total_steps = run.total_steps;
    Ok(DryRun {
        notes: run.notes.clone(),
        parameters: run.info.parameters,
        vocabulary: run.info.vocabulary,
        tokens: ["train", "valid", "test"].map(|name| run.info.tokens(name)),
        tokens_cut_off: run.task.tokens_left_out(),
        steps_per_epoch: run.task.steps_per_epoch(),
        total_steps,
        memory: run.task.memory(run.info.parameters),
        seconds_per_step,
        tokens_per_second: if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 },
        seconds: (total_steps > 0 && steps > 0).then_some(total_steps as f64 * seconds_per_step),
    })
}
