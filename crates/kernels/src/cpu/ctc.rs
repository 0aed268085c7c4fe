//! Connectionist temporal classification: a sequence is a task.

use super::buffer::{Scratch, Shared};
use super::crew::Crew;
use super::layer::threads_for;
use super::softmax::{exponentials, log_softmax};

/// Sizes and operands.
pub(crate) struct Ctc<'a> {
    /// `[T, B, C]`.
    pub(crate) logits: &'a [f32],
    pub(crate) classes: usize,
    pub(crate) labels: &'a [Vec<usize>],
    pub(crate) lengths: &'a [usize],
    pub(crate) blank: usize,
}

impl Ctc<'_> {
    /// The losses `[B]` and where asked their gradients, `[T, B, C]`.
    pub(crate) fn run(&self, losses: &mut [f32], gradient: Option<&mut [f32]>) {
        let mut log_p = Scratch::new(self.logits.len());
        log_p.copy_from_slice(self.logits);
        log_softmax(&mut log_p, self.classes);
        let (losses, gradient) = (Shared::writing(losses), gradient.map(Shared::writing));
        // Some exponentials a state, each worth some multiplications.
        let states: usize = self.labels.iter().map(|labels| 2 * labels.len() + 1).sum();
        let steps = self.logits.len() / (self.lengths.len() * self.classes);
        let threads = threads_for(steps * (200 * states + 10 * self.lengths.len() * self.classes));
        Crew::run(threads, |crew| {
            crew.phase(self.lengths.len(), |sequence| {
                let loss = self.sequence(sequence, &log_p, gradient);
                // SAFETY: a sequence's own.
                unsafe { *losses.at(sequence) = loss as f32 };
            });
        });
    }

    fn sequence(&self, sequence: usize, log_p: &[f32], gradient: Option<Shared>) -> f64 {
        let (batch, length) = (self.lengths.len(), self.lengths[sequence]);
        let row = |t: usize| &log_p[(t * batch + sequence) * self.classes..][..self.classes];
        let states = 2 * self.labels[sequence].len() + 1;
        let label = |u: usize| match u % 2 {
            1 => self.labels[sequence][u / 2],
            _ => self.blank,
        };
        let skips = |u: usize| u >= 2 && u % 2 == 1 && label(u) != label(u - 2);
        // Forward variables (eq. 6 and 7), and from behind those that leave a step's own label out.
        let mut alpha = vec![f64::NEG_INFINITY; length * states];
        for t in 0..length {
            let (before, now) = alpha.split_at_mut(t * states);
            for (u, now) in now[..states].iter_mut().enumerate() {
                let from = if t == 0 {
                    if u < 2 { 0.0 } else { f64::NEG_INFINITY }
                } else {
                    let before = &before[(t - 1) * states..];
                    let next = if u >= 1 { before[u - 1] } else { f64::NEG_INFINITY };
                    let over = if skips(u) { before[u - 2] } else { f64::NEG_INFINITY };
                    log_sum([before[u], next, over])
                };
                *now = from + f64::from(row(t)[label(u)]);
            }
        }
        let ends = |u: usize| u + 2 >= states;
        let total = match length {
            0 if states == 1 => 0.0,
            0 => f64::NEG_INFINITY,
            _ => {
                let last = &alpha[(length - 1) * states..];
                let label = if states > 1 { last[states - 2] } else { f64::NEG_INFINITY };
                log_sum([last[states - 1], label, f64::NEG_INFINITY])
            }
        };
        let Some(gradient) = gradient else { return loss(total) };

        let steps = self.logits.len() / (batch * self.classes);
        // SAFETY: rows of this sequence, `C` long.
        let to = |t: usize| unsafe {
            let start = gradient.at((t * batch + sequence) * self.classes);
            std::slice::from_raw_parts_mut(start, self.classes)
        };
        if total == f64::NEG_INFINITY {
            (0..steps).for_each(|t| to(t).fill(0.0));
            return 0.0;
        }
        let mut beta: Vec<f64> =
            (0..states).map(|u| if ends(u) { 0.0 } else { f64::NEG_INFINITY }).collect();
        for t in (0..length).rev() {
            // eq. 16: the softmax less what each label is occupied with.
            let to = to(t);
            exponentials(row(t), 0.0, 1.0, to);
            for u in 0..states {
                let occupied = (alpha[t * states + u] + beta[u] - total).exp();
                to[label(u)] -= occupied as f32;
            }
            // What a state is worth one step earlier.
            let worth: Vec<f64> =
                (0..states).map(|u| beta[u] + f64::from(row(t)[label(u)])).collect();
            for (u, beta) in beta.iter_mut().enumerate() {
                let next = worth.get(u + 1).copied().unwrap_or(f64::NEG_INFINITY);
                let over =
                    if u + 2 < states && skips(u + 2) { worth[u + 2] } else { f64::NEG_INFINITY };
                *beta = log_sum([worth[u], next, over]);
            }
        }
        (length..steps).for_each(|t| to(t).fill(0.0));
        loss(total)
    }
}

/// Impossible labels cost nothing.
fn loss(total: f64) -> f64 {
    if total == f64::NEG_INFINITY { 0.0 } else { -total }
}

/// `ln Σ e^x`.
fn log_sum(x: [f64; 3]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + x.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}
