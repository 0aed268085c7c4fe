//! `lampwick embed train`: text to vectors.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use lampwick::embeddings::corpus::{self, MEMORY};
use lampwick::embeddings::glove::is_checkpoint;
use lampwick::embeddings::{Corpus, Lexicon, Source, Vectors, VocabularyLimits};
use lampwick::metrics::figures::{count, counted};
use serde_json::{Map, Value, json};

use super::convert::write;
use super::opened;
use super::progress::Stages;
use crate::commands::places::expect_other;
use crate::exit::{Exit, Usage};
use crate::signals;

mod arguments;
mod glove;
mod words;

pub(crate) use arguments::Arguments;
use arguments::{Kind, Trainer};

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
        VocabularyLimits {
            min_count: self.min_count,
            size: self.vocabulary_size,
            ..VocabularyLimits::default()
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

    /// Refuses options that would change nothing, and a folder that is not there.
    fn check(&self, trainer: Trainer) -> anyhow::Result<()> {
        let of_words = [
            ("--loss", self.loss.is_some()),
            ("--negative", self.negative.is_some()),
            ("--sample", self.sample.is_some()),
            ("--power", self.power.is_some()),
            ("--minn", self.minn.is_some()),
            ("--maxn", self.maxn.is_some()),
            ("--bucket", self.bucket.is_some()),
        ];
        let of_glove = [
            ("--asymmetric", self.asymmetric),
            ("--x-max", self.x_max.is_some()),
            ("--alpha", self.alpha.is_some()),
            ("--counts-in", !self.counts_in.is_empty()),
            ("--counts-out", self.counts_out.is_some()),
        ];
        let of_all = [("--from", self.from.is_some()), ("--checkpoint", self.checkpoint.is_some())];
        let refused = |options: &[(&str, bool)], with: &str| {
            let given = options.iter().find(|(_, given)| *given);
            given.map(|(name, _)| format!("{name} goes with {with}"))
        };
        let problem = match trainer {
            Trainer::Glove => refused(&of_words, "Word2Vec and fastText"),
            Trainer::OneHot => refused(&of_glove, "--model glove")
                .or_else(|| refused(&of_words, "Word2Vec and fastText"))
                .or_else(|| refused(&of_all, "Word2Vec, fastText and GloVe")),
            Trainer::Words => refused(&of_glove, "--model glove"),
        };
        if let Some(problem) = problem {
            return Err(Usage(problem).into());
        }
        let folder = self.temporary();
        if !folder.is_dir() {
            let problem =
                format!("{}: no folder for temporary files (--temporary)", folder.display());
            return Err(Usage(problem).into());
        }
        Ok(())
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

    /// Refuses places that cannot be written, texts among them, and two results in one place.
    fn check_places(&self, trainer: Trainer) -> anyhow::Result<()> {
        for path in [&self.out, &self.checkpoint, &self.counts_out].into_iter().flatten() {
            opened::expect_place(path)?;
            expect_other(path, self.files.iter().chain(&self.counts_in))?;
        }
        // What Word2Vec and fastText keep as a checkpoint is a file of vectors.
        if trainer == Trainer::Glove && self.out.is_some() && self.out == self.checkpoint {
            let problem = "-o and --checkpoint name one file, and hold different things: name two";
            return Err(Usage(problem.into()).into());
        }
        Ok(())
    }

    /// Tells which options a resumed training does not follow: it has its own settings.
    fn tell_unheard(&self, dim: usize, window: usize, epochs: usize, lr: f32) {
        fn unheard<T: PartialEq + Display + Copy>(
            name: &str,
            asked: Option<T>,
            held: T,
        ) -> Option<String> {
            let asked = asked.filter(|asked| *asked != held)?;
            Some(format!("{name} {held}, not {asked}"))
        }
        let all = [
            unheard("--dim", self.dim, dim),
            unheard("--window", self.window, window),
            unheard("--epochs", self.epochs, epochs),
            unheard("--lr", self.lr, lr),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        if !all.is_empty() {
            let all = all.join(", ");
            tell!(
                "notice: a resumed training keeps its settings: {all}; --from trains on with others"
            );
        }
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
    let format = arguments.out.as_ref().map(|out| opened::output_format(arguments.to, out));
    let format = format.transpose()?;
    arguments.check_places(trainer)?;
    if let (true, None, Some(path)) = (arguments.resume, arguments.resumed(), &arguments.checkpoint)
    {
        tell!("notice: {} is not there: the training begins anew", path.display());
    }
    let stages = Stages::new();
    let report = Report { json: arguments.json, values: Mutex::default() };
    let (vectors, trained) = match trainer {
        Trainer::Glove => match glove::run(arguments, stages, &report)? {
            glove::Ended::Vectors(vectors) => (*vectors, None),
            glove::Ended::Counted => {
                report.finish();
                return Ok(Exit::Done);
            }
            glove::Ended::Stopped(signal) => return Ok(stopped(arguments, signal)),
        },
        Trainer::OneHot => {
            let corpus = arguments.read(&arguments.limits(), None, &stages, &report)?;
            let counts = corpus.vocabulary.counts;
            (Vectors::one_hot(corpus.vocabulary.words)?.with_counts(counts), None)
        }
        Trainer::Words => {
            let stages = arguments.safe(stages)?;
            match words::run(arguments, &stages, &report)? {
                Some((vectors, trained)) => (vectors, Some(trained)),
                None => {
                    stages.finish();
                    return Ok(stopped(arguments, stages.signal().unwrap_or_default()));
                }
            }
        }
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
        tell!("stopped; go on with --checkpoint {} --resume", path.display());
    }
    Exit::Signal(signal)
}
