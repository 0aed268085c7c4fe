//! How fast a run goes, and how long it still takes.

use std::time::Instant;

/// Wall-clock time of a run over its sessions.
pub(crate) struct Pace {
    session: Instant,
    /// Seconds of the sessions before this one.
    before: f64,
    last: Instant,
    rate: Option<f64>,
    steps: u64,
}

impl Pace {
    pub(crate) fn start(before: f64) -> Self {
        let now = Instant::now();
        Self { session: now, before, last: now, rate: None, steps: 0 }
    }

    /// Seconds of all sessions.
    pub(crate) fn seconds(&self) -> f64 {
        self.before + self.session.elapsed().as_secs_f64()
    }

    /// Notes a step of `tokens`; returns tokens per second, smoothed over some ten seconds.
    pub(crate) fn step(&mut self, tokens: u64) -> f64 {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64().max(1e-9);
        self.last = now;
        self.steps += 1;
        let rate = tokens as f64 / seconds;
        let weight = 1.0 - (-seconds / 10.0).exp();
        // A plain mean of the first steps: the first alone is slow and would linger.
        let weight = weight.max(1.0 / self.steps as f64);
        let smoothed = self.rate.map_or(rate, |old| old + weight * (rate - old));
        self.rate = Some(smoothed);
        smoothed
    }

    /// Time that is no training (evaluation, checkpoints) does not slow the next step's figure.
    pub(crate) fn pause(&mut self) {
        self.last = Instant::now();
    }

    /// Tokens per second as last smoothed.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.unwrap_or(0.0)
    }

    /// Seconds for `steps` more, evaluation and checkpoints at this session's share.
    pub(crate) fn eta(&self, steps: u64) -> Option<f64> {
        let elapsed = self.session.elapsed().as_secs_f64();
        (self.steps > 0).then(|| elapsed / self.steps as f64 * steps as f64)
    }
}
