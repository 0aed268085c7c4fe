//! A training as `cargo xtask bench` times it, and the words that it is fed.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicI32;
use std::time::{Duration, Instant};

use lampwick::training::{self, Event, RunConfig, Step};
use tempfile::TempDir;

use super::protocol::Case;

/// Trains by `config`, below `folder`, each time that it is called; what is done is `tokens` a step.
pub(crate) fn timed_training<C: RunConfig + 'static>(
    config: C,
    folder: TempDir,
    tokens: usize,
) -> Case {
    let mut number = 0;
    Box::new(move || -> Result<(Duration, usize), Box<dyn Error>> {
        number += 1;
        let run: PathBuf = folder.path().join(format!("run-{number}"));
        // The first step warms up; a step's own time is from the one before it to it.
        let (mut first, mut last, mut taken) = (None, None, 0);
        let mut watch = |event: &Event<'_>| {
            if let Event::Step(Step { .. }) = event {
                let now = Instant::now();
                taken += usize::from(first.is_some());
                first = first.or(Some(now));
                last = Some(now);
            }
        };
        training::train(&config, &run, &AtomicI32::new(0), &mut watch)?;
        fs::remove_dir_all(&run)?;
        let time: Duration = first.zip(last).map(|(first, last)| last - first).ok_or("no step")?;
        Ok((time, taken * tokens))
    })
}

/// Lines of words drawn alike, each of them at least once, so that the vocabulary has its size.
pub(crate) fn random_words(words: usize, length: usize, lines: usize, seed: u64) -> String {
    let mut text = String::new();
    let mut random = seed;
    for n in 0..lines * length {
        // Knuth's linear congruential generator; its high bits will do for a benchmark.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = if n < words { n } else { (random >> 33) as usize % words };
        let end = if n % length == length - 1 { '\n' } else { ' ' };
        let _ = write!(text, "w{word}{end}");
    }
    text
}
