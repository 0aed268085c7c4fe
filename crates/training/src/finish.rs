//! What follows the last epoch: the test with the best weights, and the final samples.

use crate::checkpoint::Files;
use crate::corpus::Part;
use crate::error::{Error, Result};
use crate::logs::{self, Metric, SampleLine};
use crate::observer::Event;
use crate::snapshot;
use crate::task::Task;
use crate::train::{Outcome, Session, Summary};

/// Test, samples, summary. Nothing here changes the run's state, so a run killed meanwhile comes
/// here again and writes the same lines.
pub(crate) fn finish<T: Task>(session: &mut Session<'_, T>) -> Result<Outcome> {
    let weights = best_weights(session)?;
    let mut test = None;
    if session.run.task.has(Part::Test) {
        test = session.score(&weights, Part::Test)?;
        if test.is_none() {
            let signal = session.stop.load(std::sync::atomic::Ordering::Relaxed);
            return Ok(Outcome::Interrupted { signal, step: session.run.state.step });
        }
    }
    if let Some(scored) = &test {
        session.logs.metric(&Metric::Test(scored.clone()))?;
        session.run.info.tested(scored);
        session.observer.event(&Event::Tested(scored));
    }
    sample(session, &weights, true)?;
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

/// The weights of the best validation, from their checkpoint. A test of any others would stand in the
/// logs as theirs.
fn best_weights<T: Task>(session: &Session<'_, T>) -> Result<T::Model> {
    let run = &session.run;
    let Some(best) = &run.state.best else { return Ok(run.weights()) };
    if best.step == run.state.step {
        return Ok(run.weights()); // the last epoch was the best
    }
    let path = session.dir.checkpoints().join(&best.checkpoint);
    match Files::read(&path) {
        Ok(mut files) => {
            let device = crate::device::parse(run.shared().device)?;
            snapshot::weights::<T>(&mut files, run.task.config(), &device)
        }
        Err(error) => {
            let (error, run) = (Box::new(error), session.dir.path().to_path_buf());
            Err(Error::BestLost { error, epoch: best.epoch, run })
        }
    }
}

/// Writes the task's texts into `samples.jsonl`.
pub(crate) fn sample<T: Task>(
    session: &mut Session<'_, T>,
    weights: &T::Model,
    last: bool,
) -> Result<()> {
    let (epoch, step) = (session.run.state.epoch, session.run.state.step);
    for text in session.run.task.samples(weights, last)? {
        session.logs.sample(&SampleLine { epoch, step, text: text.clone() })?;
        session.observer.event(&Event::Sample { text: &text, last });
    }
    Ok(())
}
