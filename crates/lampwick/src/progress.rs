//! What is shown while a model trains: one line that moves on a terminal, plain lines elsewhere.
//!
//! The moving line is on stderr. What a user will want to keep (each epoch's validation, samples,
//! the result) goes to stdout, unless `--json` needs stdout for itself.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lampwick::metrics::figures::{clock, count, figure, rate};
use lampwick::training::{Event, Observer, Scored, Started, Step};

/// Seconds between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Shows a run as it goes.
pub(crate) struct Progress {
    /// Hidden where stderr is no terminal.
    bar: ProgressBar,
    /// When the last plain line was written.
    last_line: Option<Instant>,
    /// Whether what is to be kept goes to stdout.
    to_stdout: bool,
    /// Whether one of the last samples was shown.
    sampled: bool,
}

impl Progress {
    /// `to_stdout`: whether stdout takes the lines that are to be kept.
    pub(crate) fn new(to_stdout: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        // Wide: cut at the terminal's edge, for a line that wraps leaves its first half behind.
        bar.set_style(
            ProgressStyle::with_template("{bar:20} {wide_msg}").expect("a template that is tested"),
        );
        Self { bar, last_line: None, to_stdout, sampled: false }
    }

    /// A line to keep. Neither a reader that went away nor a full disk stops the training.
    pub(crate) fn keep(&self, line: &str) {
        self.beside_the_bar(|| {
            if !self.to_stdout {
                tell!("{line}");
            } else if let Err(error) = writeln!(std::io::stdout(), "{line}")
                && error.kind() != ErrorKind::BrokenPipe
            {
                tell!("warning: stdout cannot be written ({error}); it should have got: {line}");
            }
        });
    }

    fn note(&self, line: &str) {
        self.beside_the_bar(|| tell!("{line}"));
    }

    /// Takes the moving line away while something is written; where none moves, that would draw it.
    fn beside_the_bar(&self, write: impl FnOnce()) {
        let moves = self.bar.length().is_some() && !self.bar.is_finished();
        if moves { self.bar.suspend(write) } else { write() }
    }

    /// Ends what the moving line says of an evaluation: samples and the next epoch come.
    fn evaluated(&self) {
        if self.bar.length().is_some() && !self.bar.is_finished() {
            self.bar.set_message("");
        }
    }

    /// Takes the moving line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn step(&mut self, step: &Step) {
        let line = step_line(step);
        if !self.bar.is_hidden() {
            // By the budget where it says; else by the epoch.
            let (done, all) = match step.total_steps {
                0 => (step.step_in_epoch, step.steps_per_epoch),
                total => (step.step, total),
            };
            self.bar.set_length(all);
            self.bar.set_position(done);
            self.bar.set_message(line);
        } else if self.last_line.is_none_or(|last| last.elapsed() >= PLAIN_EVERY) {
            self.last_line = Some(Instant::now());
            self.note(&line);
        }
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started(started) => self.keep(&start_line(started)),
            Event::Warning(warning) => self.note(&format!("warning: {warning}")),
            Event::Step(step) => self.step(step),
            Event::Evaluating { done, total } => {
                self.bar.set_length(*total as u64);
                self.bar.set_position(*done as u64);
                self.bar.set_message("evaluating");
            }
            Event::Validated(scored) => {
                self.evaluated();
                self.keep(&validated_line(scored));
            }
            Event::AveragingStarted => self.keep("averaging the weights from here on"),
            Event::Sample { text, last: false } => self.keep(&format!("  sample: {text}")),
            Event::Sample { text, last: true } => {
                if !self.sampled {
                    self.sampled = true;
                    self.keep("what it writes:");
                }
                self.keep(&format!("  {text}"));
            }
            Event::Tested(scored) => {
                self.evaluated();
                self.keep(&format!("test: {}", scored_text(scored)));
            }
            Event::Checkpoint { path } => tracing::info!("checkpoint {}", path.display()),
            Event::Report { path } => self.keep(&format!("report: {}", path.display())),
            _ => {}
        }
    }
}

/// What is trained on what.
fn start_line(started: &Started) -> String {
    let Started { dir, parameters, device, vocabulary, train_tokens, steps_per_epoch, .. } =
        started;
    let mut line = format!(
        "{}: {} parameters on {device}, vocabulary {}, {} training tokens, {} steps an epoch",
        dir.display(),
        count(*parameters as u64),
        count(*vocabulary as u64),
        count(*train_tokens as u64),
        count(*steps_per_epoch),
    );
    if let Some(bits) = started.source_entropy_bits {
        line += &format!(
            "\nthe source's own entropy: {bits:.3} bits a token, a perplexity of {}",
            figure(bits.exp2())
        );
    }
    if started.step > 0 {
        line += &format!("\nresumed after step {}", count(started.step));
    }
    line
}

/// The one progress line.
fn step_line(step: &Step) -> String {
    let epoch = match step.epochs {
        0 => format!("epoch {}", step.epoch),
        epochs => format!("epoch {}/{epochs}", step.epoch),
    };
    let left = step.eta_seconds.map_or_else(String::new, |left| format!("  {} left", clock(left)));
    format!(
        "{epoch}  step {}  loss {:.3}  perplexity {}  {} tokens/s{left}  lr {}  gradient {:.2}",
        count(step.step),
        step.loss,
        figure(step.epoch_loss.exp()),
        count(step.tokens_per_second as u64),
        rate(step.lr),
        step.gradient_norm,
    )
}

/// How an epoch went.
pub(crate) fn validated_line(scored: &Scored) -> String {
    let mut line = format!("epoch {}: valid {}", scored.epoch, scored_text(scored));
    if let Some(loss) = scored.train_loss {
        line += &format!("; train {}", figure(loss.exp()));
    }
    if scored.best == Some(true) {
        line += "; best so far";
    }
    line
}

/// A perplexity with all that it must be stated with.
pub(crate) fn scored_text(scored: &Scored) -> String {
    let mut text = scored.quality.as_ref().map_or(String::new(), |q| format!("{q}, "));
    text += &format!(
        "perplexity {} per {} ({} scored, {} OOV)",
        figure(scored.perplexity),
        scored.unit,
        count(scored.scored),
        count(scored.oov)
    );
    if let Some(bits) = scored.bits_above_source {
        text += &format!(", {bits:.3} bits above the source");
    }
    text
}
