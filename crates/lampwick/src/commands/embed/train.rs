//! `lampwick embed train`: text to vectors.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use lampwick::embeddings::corpus::{self, MEMORY};
use lampwick::embeddings::glove::{self, GloveSettings};
use lampwick::embeddings::training::{Architecture, Model, Objective, Settings, train};
use lampwick::embeddings::{
    Corpus, Format, Lexicon, NGrams, ReadOptions, Source, Subwords, Trained, Vectors,
    VocabularyLimits,
};
use lampwick::metrics::figures::count;
use serde_json::{Map, Value, json};

use super::convert::write;
use super::opened;
use super::progress::Stages;
use crate::commands::memory;
use crate::exit::{Exit, Usage};
use crate::signals;

/// What `lampwick embed train` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed train --model skipgram text.txt -o vectors.lwv
  zcat corpus/*.gz | lampwick embed train --model cbow --dim 300 -o vectors.vec
  lampwick embed train --model fasttext text.txt.zst -o model.bin --to fasttext
  lampwick embed train --model glove --window 10 text.txt -o glove.lwv
  lampwick embed train --model skipgram text.txt -o v.lwv --deterministic --checkpoint v.part --resume
  lampwick embed train --from vectors.lwv new.txt -o more.lwv         go on with more text, new words too
  lampwick embed train --model glove --counts-out part1.coo part1.txt             count only
  lampwick embed train --model glove --counts-in part1.coo,part2.coo -o v.lwv     add counts up, train

A line is a sentence: no window crosses its end, and it may be of any length. The text is read once, as a
stream; what it takes goes to a temporary file where it is large. Threads share the vectors without locks,
so two runs differ a little; with --deterministic one thread trains, and the same text and seed give the
same bytes. Interrupted (Ctrl-C), a training with --checkpoint writes it and ends; --resume goes on from
there, bit by bit the same with --deterministic.")]
pub(crate) struct Arguments {
    /// Texts, plain, gzip or zstd, read one after the other; none or - is stdin
    files: Vec<PathBuf>,
    /// What is trained [default: skipgram, or what --from was trained as]
    #[arg(long, value_enum)]
    model: Option<Kind>,
    /// Where the vectors go; the end of the name says the format: .lwv (all of them can be trained on),
    /// .vec, .bin, .tsv, .safetensors
    #[arg(short, long, value_name = "FILE", required_unless_present = "counts_out")]
    out: Option<PathBuf>,
    /// The format of OUT, where its name does not say; fasttext for a .bin of fastText
    #[arg(long, value_name = "FORMAT", value_parser = opened::format)]
    to: Option<Format>,
    /// Numbers of a vector [default: 100]
    #[arg(long, value_name = "N")]
    dim: Option<usize>,
    /// Most words on each side that count as near [default: 5; GloVe 15]
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// How often the text is gone through [default: 5; GloVe 15]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Learning rate at the beginning [default: 0.025 for skipgram, 0.05 for the others]
    #[arg(long, value_name = "X")]
    lr: Option<f32>,
    /// Only words that occur at least so often
    #[arg(long, value_name = "N", default_value_t = 5)]
    min_count: u64,
    /// Only so many words, the most frequent
    #[arg(long, value_name = "N")]
    vocabulary_size: Option<usize>,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The same bytes each time and for any number of threads: one thread trains
    #[arg(long)]
    deterministic: bool,
    /// Threads [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// How a word is told from others: negative sampling or hierarchical softmax [default: ns]
    #[arg(long, value_enum, help_heading = "Word2Vec and fastText")]
    loss: Option<Loss>,
    /// Words drawn for each that stands in the text [default: 5]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    negative: Option<usize>,
    /// Frequency above which words are left out at random, the more frequent the more often; 0: none
    #[arg(long, value_name = "X", default_value_t = 1e-3, help_heading = "Word2Vec and fastText")]
    sample: f64,
    /// Words are drawn by their counts to this power
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.75,
        allow_negative_numbers = true,
        help_heading = "Word2Vec and fastText"
    )]
    power: f64,
    /// Characters of the shortest n-gram [default: 3]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    minn: Option<usize>,
    /// Characters of the longest n-gram [default: 6]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    maxn: Option<usize>,
    /// Vectors that all n-grams share [default: 2000000]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    bucket: Option<u32>,
    /// Begin with these vectors; words that they lack are added
    #[arg(long, value_name = "VECTORS", help_heading = "Word2Vec and fastText")]
    from: Option<PathBuf>,
    /// Keep what is needed to go on after an interruption in this file
    #[arg(long, value_name = "FILE", help_heading = "Word2Vec and fastText")]
    checkpoint: Option<PathBuf>,
    /// Minutes between two checkpoints
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10.0,
        requires = "checkpoint",
        help_heading = "Word2Vec and fastText"
    )]
    checkpoint_every: f64,
    /// Go on from the checkpoint where there is one, with its settings
    #[arg(long, requires = "checkpoint", help_heading = "Word2Vec and fastText")]
    resume: bool,
    /// Count words on the left only
    #[arg(long, help_heading = "GloVe")]
    asymmetric: bool,
    /// The count from which on all weigh the same
    #[arg(long, value_name = "X", default_value_t = 100.0, help_heading = "GloVe")]
    x_max: f64,
    /// Smaller counts weigh (x / x_max) to this power
    #[arg(long, value_name = "X", default_value_t = 0.75, help_heading = "GloVe")]
    alpha: f64,
    /// Memory for counts: 2G, 512M, 50% of the machine's; what needs more goes to temporary files
    #[arg(short = 'S', long, value_name = "AMOUNT", default_value = "50%",
          value_parser = memory::parse, help_heading = "GloVe")]
    memory: u64,
    /// Count only, and write the counts to this file
    #[arg(long, value_name = "FILE", conflicts_with = "counts_in", help_heading = "GloVe")]
    counts_out: Option<PathBuf>,
    /// Train on the counts of these files instead of text
    #[arg(
        long,
        value_name = "FILES",
        value_delimiter = ',',
        conflicts_with = "files",
        help_heading = "GloVe"
    )]
    counts_in: Vec<PathBuf>,
    /// Folder of temporary files [default: the system's]
    #[arg(short = 'T', long, value_name = "FOLDER")]
    temporary: Option<PathBuf>,
    /// Report as JSON on stderr
    #[arg(long)]
    json: bool,
}

/// What is told at the end: words as they come, or one JSON object.
struct Report {
    json: bool,
    values: Mutex<Map<String, Value>>,
}

impl Report {
    fn tell(&self, line: &str, values: &Value) {
        if !self.json {
            tell!("{line}");
        } else if let Some(values) = values.as_object() {
            self.values.lock().expect("one thread").extend(values.clone());
        }
    }

    fn finish(self) {
        if self.json {
            tell!("{}", Value::Object(self.values.into_inner().expect("one thread")));
        }
    }
}

/// What `--model` can be.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Kind {
    /// Word2Vec: each word of a window from the one in its middle
    Skipgram,
    /// Word2Vec: the word in the middle from the mean of its window
    Cbow,
    /// Skip-gram with character n-grams
    Fasttext,
    /// CBOW with character n-grams
    FasttextCbow,
    /// Vectors whose products are logarithms of co-occurrence counts
    Glove,
    /// A dimension a word: the baseline that knows nothing of meaning
    OneHot,
}

/// What `--loss` can be.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Loss {
    /// Negative sampling
    Ns,
    /// Hierarchical softmax
    Hs,
}

impl Arguments {
    fn sources(&self) -> anyhow::Result<Vec<Source>> {
        if self.files.is_empty() {
            return Ok(vec![Source::new("standard input", std::io::stdin())?]);
        }
        Ok(self.files.iter().map(Source::named).collect::<Result<_, _>>()?)
    }

    fn temporary(&self) -> PathBuf {
        self.temporary.clone().unwrap_or_else(std::env::temp_dir)
    }

    fn limits(&self) -> VocabularyLimits {
        VocabularyLimits { min_count: self.min_count, size: self.vocabulary_size }
    }

    fn read(
        &self,
        limits: &VocabularyLimits,
        first: Option<&Lexicon>,
        stages: &Stages,
        report: &Report,
    ) -> anyhow::Result<Corpus> {
        let corpus =
            corpus::read(self.sources()?, limits, first, &self.temporary(), MEMORY, stages)?;
        let it = corpus.summary;
        let line = format!(
            "{} words in {} lines; {} of {} different words are trained, {} words of the text",
            count(it.words),
            count(it.lines),
            count(corpus.vocabulary.len() as u64),
            count(it.distinct),
            count(it.known)
        );
        report.tell(
            &line,
            &json!({"words": it.words, "lines": it.lines, "known": it.known,
                    "distinct": it.distinct, "vocabulary": corpus.vocabulary.len()}),
        );
        Ok(corpus)
    }

    /// The settings of a training; what is not asked for is as in `from`.
    fn settings(&self, kind: Kind, from: Option<&Settings>) -> anyhow::Result<Settings> {
        let default = Settings::default();
        let from = from.unwrap_or(&default);
        let architecture = match kind {
            Kind::Cbow | Kind::FasttextCbow => Architecture::Cbow,
            _ => Architecture::SkipGram,
        };
        let has_ngrams = matches!(kind, Kind::Fasttext | Kind::FasttextCbow);
        if !has_ngrams && (self.minn.is_some() || self.maxn.is_some() || self.bucket.is_some()) {
            let problem = "--minn, --maxn and --bucket go with --model fasttext or fasttext-cbow";
            return Err(Usage(problem.into()).into());
        }
        let old = from.ngrams.unwrap_or_default();
        let ngrams = NGrams {
            min: self.minn.unwrap_or(old.min),
            max: self.maxn.unwrap_or(old.max),
            buckets: self.bucket.unwrap_or(old.buckets),
        };
        let objective = match (self.loss, self.negative, from.objective) {
            (Some(Loss::Hs), Some(_), _) => {
                return Err(Usage("--negative goes with --loss ns".into()).into());
            }
            (Some(Loss::Hs), None, _) => Objective::HierarchicalSoftmax,
            (_, Some(negatives), _) => Objective::NegativeSampling(negatives),
            (None, None, objective) => objective,
            (Some(Loss::Ns), None, Objective::NegativeSampling(number)) => {
                Objective::NegativeSampling(number)
            }
            (Some(Loss::Ns), None, _) => Objective::NegativeSampling(5),
        };
        let lr = if kind == Kind::Skipgram { 0.025 } else { 0.05 };
        let settings = Settings {
            architecture,
            objective,
            ngrams: has_ngrams.then_some(ngrams),
            dim: self.dim.unwrap_or(from.dim),
            window: self.window.unwrap_or(from.window),
            lr: self.lr.unwrap_or(lr),
            epochs: self.epochs.unwrap_or(5),
            sample: self.sample,
            power: self.power,
            seed: self.seed,
            deterministic: self.deterministic,
            vocabulary: self.limits(),
        };
        settings.validate().map_err(|error| Usage(error.to_string()))?;
        Ok(settings)
    }

    fn glove(&self) -> anyhow::Result<GloveSettings> {
        let default = GloveSettings::default();
        let settings = GloveSettings {
            dim: self.dim.unwrap_or(default.dim),
            window: self.window.unwrap_or(default.window),
            symmetric: !self.asymmetric,
            x_max: self.x_max,
            alpha: self.alpha,
            lr: self.lr.unwrap_or(default.lr),
            epochs: self.epochs.unwrap_or(default.epochs),
            seed: self.seed,
            deterministic: self.deterministic,
            vocabulary: self.limits(),
            memory: self.memory,
            temporary: self.temporary(),
        };
        settings.validate().map_err(|error| Usage(error.to_string()))?;
        Ok(settings)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
    }
    let kind = arguments.model.unwrap_or(Kind::Skipgram);
    let counts = arguments.counts_out.is_some() || !arguments.counts_in.is_empty();
    if counts && kind != Kind::Glove {
        return Err(Usage("--counts-in and --counts-out go with --model glove".into()).into());
    }
    if matches!(kind, Kind::Glove | Kind::OneHot)
        && (arguments.from.is_some() || arguments.checkpoint.is_some())
    {
        let problem = "--from and --checkpoint go with Word2Vec and fastText";
        return Err(Usage(problem.into()).into());
    }
    // What cannot be written is known before hours of training.
    let format = arguments.out.as_ref().map(|out| opened::output_format(arguments.to, out));
    let format = format.transpose()?;
    let stages = Stages::new();
    let report = Report { json: arguments.json, values: Mutex::default() };
    let (vectors, trained) = match kind {
        Kind::Glove => match glove(arguments, &stages, &report)? {
            Some(vectors) => (vectors, None),
            None => {
                report.finish();
                return Ok(Exit::Done);
            }
        },
        Kind::OneHot => {
            let corpus = arguments.read(&arguments.limits(), None, &stages, &report)?;
            let counts = corpus.vocabulary.counts;
            (Vectors::one_hot(corpus.vocabulary.words)?.with_counts(counts), None)
        }
        _ => {
            let came = signals::watch()?;
            let every = Duration::try_from_secs_f64(arguments.checkpoint_every * 60.0);
            let every = every.map_err(|_| {
                Usage("--checkpoint-every is a number of minutes, 0 or more".into())
            })?;
            let stages = stages.with_checkpoint(came, arguments.checkpoint.clone(), every);
            match words(arguments, &stages, &report)? {
                Some((vectors, trained)) => (vectors, Some(trained)),
                None => {
                    stages.finish();
                    if let Some(path) = &arguments.checkpoint {
                        tell!("stopped; go on with --checkpoint {} --resume", path.display());
                    }
                    return Ok(Exit::Signal(stages.signal().unwrap_or_default()));
                }
            }
        }
    };
    if let (Some(out), Some(format)) = (&arguments.out, format) {
        write(&vectors, trained.as_ref(), format, out)?;
        let words = count(vectors.len() as u64);
        let line = format!("{}: {words} vectors of {} dimensions", out.display(), vectors.dim());
        report.tell(&line, &json!({"dim": vectors.dim()}));
    }
    report.finish();
    Ok(Exit::Done)
}

/// Word2Vec or fastText; nothing when a signal ended it.
fn words(
    arguments: &Arguments,
    stages: &Stages,
    report: &Report,
) -> anyhow::Result<Option<(Vectors, Trained)>> {
    let checkpoint = arguments.checkpoint.as_ref().filter(|path| arguments.resume && path.exists());
    let mut model = None;
    let corpus;
    if let Some(path) = checkpoint {
        let loaded = opened::loaded(path, Some(Format::Native), &ReadOptions::default())?;
        let known = loaded.vectors.words();
        let limits = VocabularyLimits { min_count: 1, size: Some(known.len()) };
        corpus = arguments.read(&limits, Some(known), stages, report)?;
        let resumed = Model::resume(&loaded, &corpus)?;
        let state = resumed.state();
        tell!("resumed at {:.1} %", 100.0 * state.done as f64 / state.all as f64);
        model = Some(resumed);
    } else if let Some(path) = &arguments.from {
        let loaded = opened::loaded(path, None, &ReadOptions::default())?;
        let known = loaded.vectors.words();
        corpus = arguments.read(&arguments.limits(), Some(known), stages, report)?;
        let fresh = corpus.vocabulary.len() - known.len();
        tell!("going on from {}: {} words are new", path.display(), count(fresh as u64));
        let plain = Settings {
            dim: loaded.vectors.dim(),
            ngrams: loaded.vectors.subwords().map(Subwords::ngrams),
            ..Settings::default()
        };
        let old = loaded.trained.as_ref().map_or(&plain, |trained| &trained.settings);
        let cbow = old.architecture == Architecture::Cbow;
        let kind = arguments.model.unwrap_or(match (cbow, old.ngrams.is_some()) {
            (false, false) => Kind::Skipgram,
            (true, false) => Kind::Cbow,
            (false, true) => Kind::Fasttext,
            (true, true) => Kind::FasttextCbow,
        });
        if loaded.trained.is_none() {
            tell!(
                "notice: {} holds vectors only; what words are predicted by begins at zero",
                path.display()
            );
        }
        let settings = arguments.settings(kind, Some(old))?;
        model = Some(Model::continue_from(&loaded, &corpus, &settings)?);
    } else {
        corpus = arguments.read(&arguments.limits(), None, stages, report)?;
    }
    let mut model = match model {
        Some(model) => model,
        None => {
            let kind = arguments.model.unwrap_or(Kind::Skipgram);
            Model::new(&corpus, &arguments.settings(kind, None)?)?
        }
    };
    let start = std::time::Instant::now();
    let before = model.state();
    if !train(&mut model, &corpus, stages)? {
        return Ok(None);
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
    Ok(Some(model.into_parts()?))
}

/// GloVe; nothing when only counts were asked for.
fn glove(
    arguments: &Arguments,
    stages: &Stages,
    report: &Report,
) -> anyhow::Result<Option<Vectors>> {
    let settings = arguments.glove()?;
    let (vocabulary, counts) = match &arguments.counts_in[..] {
        [] => {
            // A shard keeps all words: which are frequent enough is known of the whole only.
            let limits = match arguments.counts_out {
                Some(_) => VocabularyLimits { min_count: 1, size: None },
                None => arguments.limits(),
            };
            let corpus = arguments.read(&limits, None, stages, report)?;
            let counts = glove::count(&corpus, &settings, stages)?;
            (corpus.vocabulary, counts)
        }
        shards => {
            let sources: Result<Vec<Source>, _> = shards.iter().map(Source::open).collect();
            glove::shards::read(sources?, &settings, stages)?
        }
    };
    if let Some(path) = &arguments.counts_out {
        let (most, words) = (count(counts.most()), count(vocabulary.len() as u64));
        opened::write(path, |out| glove::shards::write(&vocabulary, counts, &settings, out))?;
        stages.finish();
        let line = format!("{}: {words} words, at most {most} pairs", path.display());
        report.tell(&line, &json!({}));
        return Ok(None);
    }
    let start = std::time::Instant::now();
    let entries = glove::Entries::new(counts, &settings, stages)?;
    let merged = start.elapsed().as_secs_f64();
    let vectors = glove::train(&vocabulary, &entries, &settings, stages)?;
    stages.finish();
    let seconds = start.elapsed().as_secs_f64() - merged;
    let speed = (entries.len() * settings.epochs as u64) as f64 / seconds;
    let line = format!(
        "{} counts, merged in {merged:.1} s; trained in {seconds:.1} s: {} a second",
        count(entries.len()),
        count(speed as u64)
    );
    let all = entries.len();
    report.tell(
        &line,
        &json!({"counts": all, "merge_seconds": merged, "seconds": seconds, "counts_per_second": speed}),
    );
    Ok(Some(vectors))
}
