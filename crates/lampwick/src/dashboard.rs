//! `--tui`: burn-train's dashboard, fed by our loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger;
use burn::train::metric::{
    MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};
use lampwick::training::{Event, Observer};

use crate::numbers::{figure, rate};

/// The figures that have a chart, and whether higher is better.
const METRICS: [(&str, bool); 5] = [
    ("Loss", false),
    ("Perplexity", false),
    ("Learning rate", false),
    ("Gradient norm", false),
    ("Tokens per second", true),
];

/// Shows a run on burn-train's dashboard; `q` there stops the run as Ctrl-C does elsewhere.
pub(crate) struct Dashboard {
    renderer: TuiMetricsRendererWrapper,
    interrupter: Interrupter,
    interrupt: Arc<AtomicI32>,
    /// What to print once the dashboard has given the terminal back.
    kept: Vec<String>,
    epoch: u64,
    evaluating: bool,
}

impl Dashboard {
    /// Takes the terminal. `interrupt` gets SIGINT's number when the user asks to stop.
    pub(crate) fn new(interrupt: Arc<AtomicI32>) -> Self {
        let interrupter = Interrupter::new();
        let mut renderer = TuiMetricsRendererWrapper::new(interrupter.clone(), None);
        for (name, higher_is_better) in METRICS {
            let attributes = NumericAttributes { unit: None, higher_is_better };
            renderer.register_metric(MetricDefinition {
                metric_id: id(name),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: MetricAttributes::Numeric(attributes),
            });
        }
        Self { renderer, interrupter, interrupt, kept: Vec::new(), epoch: 0, evaluating: false }
    }

    /// Gives the terminal back, with the lines that the run wanted kept.
    pub(crate) fn finish(self) -> Vec<String> {
        self.kept
    }

    /// The raw terminal delivers no Ctrl-C: the dashboard's own `q` is passed on instead.
    fn pass_on_interruption(&self) {
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
        match event {
            Event::Started(started) => {
                self.renderer.start(0, 0, None, Some(&started.dir.display().to_string()));
            }
            Event::Step(step) => {
                if self.epoch != step.epoch {
                    self.epoch = step.epoch;
                    self.renderer.start(step.epochs as usize, step.epoch as usize, None, None);
                    self.renderer.start_split("train", step.steps_per_epoch as usize);
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
                    self.renderer.update_train(state(name, text, value));
                }
                self.renderer.update_split(step.step_in_epoch as usize);
            }
            Event::Evaluating { done, total } => {
                if !self.evaluating {
                    self.evaluating = true;
                    self.renderer.start_split("valid", *total);
                }
                self.renderer.update_split(*done);
            }
            Event::Validated(scored) => {
                self.evaluating = false;
                for (name, value) in [("Loss", scored.loss), ("Perplexity", scored.perplexity)] {
                    self.renderer.update_valid(state(name, figure(value), value));
                }
                self.renderer.end_split();
                self.epoch = 0; // the next step starts a split of its own
            }
            Event::Warning(warning) => self.kept.push(format!("warning: {warning}")),
            Event::Sample { text, last: true } => self.kept.push(format!("  {text}")),
            Event::Report { path } => self.kept.push(format!("report: {}", path.display())),
            _ => {}
        }
    }
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}

fn state(name: &str, text: String, value: f64) -> MetricState {
    let entry = SerializedEntry::new(text, value.to_string());
    MetricState::Numeric(MetricEntry::new(id(name), entry), Some(NumericEntry::Value(value)))
}
