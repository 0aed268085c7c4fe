//! Words on stderr.

/// A line on stderr, as `eprintln!` but for readers that have gone and disks that are full: what is
/// told beside the result must not end the program.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}
