//! How targets ended: what is told once all lines are out.

use lampwick::decoding::{Hypothesis, Lengths};
use lampwick::metrics::figures::count;

use super::search::Search;

/// Numbers of targets.
#[derive(Default)]
pub(super) struct Endings {
    all: u64,
    /// Those of the longest length that could not end there.
    unfinished: u64,
    /// Those after which no token is allowed, and no end either.
    stuck: u64,
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
        // Where no fewer tokens are allowed either, the length was asked for.
        let told = matches!(search, Search::Beam(_)) && lengths.shortest(source) < longest;
        for target in targets {
            let is_longest = target.tokens.len() == longest;
            self.all += 1;
            self.unfinished += u64::from(!target.finished && is_longest);
            self.stuck += u64::from(!target.finished && !is_longest);
            self.longest += u64::from(target.finished && is_longest && told);
        }
    }

    pub(super) fn tell(&self) {
        for (number, how) in [
            (
                self.unfinished,
                "did not end within the longest length (--max-length, --max-ratio); they are given as far as \
                 they go",
            ),
            (
                self.stuck,
                "can neither end nor go on as asked (--no-repeat-ngram, --forbid, --min-length, --min-ratio); \
                 they are given as far as they go",
            ),
            (
                self.longest,
                "are as long as they may be (--max-length, --max-ratio): the model might have said more",
            ),
        ] {
            if number > 0 {
                tell!("notice: {} of {} targets {how}", count(number), count(self.all));
            }
        }
    }
}
