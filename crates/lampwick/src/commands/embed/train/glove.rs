//! `lampwick embed train --model glove`: text or counts to vectors.

use lampwick::embeddings::glove::{self, Entries, GloveSettings, Model};
use lampwick::embeddings::training::Checkpoint;
use lampwick::embeddings::{Lexicon, Source, Vectors, VocabularyLimits};
use lampwick::metrics::figures::count;
use serde_json::json;

use super::super::opened;
use super::super::progress::Stages;
use super::{Arguments, Report};
use crate::exit::Usage;

/// What came of it.
pub(super) enum Ended {
    Vectors(Box<Vectors>),
    /// Only counts were asked for.
    Counted,
    /// A signal came.
    Stopped(i32),
}

fn settings(arguments: &Arguments) -> anyhow::Result<GloveSettings> {
    let default = GloveSettings::default();
    let settings = GloveSettings {
        dim: arguments.dim.unwrap_or(default.dim),
        window: arguments.window.unwrap_or(default.window),
        symmetric: !arguments.asymmetric,
        x_max: arguments.x_max,
        alpha: arguments.alpha,
        lr: arguments.lr.unwrap_or(default.lr),
        epochs: arguments.epochs.unwrap_or(default.epochs),
        seed: arguments.seed,
        deterministic: arguments.deterministic,
        vocabulary: arguments.limits(),
        memory: arguments.memory,
        temporary: arguments.temporary(),
    };
    settings.validate().map_err(|error| Usage(error.to_string()))?;
    Ok(settings)
}

pub(super) fn run(arguments: &Arguments, stages: Stages, report: &Report) -> anyhow::Result<Ended> {
    let mut settings = settings(arguments)?;
    let checkpoint = arguments.checkpoint.as_ref().filter(|path| arguments.resume && path.exists());
    let resumed = checkpoint.map(|path| Model::read(Source::open(path)?)).transpose()?;
    let from = arguments.from.as_ref().filter(|_| resumed.is_none());
    let from = from.map(|path| Model::read(Source::open(path)?)).transpose()?;
    if let Some(resumed) = &resumed {
        let (memory, temporary) = (settings.memory, settings.temporary);
        settings = GloveSettings { memory, temporary, ..resumed.settings.clone() };
    } else if let (Some(from), None) = (&from, arguments.dim) {
        settings.dim = from.settings.dim;
    }
    let (vocabulary, counts) = match &arguments.counts_in[..] {
        [] => {
            // A shard keeps all words: which are frequent enough is known of the whole only. A resumed
            // training has its words.
            let known: Option<&Lexicon> =
                resumed.as_ref().or(from.as_ref()).map(|it| &it.vocabulary.words);
            let limits = match (&arguments.counts_out, &resumed) {
                (Some(_), _) => VocabularyLimits { min_count: 1, size: None },
                (None, Some(it)) => {
                    VocabularyLimits { min_count: 1, size: Some(it.vocabulary.len()) }
                }
                (None, None) => arguments.limits(),
            };
            let corpus = arguments.read(&limits, known, &stages, report)?;
            let counts = glove::count(&corpus, &settings, &stages)?;
            (corpus.vocabulary, counts)
        }
        shards => {
            let sources: Result<Vec<Source>, _> = shards.iter().map(Source::open).collect();
            glove::shards::read(sources?, &settings, &stages)?
        }
    };
    if let Some(path) = &arguments.counts_out {
        let (most, words) = (count(counts.most()), count(vocabulary.len() as u64));
        opened::write(path, |out| glove::shards::write(&vocabulary, counts, &settings, out))?;
        stages.finish();
        let line = format!("{}: {words} words, at most {most} pairs", path.display());
        report.tell(&line, &json!({}));
        return Ok(Ended::Counted);
    }
    let start = std::time::Instant::now();
    let entries = Entries::new(counts, &settings, &stages)?;
    let merged = start.elapsed().as_secs_f64();
    let mut model = match (resumed, from) {
        (Some(resumed), _) => {
            let resumed = resumed.resume(&entries)?;
            tell!("resumed at {:.1} %", 100.0 * resumed.share());
            resumed
        }
        (None, Some(from)) => {
            let fresh = vocabulary.len() - from.vocabulary.len();
            tell!("going on from another training: {} words are new", count(fresh as u64));
            Model::continue_from(&from, &vocabulary, &entries, &settings)?
        }
        (None, None) => Model::new(&vocabulary, &entries, &settings)?,
    };
    let left = 1.0 - model.share();
    let stages = arguments.safe(stages)?;
    let start = std::time::Instant::now();
    if !model.train(&entries, &stages)? {
        stages.finish();
        return Ok(Ended::Stopped(stages.signal().unwrap_or_default()));
    }
    stages.finish();
    let seconds = start.elapsed().as_secs_f64();
    // What a later --from goes on from: vectors alone are not enough.
    if let Some(path) = &arguments.checkpoint {
        opened::write(path, |out| model.write_checkpoint(out))?;
    }
    let all = entries.len();
    let speed = left * (all * model.settings.epochs as u64) as f64 / seconds;
    let line = format!(
        "{} counts, merged in {merged:.1} s; trained in {seconds:.1} s: {} a second",
        count(all),
        count(speed as u64)
    );
    report.tell(
        &line,
        &json!({"counts": all, "merge_seconds": merged, "seconds": seconds, "counts_per_second": speed}),
    );
    Ok(Ended::Vectors(Box::new(model.vectors()?)))
}
