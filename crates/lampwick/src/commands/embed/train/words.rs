//! `lampwick embed train` of Word2Vec and fastText: text to vectors.

use clap::ValueEnum;
use lampwick::embeddings::training::{Architecture, Model, Objective, Settings, train};
use lampwick::embeddings::{
    Check, Format, NGrams, ReadOptions, Subwords, Trained, VocabularyLimits,
};
use lampwick::metrics::figures::{count, counted};
use serde_json::json;

use super::super::opened;
use super::super::progress::Stages;
use super::arguments::{Kind, Loss};
use super::checks::{tell_unheard, unheard};
use super::{Arguments, Ended, Report};
use crate::exit::Usage;

/// The settings of a training; what is not asked for is as in `from`.
fn settings(
    arguments: &Arguments,
    kind: Kind,
    from: Option<&Settings>,
) -> anyhow::Result<Settings> {
    let default = Settings::default();
    let from = from.unwrap_or(&default);
    let architecture = match kind {
        Kind::Cbow | Kind::FasttextCbow => Architecture::Cbow,
        _ => Architecture::SkipGram,
    };
    let has_ngrams = matches!(kind, Kind::Fasttext | Kind::FasttextCbow);
    if !has_ngrams
        && (arguments.minn.is_some() || arguments.maxn.is_some() || arguments.bucket.is_some())
    {
        let problem = "--minn, --maxn and --bucket go with --model fasttext or fasttext-cbow";
        return Err(Usage(problem.into()).into());
    }
    let old = from.ngrams.unwrap_or_default();
    let ngrams = NGrams {
        min: arguments.minn.unwrap_or(old.min),
        max: arguments.maxn.unwrap_or(old.max),
        buckets: arguments.bucket.unwrap_or(old.buckets),
    };
    let objective = match (arguments.loss, arguments.negative, from.objective) {
        (Some(Loss::Hs), Some(_), _) => {
            return Err(Usage("--negative goes with --loss ns".into()).into());
        }
        (None, Some(_), Objective::HierarchicalSoftmax) => {
            let problem = "--negative goes with --loss ns, and the vectors were trained with hs: ask for both";
            return Err(Usage(problem.into()).into());
        }
        (Some(Loss::Hs), None, _) => Objective::HierarchicalSoftmax,
        (_, Some(negatives), _) => Objective::NegativeSampling(negatives),
        (None, None, objective) => objective,
        (Some(Loss::Ns), None, Objective::NegativeSampling(number)) => {
            Objective::NegativeSampling(number)
        }
        (Some(Loss::Ns), None, _) => Objective::NegativeSampling(5),
    };
    let lr = if kind_of(from) == kind { from.lr } else { usual_rate(kind) };
    if objective == Objective::HierarchicalSoftmax && arguments.power.is_some() {
        return Err(Usage("--power goes with --loss ns".into()).into());
    }
    let settings = Settings {
        architecture,
        objective,
        ngrams: has_ngrams.then_some(ngrams),
        dim: arguments.dim.unwrap_or(from.dim),
        window: arguments.window.unwrap_or(from.window),
        lr: arguments.lr.unwrap_or(lr),
        epochs: arguments.epochs.unwrap_or(from.epochs),
        sample: arguments.sample.unwrap_or(from.sample),
        power: arguments.power.unwrap_or(from.power),
        seed: arguments.seed.unwrap_or(from.seed),
        deterministic: arguments.deterministic,
        vocabulary: arguments.limits(&from.vocabulary),
    };
    settings.validate().map_err(|error| Usage(error.to_string()))?;
    Ok(settings)
}

