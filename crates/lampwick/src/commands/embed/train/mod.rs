//! `lampwick embed train`: text to vectors.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use lampwick::embeddings::corpus::{self, MEMORY};
use lampwick::embeddings::glove::is_checkpoint;
use lampwick::embeddings::{Corpus, Lexicon, Source, Trained, Vectors, VocabularyLimits};
use lampwick::metrics::figures::{count, counted};
use serde_json::{Map, Value, json};

use super::convert::write;
use super::opened;
use super::progress::Stages;
use crate::exit::{Exit, Usage};
use crate::signals;

mod arguments;
mod checks;
mod glove;
mod words;

pub(crate) use arguments::Arguments;
use arguments::{Kind, Trainer};
pub(super) use words::as_options;

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

/// What came of it.
enum Ended {
    /// With what a training goes on from, where that is kept beside them.
    Vectors(Box<(Vectors, Option<Trained>)>),
    /// Only counts were asked for.
    Counted,
    /// A signal came.
    Stopped(i32),
}

impl Ended {
    fn vectors(vectors: Vectors, trained: Option<Trained>) -> Self {
        Self::Vectors(Box::new((vectors, trained)))
    }
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

    /// Which words are trained; what is not asked for is as in `from`, but for their number, since words that
    /// it lacks are added.
    fn limits(&self, from: &VocabularyLimits) -> VocabularyLimits {
        VocabularyLimits {
            min_count: self.min_count.unwrap_or(from.min_count),
            size: self.vocabulary_size,
            ..from.clone()
        }
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
            "{} in {}, {} different; {}: {}, at {} of the text",
            counted(it.words, "word"),
            counted(it.lines, "line"),
            count(it.distinct),
            if self.counts_out.is_some() { "counted" } else { "trained" },
            count(corpus.vocabulary.len() as u64),
            counted(it.known, "place")
        );
        report.tell(
            &line,
            &json!({"words": it.words, "lines": it.lines, "known": it.known,
                    "distinct": it.distinct, "vocabulary": corpus.vocabulary.len()}),
        );
        if corpus.vocabulary.len() == 1 {
            tell!(
                "notice: one word alone stands beside no other, so that there is nothing to learn"
            );
        }
        Ok(corpus)
    }

    /// The checkpoint that the training goes on from, where there is one.
    fn resumed(&self) -> Option<&PathBuf> {
        self.checkpoint.as_ref().filter(|path| self.resume && path.exists())
    }

    /// Who trains: by --model, or where nobody says by the first bytes of what the training goes on from.
    fn trainer(&self) -> anyhow::Result<Trainer> {
        let asked = self.model.map(Kind::trainer);
        let Some(path) = self.resumed().or(self.from.as_ref()) else {
            return Ok(asked.unwrap_or(Trainer::Words));
        };
        let is_glove = is_checkpoint(Source::open(path)?)?;
        if is_glove && asked == Some(Trainer::Words) {
            let path = path.display();
            let problem = format!("{path}: is a checkpoint of a GloVe training: leave --model out");
            return Err(Usage(problem).into());
        }
        Ok(asked.unwrap_or(if is_glove { Trainer::Glove } else { Trainer::Words }))
    }

    /// The files that are read, named or not; without texts and counts, stdin.
    fn inputs(&self) -> Vec<PathBuf> {
        let stdin = self.files.is_empty() && self.counts_in.is_empty();
        let beside = self.from.as_ref().and_then(|from| opened::found_beside(from, None));
        let lists = self.files.iter().chain(&self.counts_in);
        let all = lists.chain(&self.vocabulary).chain(&self.from).chain(&beside).cloned();
        all.chain(stdin.then(|| "-".into())).collect()
    }

    /// Stages with checkpoints, where they are asked for; from now on a signal is waited for.
    fn safe(&self, stages: Stages) -> anyhow::Result<Stages> {
        let came = signals::watch()?;
        let every = Duration::try_from_secs_f64(self.checkpoint_every * 60.0)
            .map_err(|_| Usage("--checkpoint-every is a number of minutes, 0 or more".into()))?;
        Ok(stages.with_checkpoint(came, self.checkpoint.clone(), every))
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
    }
    let trainer = arguments.trainer()?;
    arguments.check(trainer)?;
    let counts = arguments.counts_out.is_some() || !arguments.counts_in.is_empty();
    if counts && arguments.from.is_some() {
        return Err(
            Usage("--from goes with texts, not with --counts-in or --counts-out".into()).into()
        );
    }
    // What cannot be written is known before hours of training.
    let format = arguments
        .out
        .as_ref()
        .map(|out| opened::output_format(arguments.to, out, arguments.inputs()));
    let format = format.transpose()?;
    arguments.check_places()?;
    if let (true, None, Some(path)) = (arguments.resume, arguments.resumed(), &arguments.checkpoint)
    {
        tell!("notice: {} is not there: the training begins anew", path.display());
    }
    let stages = Stages::new();
    let report = Report { json: arguments.json, values: Mutex::default() };
    let ended = match trainer {
        Trainer::Words => words::run(arguments, stages, &report)?,
        Trainer::Glove => glove::run(arguments, stages, &report)?,
        Trainer::OneHot => {
            let corpus = arguments.read(
                &arguments.limits(&VocabularyLimits::default()),
                None,
                &stages,
                &report,
            )?;
            let counts = corpus.vocabulary.counts;
            Ended::vectors(Vectors::one_hot(corpus.vocabulary.words)?.with_counts(counts), None)
        }
    };
    let (vectors, trained) = match ended {
        Ended::Vectors(both) => *both,
        Ended::Counted => {
            report.finish();
            return Ok(Exit::Done);
        }
        Ended::Stopped(signal) => return Ok(stopped(arguments, signal)),
    };
    if let (Some(out), Some(format)) = (&arguments.out, format) {
        write(&vectors, trained.as_ref(), format, out)?;
        let rows = counted(vectors.len() as u64, "vector");
        let dim = counted(vectors.dim() as u64, "dimension");
        let line = format!("{}: {rows} of {dim}", out.display());
        report.tell(&line, &json!({"dim": vectors.dim()}));
    }
    report.finish();
    Ok(Exit::Done)
}

/// A signal ended a training.
fn stopped(arguments: &Arguments, signal: i32) -> Exit {
    if let Some(path) = &arguments.checkpoint {
        tell!("stopped; the same command goes on with --checkpoint {} --resume", path.display());
    }
    Exit::Signal(signal)
}
