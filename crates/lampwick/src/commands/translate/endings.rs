//! How targets ended: what is told once all lines are out.

use lampwick::decoding::{Hypothesis, Lengths};
use lampwick::metrics::figures::count;

use super::search::Search;

/// Numbers of targets.
#[derive(Default)]
pub(super) struct Endings {
    all: u64,
    /// Those without an end.
    unfinished: u64,
    /// Those that a beam ended where no more tokens were allowed. Samples have drawn their end there, as
    /// anywhere else, and a CTC head has read the whole source.
    longest: u64,
}

impl Endings {
    /// Counts the targets of a source of so many positions.
    pub(super) fn count(
        &mut self,
        search: &Search,
        lengths: &Lengths,
        source: usize,
        targets: &[Hypothesis],
    ) {
        let longest = lengths.longest(source);
        let ended_there = |target: &&Hypothesis| target.finished && target.tokens.len() == longest;
        self.all += targets.len() as u64;
        self.unfinished += targets.iter().filter(|target| !target.finished).count() as u64;
        // Where no fewer tokens are allowed either, the length was asked for.
        if matches!(search, Search::Beam(_)) && lengths.min < longest {
            self.longest += targets.iter().filter(ended_there).count() as u64;
        }
    }

    pub(super) fn tell(&self) {
        let Self { all, unfinished, longest } = *self;
        if unfinished > 0 {
            tell!(
                "notice: {} of {} targets did not end within the longest length (--max-length, --max-ratio); \
                 they are given as far as they go",
                count(unfinished),
                count(all)
            );
        }
        if longest > 0 {
            tell!(
                "notice: {} of {} targets are as long as they may be (--max-length, --max-ratio): the model \
                 might have said more",
                count(longest),
                count(all)
            );
        }
    }
}
