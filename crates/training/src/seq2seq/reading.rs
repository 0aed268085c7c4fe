//! `[data]` -> pairs of texts, and the sources that are no text.

use lampwick_data::parallel::{Filter, PairReader, Pairs, Split};
use lampwick_data::tasks::reversal;
use lampwick_models::SourceKind;

use super::media::Media;
use crate::config::{ConfigError, PairData, Seq2SeqConfig};
use crate::corpus::Part;
use crate::error::Result;

/// One part, before anything is tokenised.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    /// Sources (of media their names) and targets.
    pub(super) pairs: Pairs,
    /// What is read instead of the sources' text.
    pub(super) media: Option<Media>,
}

/// A part that a run cannot be without.
pub(super) fn needed(config: &Seq2SeqConfig, part: Part) -> Result<Read> {
    read(config, part)?.filter(|read| !read.pairs.is_empty()).ok_or_else(|| {
        let key = format!("data ({})", part.name());
        ConfigError::value("config", &key, "there is no pair", "give some").into()
    })
}

/// One part; `None` where the config names none.
pub(super) fn read(config: &Seq2SeqConfig, part: Part) -> Result<Option<Read>> {
    let (reads, seed) = (&config.model.reads, config.seed);
    // A pair without a side teaches nothing; what is judged has a line for each line.
    let filter = if part == Part::Train { Filter::NOT_EMPTY } else { Filter::ALL };
    let pairs = match &config.data {
        PairData::Pictures(data) => return of_media(Media::pictures(data, part, reads, seed)?),
        PairData::Digits(data) => return of_media(Media::digits(data, part, reads, seed)?),
        _ if *reads != SourceKind::Words => {
            let problem = "is not \"words\", and the data are text";
            let mend = "leave it out, or set data.format to pictures or digits";
            return Err(ConfigError::value("config", "model.reads", problem, mend).into());
        }
        PairData::Reversal(data) => {
            let count = if part == Part::Train { data.train } else { data.valid };
            let pairs = reversal(count, data.letters, data.longest, seed, part as u64);
            let (source, target) = pairs.into_iter().unzip();
            Pairs { source, target, ..Pairs::default() }
        }
        PairData::Lines(data) => {
            let (source, target) = match part {
                Part::Train => (&data.train_source, &data.train_target),
                Part::Valid => (&data.valid_source, &data.valid_target),
                Part::Test => (&data.test_source, &data.test_target),
            };
            if source.is_empty() {
                return Ok(None);
            }
            PairReader::files(source, target)?.read_all(&filter)?
        }
        PairData::Tsv(data) => {
            let path = match part {
                Part::Train => &data.train,
                Part::Valid => &data.valid,
                Part::Test => &data.test,
            };
            if path.is_empty() {
                return Ok(None);
            }
            PairReader::tsv(path)?.read_all(&filter)?
        }
        PairData::Corpus(data) => {
            let filter = data.filter(part != Part::Train);
            data.corpus.read(&data.folder(), part.into(), &filter)?
        }
    };
    Ok(Some(Read { pairs, media: None }))
}

fn of_media((media, target): (Media, Vec<String>)) -> Result<Option<Read>> {
    let source = (0..target.len()).map(|index| media.name(index)).collect();
    let pairs = Pairs { source, target, ..Pairs::default() };
    Ok(Some(Read { pairs, media: Some(media) }))
}

impl From<Part> for Split {
    fn from(part: Part) -> Self {
        match part {
            Part::Train => Self::Train,
            Part::Valid => Self::Valid,
            Part::Test => Self::Test,
        }
    }
}
