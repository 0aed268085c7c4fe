//! A disk that fails once: what a test lets happen instead of an operation of this module's parent.
//!
//! The plan belongs to the thread that runs the code under test, and reaches no other.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

/// What can be done to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A folder is made.
    CreateFolder,
    /// A file is opened to be written.
    Open,
    /// Bytes are written to a file.
    Write,
    /// A file is cut to a length.
    Resize,
    /// A file's or a folder's contents are flushed.
    Sync,
    /// A file or a folder is renamed.
    Rename,
    /// A file or a folder is removed.
    Remove,
}

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// ENOSPC; a write has put half of its bytes there before.
    NoSpace,
    /// EIO; a write has put half of its bytes there before.
    Io,
    /// A write puts half of its bytes there and says so, which is no error; other operations succeed.
    ShortWrite,
}

/// One operation, as [`with_fault`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What was done.
    pub operation: Operation,
    /// To which file or folder.
    pub path: PathBuf,
}

struct Plan {
    fault: Option<(usize, Fault)>,
    done: Vec<Done>,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// Runs `code` on a disk whose operation number `at` (from 0) fails, once, as `fault` says; with
/// `None` nothing fails. Also returns every operation in its order.
///
/// Meanwhile nothing is really flushed: a test cuts no power, and would wait for the disk in vain.
pub fn with_fault<T>(fault: Option<(usize, Fault)>, code: impl FnOnce() -> T) -> (T, Vec<Done>) {
    PLAN.set(Some(Plan { fault, done: Vec::new() }));
    let value = code();
    let plan = PLAN.take().expect("nobody else takes it");
    (value, plan.done)
}

/// Notes an operation, and says what goes wrong with it.
pub(super) fn next(operation: Operation, path: &Path) -> Option<Fault> {
    PLAN.with_borrow_mut(|plan| {
        let plan = plan.as_mut()?;
        let number = plan.done.len();
        plan.done.push(Done { operation, path: path.into() });
        plan.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault)
    })
}

/// The same for an operation that succeeds or fails as a whole.
pub(super) fn check(operation: Operation, path: &Path) -> io::Result<()> {
    next(operation, path).and_then(Fault::error).map_or(Ok(()), Err)
}

/// Whether a plan is in force.
pub(super) fn planned() -> bool {
    PLAN.with_borrow(Option::is_some)
}

impl Fault {
    /// What the operating system would say; `None` where it would say nothing.
    pub fn error(self) -> Option<io::Error> {
        match self {
            Self::NoSpace if cfg!(unix) => Some(io::Error::from_raw_os_error(28)),
            Self::Io if cfg!(unix) => Some(io::Error::from_raw_os_error(5)),
            Self::NoSpace => Some(io::ErrorKind::StorageFull.into()),
            Self::Io => Some(io::Error::other("input/output error")),
            Self::ShortWrite => None,
        }
    }
}
