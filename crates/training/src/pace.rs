//! How fast a run goes, and how long it still takes.

use std::time::Instant;

/// Wall-clock time of a run over its sessions.
pub(crate) struct Pace {
    session: Instant,
    /// Seconds of the sessions before this one.
    before: f64,
    last: Instant,
    /// Tokens and seconds of training, those long past fading.
    recent: [f64; 2],
    steps: u64,
}

impl Pace {
    pub(crate) fn start(before: f64) -> Self {
        let now = Instant::now();
        Self { session: now, before, last: now, recent: [0.0; 2], steps: 0 }
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
        self.note(tokens as f64, seconds);
        self.rate()
    }

    /// A mean of rates would favour the fast steps: tokens and seconds fade alike.
    fn note(&mut self, tokens: f64, seconds: f64) {
        let keep = (-seconds / 10.0).exp();
        for (sum, new) in self.recent.iter_mut().zip([tokens, seconds]) {
            *sum = *sum * keep + new;
        }
    }

    /// Time that is no training (evaluation, checkpoints) does not slow the next step's figure.
    pub(crate) fn pause(&mut self) {
        self.last = Instant::now();
    }

    /// Tokens per second as last smoothed.
    pub(crate) fn rate(&self) -> f64 {
        let [tokens, seconds] = self.recent;
        if seconds > 0.0 { tokens / seconds } else { 0.0 }
    }

    /// Seconds for `steps` more, evaluation and checkpoints at this session's share.
    pub(crate) fn eta(&self, steps: u64) -> Option<f64> {
        let elapsed = self.session.elapsed().as_secs_f64();
        (self.steps > 0).then(|| elapsed / self.steps as f64 * steps as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_tokens_over_time_however_uneven_the_steps() {
        let mut pace = Pace::start(0.0);
        assert_eq!(pace.rate(), 0.0);
        // Fast steps of a millisecond and slow ones of nine: 200 tokens in ten milliseconds.
        for _ in 0..5000 {
            pace.note(100.0, 0.001);
            pace.note(100.0, 0.009);
        }
        assert!((pace.rate() / 20_000.0 - 1.0).abs() < 0.01, "{}", pace.rate());
        // What is ten times as fast shows after half a minute.
        for _ in 0..300 {
            pace.note(20_000.0, 0.1);
        }
        assert!((pace.rate() / 200_000.0 - 1.0).abs() < 0.05, "{}", pace.rate());
    }
}
