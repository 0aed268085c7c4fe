//! `--tui`: burn-train's dashboard, fed by our loop.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger;
use burn::train::metric::{
    MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};
use crossterm::cursor::Show;
use crossterm::event::DisableMouseCapture;
use crossterm::execute;
use crossterm::terminal::{Clear, ClearType, LeaveAlternateScreen, disable_raw_mode};
use lampwick::metrics::figures::{figure, rate};
use lampwick::training::{Event, Observer, Started, Step};

use crate::progress::{scored_text, validated_line};

/// The figures that have a chart, and whether higher is better.
const METRICS: [(&str, bool); 5] = [
    ("Loss", false),
    ("Perplexity", false),
    ("Learning rate", false),
    ("Gradient norm", false),
    ("Tokens per second", true),
];

/// Shows a run on burn-train's dashboard; `q` and then `s` stop the run there, as Ctrl-C does.
pub(crate) struct Dashboard {
    /// Takes the terminal when training begins: what goes wrong before is said on a plain one.
    renderer: Option<TuiMetricsRendererWrapper>,
    interrupter: Interrupter,
    interrupt: Arc<AtomicI32>,
    /// What to print once the dashboard has given the terminal back.
    kept: Vec<String>,
    epoch: u64,
    evaluating: bool,
}

/// Whether a dashboard has the terminal.
static HAS_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back for a program that ends at once, without the dashboard's own end.
pub(crate) fn give_terminal_back() {
    if HAS_TERMINAL.load(Ordering::SeqCst) {
        let _ = disable_raw_mode();
        let _ = execute!(std::io::stdout(), DisableMouseCapture, LeaveAlternateScreen, Show);
    }
}

/// Lets the terminal make a signal of Ctrl-C again, which burn-train's raw mode turns off, at a moment
/// of its own.
#[cfg(unix)]
fn deliver_signals() {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    /// _POSIX_VDISABLE: no key.
    const NONE: u8 = if cfg!(target_vendor = "apple") { 0xff } else { 0 };
    let stdin = std::io::stdin();
    if let Ok(mut modes) = tcgetattr(&stdin)
        && !modes.local_modes.contains(LocalModes::ISIG)
    {
        modes.local_modes.insert(LocalModes::ISIG);
        // Nobody would give the terminal back at Ctrl-Z and Ctrl-\: they stay keys.
        modes.special_codes[SpecialCodeIndex::VSUSP] = NONE;
        modes.special_codes[SpecialCodeIndex::VQUIT] = NONE;
        let _ = tcsetattr(&stdin, OptionalActions::Now, &modes);
    }
}

#[cfg(not(unix))]
fn deliver_signals() {}

/// How a run under the dashboard ended.
pub(crate) enum Watched<T> {
    /// By itself, or by `q` and `s`; with the lines that it wanted kept.
    Ended(T, Vec<String>),
    /// By `q` and `k`, in the middle of a step.
    Killed,
}

/// Runs `train` under a dashboard. `interrupt` gets SIGINT's number when the user asks to stop.
pub(crate) fn watch<T>(
    interrupt: Arc<AtomicI32>,
    train: impl FnOnce(&mut dyn Observer) -> T,
) -> Watched<T> {
    let mut dashboard = Dashboard::new(interrupt);
    // burn-train's `k` unwinds the thread that reports to it, once it has given the terminal back.
    match catch_unwind(AssertUnwindSafe(|| train(&mut dashboard))) {
        Ok(outcome) => Watched::Ended(outcome, dashboard.finish()),
        Err(panic)
            if panic.downcast_ref::<&str>().is_some_and(|text| text.contains("user input")) =>
        {
            std::mem::forget(dashboard); // its end would report once more, and unwind again
            // burn-train has a word of its own there, at a place that it has left again.
            let _ = execute!(std::io::stdout(), Clear(ClearType::FromCursorDown));
            Watched::Killed
        }
        Err(panic) => resume_unwind(panic),
    }
}

impl Dashboard {
    fn new(interrupt: Arc<AtomicI32>) -> Self {
        let interrupter = Interrupter::new();
        Self {
            renderer: None,
            interrupter,
            interrupt,
            kept: Vec::new(),
            epoch: 0,
            evaluating: false,
        }
    }

