//! Dispatch and tape.
