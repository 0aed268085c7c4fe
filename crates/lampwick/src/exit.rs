//! How the program ends: exit codes, as `lampwick --help` documents them.

use std::io;
use std::process::ExitCode;

use lampwick::training;

/// How a command ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// It did what could be done; what could not is on stderr.
    Partly,
    /// A signal stopped it, after it had put its work in a safe place.
    Signal(i32),
}

/// The command line asks for something that cannot be; nothing was run.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The exit code of `outcome`; an error's message goes to stderr.
pub(crate) fn code(outcome: anyhow::Result<Exit>) -> ExitCode {
    match outcome {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Partly) => ExitCode::FAILURE,
        // As a shell reports a process that a signal ended.
        Ok(Exit::Signal(number)) => ExitCode::from(128 + u8::try_from(number).unwrap_or(0)),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("error: {error}");
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

/// Whether the reader of our output has gone, as `head` does: it has what it wanted.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Whether the command line or a config was at fault.
fn is_usage(error: &anyhow::Error) -> bool {
    use training::Error;
    error.is::<Usage>()
        || error.is::<training::ConfigError>()
        || error.is::<training::device::DeviceError>()
        || matches!(
            error.downcast_ref::<Error>(),
            Some(
                Error::Config(_)
                    | Error::Model(_)
                    | Error::Device(_)
                    | Error::Memory { .. }
                    | Error::Prompt(_)
            )
        )
}
