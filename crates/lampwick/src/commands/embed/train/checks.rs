//! What cannot be as it was asked for, known before anything is read; and what a resumed training does not
//! follow.

use std::string::ToString;

use lampwick::embeddings::VocabularyLimits;

use super::Arguments;
use super::arguments::Trainer;
use crate::commands::embed::opened;
use crate::commands::places::{is_same, stdin_once};
use crate::exit::Usage;

impl Arguments {
    /// Refuses options that would change nothing, and a folder that is not there.
    pub(super) fn check(&self, trainer: Trainer) -> anyhow::Result<()> {
        let of_words = [
            ("--loss", self.loss.is_some()),
            ("--negative", self.negative.is_some()),
            ("--sample", self.sample.is_some()),
            ("--power", self.power.is_some()),
            ("--minn", self.minn.is_some()),
            ("--maxn", self.maxn.is_some()),
            ("--bucket", self.bucket.is_some()),
        ];
        let of_glove = [
            ("--asymmetric", self.asymmetric),
            ("--x-max", self.x_max.is_some()),
            ("--alpha", self.alpha.is_some()),
            ("--counts-in", !self.counts_in.is_empty()),
            ("--counts-out", self.counts_out.is_some()),
            ("--memory", self.memory.is_some()),
        ];
        let of_training = [
            ("--out", self.out.is_some()),
            ("--to", self.to.is_some()),
            ("--checkpoint", self.checkpoint.is_some()),
            ("--dim", self.dim.is_some()),
            ("--epochs", self.epochs.is_some()),
            ("--lr", self.lr.is_some()),
            ("--seed", self.seed.is_some()),
            ("--x-max", self.x_max.is_some()),
            ("--alpha", self.alpha.is_some()),
            // A shard keeps all its words: which are frequent enough is known of the whole only.
            ("--min-count", self.min_count.is_some()),
            ("--vocabulary-size", self.vocabulary_size.is_some()),
        ];
        let of_all = [
            ("--from", self.from.is_some()),
            ("--checkpoint", self.checkpoint.is_some()),
            ("--dim", self.dim.is_some()),
            ("--window", self.window.is_some()),
            ("--epochs", self.epochs.is_some()),
            ("--lr", self.lr.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        let refused = |options: &[(&str, bool)], with: &str| {
            let given = options.iter().find(|(_, given)| *given);
            given.map(|(name, _)| format!("{name} goes with {with}"))
        };
        let problem = match trainer {
            Trainer::Glove if self.counts_out.is_some() => {
                refused(&of_training, "a training: --counts-out counts only")
                    .or_else(|| refused(&of_words, "Word2Vec and fastText"))
            }
            Trainer::Glove => refused(&of_words, "Word2Vec and fastText"),
            Trainer::OneHot => refused(&of_glove, "--model glove")
                .or_else(|| refused(&of_words, "Word2Vec and fastText"))
                .or_else(|| refused(&of_all, "Word2Vec, fastText and GloVe")),
            Trainer::Words => refused(&of_glove, "--model glove"),
        };
        if let Some(problem) = problem {
            return Err(Usage(problem).into());
        }
        stdin_once(self.inputs())?;
        let folder = self.temporary();
        if !folder.is_dir() {
            let problem =
                format!("{}: no folder for temporary files (--temporary)", folder.display());
            return Err(Usage(problem).into());
        }
        Ok(())
    }

    /// Refuses places that cannot be written, texts among them, and two results in one place.
    pub(super) fn check_places(&self) -> anyhow::Result<()> {
        for path in [&self.checkpoint, &self.counts_out].into_iter().flatten() {
            opened::expect_place(path, self.inputs())?;
        }
        let (Some(out), Some(checkpoint)) = (&self.out, &self.checkpoint) else { return Ok(()) };
        let words = opened::words_apart(out, self.to);
        if std::iter::once(out).chain(&words).any(|path| is_same(path, checkpoint)) {
            let problem =
                "-o and --checkpoint name one file, and each replaces the other: name two";
            return Err(Usage(problem.into()).into());
        }
        // An empty one is a name that was taken for it.
        let holds = std::fs::metadata(checkpoint).is_ok_and(|there| there.len() > 0);
        if holds && !self.resume {
            let problem = format!(
                "{}: is there already, and would be replaced: go on from it with --resume, or give --checkpoint \
                 another name",
                checkpoint.display()
            );
            return Err(Usage(problem).into());
        }
        Ok(())
    }

    /// What all trainings have, where it was asked for otherwise than a resumed one has it.
    pub(super) fn unheard(
        &self,
        [dim, window, epochs]: [usize; 3],
        lr: f32,
        seed: u64,
        limits: &VocabularyLimits,
    ) -> Vec<Option<String>> {
        let size = limits.size.map_or("none".into(), |size| size.to_string());
        vec![
            unheard("--dim", self.dim, &dim),
            unheard("--window", self.window, &window),
            unheard("--epochs", self.epochs, &epochs),
            unheard("--lr", self.lr, &lr),
            unheard("--seed", self.seed, &seed),
            unheard("--min-count", self.min_count, &limits.min_count),
            unheard("--vocabulary-size", self.vocabulary_size, &size),
        ]
    }
}

/// An option whose value a resumed training holds otherwise.
pub(super) fn unheard<A: ToString, H: ToString>(
    name: &str,
    asked: Option<A>,
    held: &H,
) -> Option<String> {
    let (asked, held) = (asked?.to_string(), held.to_string());
    (asked != held).then(|| format!("{name} {held}, not {asked}"))
}

/// Tells which options a resumed training does not follow: it has its own settings.
pub(super) fn tell_unheard(unheard: impl IntoIterator<Item = Option<String>>) {
    let all: Vec<String> = unheard.into_iter().flatten().collect();
    if !all.is_empty() {
        let all = all.join("; ");
        tell!("notice: a resumed training keeps its settings: {all}; --from trains on with others");
    }
}
