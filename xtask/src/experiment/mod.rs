//! `cargo xtask experiment NAME | list`: suites of runs beside what is published.
//!
//! - one file an experiment: [`ptb`], [`rnnlm`], [`mod@char`], [`memory`], [`gradients`],
//!   [`entropy`], [`ngram`], and folders of [`embeddings`] and of those of [`seq2seq`]: which runs, which
//!   figures, which plots;
//! - [`session`]: trains what is missing, resumes what was interrupted, skips what is finished;
//! - [`trained`]: a run's directory as figures and curves;
//! - [`figure`]: a measured figure, its reference and tolerance, and the verdict;
//! - [`results`]: `results.md` and `results.html`.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cargo::root;
use crate::numbers::table;

mod char;
mod embeddings;
mod entropy;
mod figure;
mod gradients;
mod memory;
mod ngram;
mod power_law;
mod ptb;
mod reference;
mod results;
mod rnnlm;
mod seq2seq;
mod session;
mod trained;

use results::Results;
use session::Session;
pub(crate) use session::Stopped;

/// What `cargo xtask experiment` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask experiment list
  LAMPWICK_DATA=/path/to/data cargo xtask experiment ptb-small
  cargo xtask experiment ptb-awd --budget-minutes 60      (again: another hour from where it stopped)

Each run is a directory below OUT/NAME, resumed when it is found unfinished and skipped when it is
finished; OUT/NAME/results.md and results.html hold the figures. Exit code 1: a figure lies outside
its tolerance, or a run failed.")]
pub(crate) struct Arguments {
    /// Which experiment; `list` names them all
    name: String,
    /// Where runs and results go, relative to the repository
    #[arg(long, value_name = "OUT", default_value = "runs/experiments")]
    out: PathBuf,
    /// Train for so long at most, shared among the unfinished runs; what was reached is reported
    #[arg(long, value_name = "N")]
    budget_minutes: Option<f64>,
    /// Where to compute, for runs that begin now (see `lampwick devices`)
    #[arg(long, value_name = "NAME[:N]")]
    device: Option<String>,
    /// Train nothing: gather what is there
    #[arg(long, conflicts_with_all = ["budget_minutes", "device"])]
    gather: bool,
}

/// One experiment of the list.
struct Experiment {
    name: &'static str,
    about: &'static str,
    /// As README's table has them: on two CPU cores with AVX-512, where it says no other; those of parts
    /// that are trained one after the other are summands.
    minutes: &'static str,
    /// Of `--budget-minutes` where it is not given.
    budget: Option<f64>,
    run: fn(&Session) -> Result<Results>,
}

const ALL: [Experiment; 19] = [
    Experiment {
        name: "ptb-small",
        about: "Zaremba et al. 2014, small LSTM on Penn Treebank, 13 epochs",
        minutes: "23",
        budget: None,
        run: ptb::small,
    },
    Experiment {
        name: "ptb-medium",
        about: "the same paper's medium LSTM: dropout, 39 epochs",
        minutes: "370; an hour unless told otherwise",
        budget: Some(60.0),
        run: ptb::medium,
    },
    Experiment {
        name: "ptb-awd",
        about: "AWD-LSTM (Merity et al. 2017), then its finetuning",
        minutes: "days, or hours on a GPU; an hour unless told otherwise",
        budget: Some(60.0),
        run: ptb::awd,
    },
    Experiment {
        name: "rnnlm",
        about: "ptb-small with tanh RNN, GRU and LSTM",
        minutes: "80",
        budget: None,
        run: rnnlm::run,
    },
    Experiment {
        name: "char",
        about: "characters of Shakespeare, 2x256 LSTM by char-rnn's recipe",
        minutes: "70; 10 unless told otherwise",
        budget: Some(10.0),
        run: char::run,
    },
    Experiment {
        name: "memory",
        about: "adding, copying, temporal order over T steps: RNN, LSTM, GRU",
        minutes: "60",
        budget: None,
        run: memory::run,
    },
    Experiment {
        name: "gradients",
        about: "norm of dL_T/dh_(T-k) against k, before and after training",
        minutes: "6",
        budget: None,
        run: gradients::run,
    },
    Experiment {
        name: "entropy",
        about: "bits above the synthetic language's entropy by model and data size",
        minutes: "15",
        budget: None,
        run: entropy::run,
    },
    Experiment {
        name: "ngram",
        about: "modified Kneser-Ney on Penn Treebank, orders 2 to 6, beside KenLM",
        minutes: "1",
        budget: None,
        run: ngram::run,
    },
    Experiment {
        name: "embeddings",
        about: "word vectors beside gensim's, fastText's and GloVe's: analogies, similarities",
        minutes: "180, of which 150 are the other programs'",
        budget: None,
        run: embeddings::run,
    },
    Experiment {
        name: "multi30k",
        about: "English to German with attention and without; BLEU by length",
        minutes: "76 + 48 + 30 + 30 on one core",
        budget: None,
        run: seq2seq::multi30k::run,
    },
    Experiment {
        name: "beam",
        about: "BLEU and length against beams of 1 to 50, with and without penalties",
        minutes: "27 on one core, after multi30k",
        budget: None,
        run: seq2seq::beam::run,
    },
    Experiment {
        name: "scan",
        about: "commands to actions, the simple and the length split",
        minutes: "10 + 13",
        budget: None,
        run: seq2seq::scan,
    },
    Experiment {
        name: "g2p",
        about: "letters to phonemes on CMUdict",
        minutes: "86 on one core",
        budget: None,
        run: seq2seq::g2p,
    },
    Experiment {
        name: "dialogue",
        about: "dialogue acts to sentences on RNNLG, restaurant and hotel",
        minutes: "5",
        budget: None,
        run: seq2seq::dialogue,
    },
    Experiment {
        name: "summarise",
        about: "e-mails to subject lines on AESLC, with and without copying",
        minutes: "19 + 13 on one core",
        budget: None,
        run: seq2seq::summarise,
    },
    Experiment {
        name: "caption",
        about: "drawn pictures to sentences: a convolutional encoder with attention",
        minutes: "43 on one core",
        budget: None,
        run: seq2seq::caption,
    },
    Experiment {
        name: "digits",
        about: "spoken strings of digits: attention and CTC",
        minutes: "14 on one core",
        budget: None,
        run: seq2seq::digits,
    },
    Experiment {
        name: "scheduled-sampling",
        about: "reading one's own words while learning, on SCAN",
        minutes: "14 on one core",
        budget: None,
        run: seq2seq::scheduled_sampling,
    },
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.name == "list" {
        print!("{}", list());
        return Ok(());
    }
    let Some(experiment) = ALL.iter().find(|one| one.name == arguments.name) else {
        bail!("unknown experiment `{}`; there are:\n{}", arguments.name, list());
    };
    let out = root().join(&arguments.out);
    let session = Session::new(
        &out,
        arguments.device.as_deref(),
        arguments.budget_minutes.or(experiment.budget),
        arguments.gather,
    )?;
    let results = (experiment.run)(&session)?;
    let folder = out.join(experiment.name);
    results.write(&folder)?;
    print!("{}", results.markdown());
    println!("\n{}", folder.join("results.html").display());
    results.verdict()
}

fn list() -> String {
    let head =
        ["experiment", "what", "minutes, on 2 CPU cores unless said"].map(str::to_owned).to_vec();
    let rows = ALL.iter().map(|one| [one.name, one.about, one.minutes].map(str::to_owned).to_vec());
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}
