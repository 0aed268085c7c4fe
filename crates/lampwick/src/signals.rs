//! Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed): the first asks a training loop to stop, a
//! second ends at once; elsewhere the first ends, and takes with it what is not complete.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use lampwick::data::files;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Gives the number of the signal that came, 0 so long as none has.
///
/// A second signal ends the program with the same exit code but without a checkpoint, for a user
/// who will not wait until the step has ended.
///
/// # Errors
/// The system refuses to install the handlers.
pub(crate) fn watch() -> io::Result<Arc<AtomicI32>> {
    let came = Arc::new(AtomicI32::new(0));
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let seen = Arc::clone(&came);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if seen.swap(signal, Ordering::SeqCst) != 0 {
                crate::dashboard::give_terminal_back();
                std::process::exit(128 + signal);
            }
        }
    })?;
    Ok(came)
}

/// Ends the program on a signal, and removes the files that it has not finished.
///
/// # Errors
/// The system refuses to install the handlers.
pub(crate) fn leave_nothing_unfinished() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            files::remove_own_unfinished();
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}
