//! The bar of a stage, on stderr; where that is no terminal, nothing but what is kept.

use indicatif::{ProgressBar, ProgressStyle};
use lampwick::ngram::{Progress, Stage};

/// Shows the stages of a computation.
pub(super) struct Stages {
    bar: ProgressBar,
}

impl Stages {
    pub(super) fn new() -> Self {
        Self { bar: ProgressBar::new(0) }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Stages {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        let template = match total {
            Some(_) => "{msg:<10} {bar:20} {percent} %  {eta} left",
            None => "{msg:<10} {spinner} {bytes}  {bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template).expect("templates that are tested");
        self.bar.reset();
        self.bar.set_style(style);
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_message(stage.name());
        tracing::info!("{}", stage.name());
    }

    fn at(&self, done: u64) {
        self.bar.set_position(done);
    }

    fn notice(&self, notice: &str) {
        self.bar.suspend(|| tell!("notice: {notice}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_bars() {
        let stages = Stages::new();
        stages.stage(Stage::Reading, None);
        stages.at(5);
        stages.stage(Stage::Estimating, Some(5));
        stages.at(5);
        stages.finish();
    }
}
