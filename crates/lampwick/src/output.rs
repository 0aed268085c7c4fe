//! What a command gives: stdout, whose errors say so.

use std::io::{self, StdoutLock, Write};

/// Stdout, held until this is dropped. The operating system's words for a full disk name no place; an
/// error of this one does.
pub(crate) struct Stdout(StdoutLock<'static>);

/// The one way to stdout.
pub(crate) fn stdout() -> Stdout {
    Stdout(io::stdout().lock())
}

/// The kind stays: a reader that has gone is told apart by it.
fn named(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to stdout: {error}"))
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| named(&error))
    }
}
