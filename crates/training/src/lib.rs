//! From one TOML file to a run that can be interrupted, resumed bit by bit, and read by a human.
//!
//! Reading order:
//! - [`config`]: the whole of a run as one typed struct; overrides; errors that name the line;
//! - [`corpus`]: the config's text as token ids;
//! - `start`: how a run begins, or goes on where it was interrupted;
//! - [`mod@train`]: **the main loop**, the same for every task;
//! - `task`: what is learnt; `language_modeling`: truncated BPTT with carried state;
//! - `step`, `gradients`, `optimizer`, [`schedule`], `averaging`: what one step does;
//! - [`mod@evaluate`]: perplexity of a text, every token scored;
//! - [`checkpoint`], `snapshot`, `state`: what survives a kill;
//! - [`run_dir`], `lock`, [`logs`], `tensorboard`, [`report`]: what a run leaves behind, and who may
//!   write there; [`runs`]: a folder of them;
//! - [`probe`]: what it looks at besides its loss;
//! - [`observer`]: what it tells whoever watches; [`dry_run`](mod@dry_run): what it would take;
//! - [`device`]: device names; [`model`]: a trained run as a model to use; [`prompt`]: how its texts
//!   begin and end.
//!
//! # The run directory
//!
//! ```text
//! runs/ptb/
//!   config.toml      the resolved config, every value; resume reads it
//!   run.json         version, seed, device, hashes of the data, state, speed, best figures
//!   tokenizer/       the vocabulary and how text is split
//!   metrics.jsonl    one line per log interval, validation and test; no clock in it, so that equal
//!                    runs write equal bytes
//!   timings.jsonl    seconds and tokens per second by step
//!   samples.jsonl    generated texts
//!   events.out...    the same for TensorBoard, where `report.tensorboard` asks for it
//!   gradients.json   with `report.probes = ["gradients"]`: how far gradients reach back
//!   attention.json   of an encoder-decoder: where it looks at some validation sources
//!   report.html      curves, samples, config, published figures; one self-contained page
//!   checkpoints/     step-000000004650-epoch-0001/ ...: the newest few and the best
//!   lock             held by the process that writes to the run, and its name
//! ```
//!
//! Every file but the three logs appears by an atomic rename; the logs are appended to, and a resumed
//! run cuts them to what its checkpoint vouches for. The event file is made from the logs.

mod averaging;
pub mod checkpoint;
pub mod config;
pub mod corpus;
pub mod device;
pub mod dry_run;
mod error;
pub mod evaluate;
mod exact;
mod finish;
mod gradients;
mod language_modeling;
mod lock;
pub mod logs;
mod memory;
pub mod model;
pub mod observer;
mod optimizer;
mod pace;
mod parameters;
pub mod probe;
pub mod prompt;
pub mod report;
mod run;
pub mod run_dir;
pub mod runs;
pub mod schedule;
mod seeds;
pub mod seq2seq;
mod snapshot;
mod start;
mod state;
mod step;
mod task;
mod tensorboard;
pub mod train;

pub use config::{
    AnyConfig, Config, ConfigError, Override, Resolved, RunConfig, Seq2SeqConfig, Shared,
};
pub use corpus::{Corpus, Part, Text};
pub use dry_run::{DryRun, dry_run};
pub use error::{Error, Result};
pub use evaluate::{EvaluationOptions, evaluate};
pub use lock::Owner;
pub use logs::{Metric, Quality, Scored};
pub use model::{TrainedModel, Which};
pub use observer::{Event, Observer, Started, Step};
pub use run_dir::{RunDir, RunInfo};
pub use start::{resume, train};
pub use train::{Outcome, Summary};