/// Trains.
pub(super) fn run(arguments: &Arguments, stages: Stages, report: &Report) -> anyhow::Result<Ended> {
    // Every row is trained on.
    let options = ReadOptions { check: Check::Everything, ..ReadOptions::default() };
    let (mut model, corpus);
    if let Some(path) = arguments.resumed() {
        let loaded = opened::loaded(path, Some(Format::Native), &options)?;
        tell_unheard(all_unheard(arguments, &Model::resumable(&loaded)?.settings));
        let known = loaded.vectors.words();
        let size = Some(known.len());
        let limits = VocabularyLimits { min_count: 1, size, ..VocabularyLimits::default() };
        corpus = arguments.read(&limits, Some(known), &stages, report)?;
        let resumed = Model::resume(&loaded, &corpus)?;
        let state = resumed.state();
        tell!("resumed at {:.1} %", 100.0 * state.done as f64 / state.all as f64);
        model = resumed;
    } else if let Some(path) = &arguments.from {
        let words = opened::found_beside(path, None);
        let words = words.map(|words| opened::lines(&words)).transpose()?;
        let loaded = opened::loaded(path, None, &ReadOptions { words, ..options })?;
        let plain = || Settings {
            dim: loaded.vectors.dim(),
            ngrams: loaded.vectors.subwords().map(Subwords::ngrams),
            ..Settings::default()
        };
        let trained = loaded.trained.as_ref();
        let mut old = trained.map_or_else(plain, |trained| trained.settings.clone());
        let says_all = trained.is_some_and(Trained::has_all_settings);
        if !says_all {
            old.lr = usual_rate(kind_of(&old));
        }
        let kind = arguments.model.unwrap_or(kind_of(&old));
        let settings = settings(arguments, kind, Some(&old))?;
        Model::expect_continues(&loaded, &settings)?;
        if trained.is_some() && !says_all {
            tell!(
                "notice: {} does not say --lr, --power and --seed: the defaults are taken where they are not \
                 given",
                path.display()
            );
        }
        if loaded.trained.is_none() {
            tell!(
                "notice: {} holds vectors only; it goes on as {} (--model), and what words are predicted \
                 by begins at zero",
                path.display(),
                name(&kind)
            );
        } else if !Model::keeps_output(&loaded, &settings) {
            tell!(
                "notice: what words are predicted by begins at zero: a Huffman tree follows the counts, \
                 which new text changes, and --loss ns has none"
            );
        }
        let known = loaded.vectors.words();
        corpus = arguments.read(&settings.vocabulary, Some(known), &stages, report)?;
        let fresh = corpus.vocabulary.len() - known.len();
        tell!("going on from {}: {}", path.display(), counted(fresh as u64, "new word"));
        model = Model::continue_from(&loaded, &corpus, &settings)?;
    } else {
        // What cannot be is known before a long text is read.
        let settings = settings(arguments, arguments.model.unwrap_or(Kind::Skipgram), None)?;
        if let Some(NGrams { buckets, .. }) = settings.ngrams {
            let megabytes = u64::from(buckets) * settings.dim as u64 * 4 / 1_000_000;
            tell!(
                "{} vectors of n-grams, {} MB, are part of the model (--bucket)",
                count(buckets.into()),
                count(megabytes)
            );
        }
        corpus = arguments.read(&settings.vocabulary, None, &stages, report)?;
        model = Model::new(&corpus, &settings)?;
    }
    // While the text is read a signal ends the program: there is nothing to keep yet.
    let stages = arguments.safe(stages)?;
    let start = std::time::Instant::now();
    let before = model.state();
    if !train(&mut model, &corpus, &stages)? {
        stages.finish();
        return Ok(Ended::Stopped(stages.signal().unwrap_or_default()));
    }
    stages.finish();
    let share = (before.all - before.done) as f64 / before.all.max(1) as f64;
    let trained = share * (before.words * model.settings.epochs as u64) as f64;
    let seconds = start.elapsed().as_secs_f64();
    let speed = trained / seconds;
    report.tell(
        &format!("trained in {seconds:.1} s: {} words a second", count(speed as u64)),
        &json!({"seconds": seconds, "words_per_second": speed}),
    );
    let (vectors, trained) = model.into_parts()?;
    Ok(Ended::vectors(vectors, Some(trained)))
}

/// What a training is as the options that ask for it; what has no meaning in it, or is not told, is left out.
pub(in crate::commands::embed) fn as_options(trained: &Trained) -> String {
    let settings = &trained.settings;
    let Settings { window, lr, epochs, sample, power, seed, .. } = settings;
    let model = name(&kind_of(settings));
    let min_count = settings.vocabulary.min_count;
    let mut options = format!(
        "--model {model} --window {window} --epochs {epochs} --sample {sample} --min-count {min_count}"
    );
    options += &match settings.objective {
        Objective::HierarchicalSoftmax => " --loss hs".into(),
        Objective::NegativeSampling(n) => format!(" --loss ns --negative {n}"),
    };
    if trained.has_all_settings() {
        options += &format!(" --lr {lr} --seed {seed}");
        if settings.objective != Objective::HierarchicalSoftmax {
            options += &format!(" --power {power}");
        }
    }
    options
}

/// The learning rate of a kind where nobody says another.
fn usual_rate(kind: Kind) -> f32 {
    if kind == Kind::Skipgram { 0.025 } else { 0.05 }
}

/// What a training with these settings is called.
fn kind_of(settings: &Settings) -> Kind {
    match (settings.architecture, settings.ngrams.is_some()) {
        (Architecture::SkipGram, false) => Kind::Skipgram,
        (Architecture::Cbow, false) => Kind::Cbow,
        (Architecture::SkipGram, true) => Kind::Fasttext,
        (Architecture::Cbow, true) => Kind::FasttextCbow,
    }
}

/// As the command line has it.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What a resumed training has otherwise than it is asked for.
fn all_unheard(arguments: &Arguments, held: &Settings) -> Vec<Option<String>> {
    let (loss, negatives) = match held.objective {
        Objective::HierarchicalSoftmax => (Loss::Hs, 0),
        Objective::NegativeSampling(number) => (Loss::Ns, number),
    };
    let NGrams { min, max, buckets } = held.ngrams.unwrap_or(NGrams { min: 0, max: 0, buckets: 0 });
    let sizes = [held.dim, held.window, held.epochs];
    let mut all = arguments.unheard(sizes, held.lr, held.seed, &held.vocabulary);
    all.extend([
        unheard("--model", arguments.model.as_ref().map(name), &name(&kind_of(held))),
        unheard("--loss", arguments.loss.as_ref().map(name), &name(&loss)),
        unheard("--negative", arguments.negative, &negatives),
        unheard("--sample", arguments.sample, &held.sample),
        unheard("--power", arguments.power, &held.power),
        unheard("--minn", arguments.minn, &min),
        unheard("--maxn", arguments.maxn, &max),
        unheard("--bucket", arguments.bucket, &buckets),
        unheard("--deterministic", arguments.deterministic.then_some(true), &held.deterministic),
    ]);
    all
}
