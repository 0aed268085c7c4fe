//! How a run begins: in a new folder, or where its last session ended.

use std::path::Path;
use std::sync::atomic::AtomicI32;

use crate::checkpoint;
use crate::config::{AnyConfig, RunConfig, paths};
use crate::error::Result;
use crate::lock::Lock;
use crate::logs::Logs;
use crate::observer::{Event, Observer};
use crate::pace::Pace;
use crate::run::Run;
use crate::run_dir::{RunDir, recipe_hash};
use crate::task::Task;
use crate::train::{Outcome, Session};

/// Starts a run in an empty or new folder.
///
/// `stop`: raise it (to a signal's number, anything but 0) to end the run at the next step with a
/// checkpoint.
///
/// # Errors
/// Everything that [`crate::Error`] lists. The last good checkpoint stays.
pub fn train<C: RunConfig>(
    config: &C,
    dir: &Path,
    stop: &AtomicI32,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    config.begin(dir, stop, observer)
}

/// [`train`], compiled here for each task, not in every crate that calls it.
pub(crate) fn begin<C: RunConfig>(
    config: &C,
    dir: &Path,
    stop: &AtomicI32,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    // Data and model first: a config that cannot run leaves no folder behind.
    let mut run = Run::<C::Task>::build(config, None)?;
    run.start_from(observer)?;
    paths::make_all_absolute(run.task.config_mut());
    let (dir, lock) = RunDir::create(dir)?;
    run.task.save(&dir)?;
    let (logs, _) = Logs::open(dir.path(), run.state.logs, 0, run.events_since())?;
    run.info.recipe_hash = recipe_hash(run.task.config());
    dir.write_info(&run.info)?;
    // Last: a folder with a config.toml is a run that can be resumed.
    dir.write_config(run.task.config())?;
    say_unlocked(&lock, observer);
    Session { run, dir, _lock: lock, logs, pace: Pace::start(0.0), stop, observer }.drive()
}

/// Continues a run from its newest whole checkpoint, or from the start where there is none yet:
/// bit by bit what the run would have been without the interruption.
///
/// # Errors
/// As [`train`]; [`crate::Error::DataChanged`] when the text is another one now.
pub fn resume(dir: &Path, stop: &AtomicI32, observer: &mut dyn Observer) -> Result<Outcome> {
    let (dir, lock) = RunDir::open_to_write(dir)?;
    say_unlocked(&lock, observer);
    match dir.any_config()? {
        AnyConfig::LanguageModel(config) => go_on(&*config, dir, lock, stop, observer),
        AnyConfig::Seq2Seq(config) => go_on(&*config, dir, lock, stop, observer),
    }
}

/// Continues a run of one task.
fn go_on<C: RunConfig>(
    config: &C,
    dir: RunDir,
    lock: Lock,
    stop: &AtomicI32,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let mut run = Run::<C::Task>::build(config, Some(&dir))?;
    let saved = dir.info()?;
    saved.expect_same_data(&run.info)?;
    run.info.started = saved.started;
    if !saved.recipe_hash.is_empty() && saved.recipe_hash != recipe_hash(config) {
        observer.event(&Event::Warning(
            "config.toml was changed since the run began: the run goes on with what it says now, and \
             is no longer the one that its beginning would have become",
        ));
    }
    run.info.recipe_hash = saved.recipe_hash;
    let checkpoints = dir.checkpoints();
    if checkpoint::list(&checkpoints).is_empty() {
        observer.event(&Event::Warning("no checkpoint was written yet: the run starts over"));
        run.start_from(observer)?;
    } else {
        let (files, refused) = checkpoint::newest_valid(&checkpoints)?;
        for error in refused {
            let warning = format!("{error}; falling back to an older checkpoint");
            observer.event(&Event::Warning(&warning));
        }
        // What is newer would stay the newest, and push those out that come now.
        let newer = checkpoint::list(&checkpoints).into_iter().rev();
        for path in newer.take_while(|path| path != files.path()) {
            checkpoint::set_aside(&path)?;
        }
        run = run.restored(files)?;
        checkpoint::prune(&checkpoints, config.shared().checkpoint.keep)?; // the kill may have come before it
    }
    let (step, since) = (run.state.step, run.events_since());
    let (logs, seconds) = Logs::open(dir.path(), run.state.logs, step, since)?;
    let pace = Pace::start(seconds);
    Session { run, dir, _lock: lock, logs, pace, stop, observer }.drive()
}

/// A warning where nothing keeps a second writer away.
fn say_unlocked(lock: &Lock, observer: &mut dyn Observer) {
    if !lock.holds {
        observer.event(&Event::Warning(
            "this file system has no locks: let no second process write to the run",
        ));
    }
}