    /// Takes the terminal.
    fn start(&mut self, started: &Started) {
        // A resumed run's time left is that of the epochs to come.
        let epochs_done = started.step.checked_div(started.steps_per_epoch).unwrap_or(0);
        let mut renderer =
            TuiMetricsRendererWrapper::new(self.interrupter.clone(), Some(epochs_done as usize));
        HAS_TERMINAL.store(true, Ordering::SeqCst);
        for (name, higher_is_better) in METRICS {
            let attributes = NumericAttributes { unit: None, higher_is_better };
            renderer.register_metric(MetricDefinition {
                metric_id: id(name),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: MetricAttributes::Numeric(attributes),
            });
        }
        renderer.start(0, 0, None, Some(&started.dir.display().to_string()));
        self.renderer = Some(renderer);
    }

    /// Gives the terminal back, and the lines that the run wanted kept.
    fn finish(self) -> Vec<String> {
        drop(self.renderer);
        HAS_TERMINAL.store(false, Ordering::SeqCst);
        self.kept
    }

    /// Notes what will be printed once the terminal is given back.
    fn keep(&mut self, event: &Event<'_>) {
        match event {
            Event::Warning(warning) => self.kept.push(format!("warning: {warning}")),
            Event::Validated(scored) => self.kept.push(validated_line(scored)),
            Event::Tested(scored) => self.kept.push(format!("test: {}", scored_text(scored))),
            Event::Sample { text, last: true } => self.kept.push(format!("  {text}")),
            Event::Report { path } => self.kept.push(format!("report: {}", path.display())),
            _ => {}
        }
    }

    /// Ctrl-C is a signal here too, and the dashboard's own `q` and `s` are passed on.
    fn pass_on_interruption(&self) {
        if self.renderer.is_some() {
            deliver_signals();
        }
        if self.interrupter.should_stop() {
            let _ = self.interrupt.compare_exchange(
                0,
                signal_hook::consts::SIGINT,
                Ordering::SeqCst,
                Ordering::SeqCst,
            );
        }
    }
}

impl Observer for Dashboard {
    fn event(&mut self, event: &Event<'_>) {
        self.pass_on_interruption();
        self.keep(event);
        if let Event::Started(started) = event {
            self.start(started);
        }
        let Some(renderer) = &mut self.renderer else { return };
        match event {
            Event::Step(step) => {
                if self.epoch != step.epoch {
                    self.epoch = step.epoch;
                    renderer.start(epochs(step) as usize, step.epoch as usize, None, None);
                    renderer.start_split("train", step.steps_per_epoch as usize);
                }
                let texts = [
                    figure(step.loss),
                    figure(step.loss.exp()),
                    rate(step.lr),
                    figure(step.gradient_norm),
                    figure(step.tokens_per_second),
                ];
                let values = [
                    step.loss,
                    step.loss.exp(),
                    step.lr,
                    step.gradient_norm,
                    step.tokens_per_second,
                ];
                for (((name, _), text), value) in METRICS.iter().zip(texts).zip(values) {
                    renderer.update_train(state(name, text, value));
                }
                renderer.update_split(step.step_in_epoch as usize);
            }
            Event::Evaluating { done, total } => {
                if !self.evaluating {
                    self.evaluating = true;
                    renderer.start_split("valid", *total);
                }
                renderer.update_split(*done);
            }
            Event::Validated(scored) => {
                self.evaluating = false;
                for (name, value) in [("Loss", scored.loss), ("Perplexity", scored.perplexity)] {
                    renderer.update_valid(state(name, figure(value), value));
                }
                renderer.end_split();
                self.epoch = 0; // the next step starts a split of its own
            }
            _ => {}
        }
    }
}

/// Epochs of the run as far as its budget says, for a budget of steps those that they fill.
fn epochs(step: &Step) -> u64 {
    let by_steps = step.total_steps.div_ceil(step.steps_per_epoch.max(1));
    let budget = if step.epochs > 0 { step.epochs } else { by_steps };
    budget.max(step.epoch)
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}

fn state(name: &str, text: String, value: f64) -> MetricState {
    let entry = SerializedEntry::new(text, value.to_string());
    MetricState::Numeric(MetricEntry::new(id(name), entry), Some(NumericEntry::Value(value)))
}
