//! `lampwick embed train --model glove`: text or counts to vectors.

use std::path::Path;

use lampwick::embeddings::corpus::Ties;
use lampwick::embeddings::glove::{self, Entries, GloveSettings, Model};
use lampwick::embeddings::training::Checkpoint;
use lampwick::embeddings::{Lexicon, Source, VocabularyLimits};
use lampwick::metrics::figures::{count, counted};
use serde_json::json;

use super::super::opened;
use super::super::progress::Stages;
use super::checks::{tell_unheard, unheard};
use super::{Arguments, Ended, Report};
use crate::commands::memory;
use crate::exit::Usage;

/// What is not asked for is as in `from`.
fn settings(arguments: &Arguments, from: Option<&GloveSettings>) -> anyhow::Result<GloveSettings> {
    let default = GloveSettings::default();
    let half = || memory::parse("50%").map_err(|problem| Usage(format!("--memory: {problem}")));
    let memory = arguments.memory.map_or_else(half, Ok)?;
    let from = from.unwrap_or(&default);
    let settings = GloveSettings {
        dim: arguments.dim.unwrap_or(from.dim),
        window: arguments.window.unwrap_or(from.window),
        symmetric: from.symmetric && !arguments.asymmetric,
        x_max: arguments.x_max.unwrap_or(from.x_max),
        alpha: arguments.alpha.unwrap_or(from.alpha),
        lr: arguments.lr.unwrap_or(from.lr),
        epochs: arguments.epochs.unwrap_or(from.epochs),
        seed: arguments.seed.unwrap_or(from.seed),
        deterministic: arguments.deterministic,
        vocabulary: VocabularyLimits { ties: Ties::Bytes, ..arguments.limits(&from.vocabulary) },
        memory,
        temporary: arguments.temporary(),
    };
    settings.validate().map_err(|error| Usage(error.to_string()))?;
    Ok(settings)
}

/// The first word of each line of a file.
fn first_words(path: &Path) -> anyhow::Result<Lexicon> {
    let lines = opened::lines(path)?;
    let first = |line: &'_ Vec<u8>| -> Option<Vec<u8>> {
        lampwick::ngram::words::split(line).next().map(<[u8]>::to_vec)
    };
    let words: Vec<Vec<u8>> = lines.iter().filter_map(first).collect();
    if words.is_empty() {
        anyhow::bail!("{}: holds no words; give a file with one a line", path.display());
    }
    Ok(words.iter().map(Vec::as_slice).collect())
}

pub(super) fn run(arguments: &Arguments, stages: Stages, report: &Report) -> anyhow::Result<Ended> {
    let resumed = arguments.resumed();
    let resumed = resumed.map(|path| Model::read(Source::open(path)?)).transpose()?;
    let from = arguments.from.as_ref().filter(|_| resumed.is_none());
    let from = from.map(|path| Model::read(Source::open(path)?)).transpose()?;
    let mut settings = settings(arguments, from.as_ref().map(|from| &from.settings))?;
    if let Some(from) = &from {
        from.expect_continues(&settings)?;
    }
    if let Some(resumed) = &resumed {
        let held = &resumed.settings;
        let mut all = arguments.unheard(
            [held.dim, held.window, held.epochs],
            held.lr,
            held.seed,
            &held.vocabulary,
        );
        all.push(unheard("--x-max", arguments.x_max, &held.x_max));
        all.push(unheard("--alpha", arguments.alpha, &held.alpha));
        let deterministic = arguments.deterministic.then_some(true);
        all.push(unheard("--deterministic", deterministic, &held.deterministic));
        let asymmetric = arguments.asymmetric.then_some(true);
        all.push(unheard("--asymmetric", asymmetric, &!held.symmetric));
        tell_unheard(all);
        let (memory, temporary) = (settings.memory, settings.temporary);
        settings = GloveSettings { memory, temporary, ..resumed.settings.clone() };
    }
    let (vocabulary, counts) = match &arguments.counts_in[..] {
        [] => {
            // A shard keeps all words: which are frequent enough is known of the whole only. A resumed
            // training has its words.
            let given = arguments.vocabulary.as_deref().map(first_words).transpose()?;
            let every =
                VocabularyLimits { min_count: 1, size: None, ..settings.vocabulary.clone() };
            let only =
                |words: &Lexicon| VocabularyLimits { size: Some(words.len()), ..every.clone() };
            let limits = match (&given, &arguments.counts_out, &resumed) {
                (Some(words), ..) => only(words),
                (None, Some(_), _) => every,
                (None, None, Some(it)) => only(&it.vocabulary.words),
                (None, None, None) => settings.vocabulary.clone(),
            };
            let trained = resumed.as_ref().or(from.as_ref()).map(|it| &it.vocabulary.words);
            let known: Option<&Lexicon> = given.as_ref().or(trained);
            let corpus = arguments.read(&limits, known, &stages, report)?;
            let counts = glove::count(&corpus, &settings, &stages)?;
            (corpus.vocabulary, counts)
        }
        shards => {
            let again = shards.iter().enumerate().find(|(at, path)| shards[..*at].contains(path));
            if let Some((_, path)) = again {
                tell!("notice: {}: is given twice, so that its counts count twice", path.display());
            }
            let sources: Result<Vec<Source>, _> = shards.iter().map(Source::open).collect();
            glove::shards::read(sources?, &settings, &stages)?
        }
    };
    if let Some(path) = &arguments.counts_out {
        let most = counted(counts.most(), "pair");
        let words = counted(vocabulary.len() as u64, "word");
        opened::write(path, |out| glove::shards::write(&vocabulary, &counts, &settings, out))?;
        stages.finish();
        let line = format!("{}: {words}, at most {most}", path.display());
        report.tell(&line, &json!({}));
        return Ok(Ended::Counted);
    }
    let start = std::time::Instant::now();
    let entries = Entries::new(counts, &settings, &stages)?;
    let merged = start.elapsed().as_secs_f64();
    let mut model = match (resumed, from) {
        (Some(resumed), _) => {
            let resumed = resumed.resume(&entries)?;
            if resumed.share() < 1.0 {
                tell!("resumed at {:.1} %", 100.0 * resumed.share());
            } else {
                tell!("the training was finished: its vectors are written; --from trains on");
            }
            resumed
        }
        (None, Some(from)) => {
            let fresh = vocabulary.len() - from.vocabulary.len();
            tell!("going on from another training: {}", counted(fresh as u64, "new word"));
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
        "{}, merged in {merged:.1} s; trained in {seconds:.1} s: {} a second",
        counted(all, "count"),
        count(speed as u64)
    );
    report.tell(
        &line,
        &json!({"counts": all, "merge_seconds": merged, "seconds": seconds, "counts_per_second": speed}),
    );
    Ok(Ended::vectors(model.vectors()?, None))
}
