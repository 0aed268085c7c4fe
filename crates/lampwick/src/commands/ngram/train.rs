//! `lampwick ngram train`: text to ARPA.

use std::path::PathBuf;

use lampwick::ngram::{
    Settings, Smoothing, Source, Trained, UnkInText, VocabularyLimits, Words, train,
    words::{self, SPECIAL},
};
use serde_json::json;

use super::convert::{print_arpa, write_arpa};
use super::places::check_out;
use super::progress::Stages;
use super::shards;
use crate::commands::memory;
use crate::commands::places::stdin_once;
use crate::exit::{Exit, Usage};
use crate::machine::Threads;
use lampwick::metrics::figures::count;

/// What `lampwick ngram train` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram train -o 5 text.txt > model.arpa
  zcat corpus/*.gz | lampwick ngram train -o 3 -S 50% -T /big --out model.arpa
  lampwick ngram train -o 4 --prune 0,0,1 text.txt > model.arpa
  lampwick ngram train --prune-entropy 1e-8 text.txt > model.arpa
  lampwick ngram train --vocabulary-size 50000 text.txt > model.arpa
  lampwick ngram train --as-lmplz -o 5 text.txt > model.arpa   entry by entry lmplz's

Each line is a sentence, <s> and </s> are put around it; where they stand in the text they are
left out with a notice (KenLM refuses them). The model is the same for any number of threads and
any memory: what does not fit goes to temporary files in -T, which are gone when the program ends,
however it ends.

Small or closed vocabularies (characters, classes) leave discounts undefined: that order then uses
--fallback, and one warning says so. --strict makes it an error.

A build with `--features parquet` also counts only, to Parquet shards (--counts-out FOLDER), and
estimates from the shards of several machines (--counts-in FOLDER).")]
pub(crate) struct Arguments {
    /// Texts, plain, gzip or zstd, read one after the other; none or - is stdin
    files: Vec<PathBuf>,
    /// Words of the longest n-grams, 1 to 9
    #[arg(short, long, default_value_t = 5, value_name = "N")]
    order: usize,
    /// Where the model goes, packed where the name ends in .gz; without it or with -, stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How counts become probabilities
    #[arg(long, value_enum, default_value_t = Kind::ModifiedKneserNey)]
    smoothing: Kind,
    /// The k of --smoothing add-k [default: 1]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    add: Option<f64>,
    /// Give <unk> all that unigrams leave free, as SRILM does, instead of spreading it evenly
    #[arg(long)]
    no_interpolate_unigrams: bool,
    /// Leave out n-grams that occur at most so often, one threshold an order: 0,0,1
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    prune: Vec<u64>,
    /// Leave out n-grams without which the perplexity rises by less than this share, such as 1e-8; the
    /// ends of n-grams that stay, stay too (SRILM drops some and keeps fewer)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    prune_entropy: Option<f64>,
    /// The word <unk> in the text: a word like any other, left out, or an error
    #[arg(long, value_enum, default_value_t = Unk::Keep)]
    unk_in_text: Unk,
    /// Only words that occur at least so often; others are read as <unk>
    #[arg(long, value_name = "N", default_value_t = 1)]
    vocabulary_min_count: u64,
    /// Only so many words, the most frequent
    #[arg(long, value_name = "N")]
    vocabulary_size: Option<usize>,
    /// Only the words of this file, separated by white space; those that the text lacks stay
    #[arg(long, value_name = "FILE")]
    vocabulary: Option<PathBuf>,
    /// Spread what unigrams leave free over at least so many words
    #[arg(long, value_name = "N", default_value_t = 0)]
    vocab_pad: u64,
    /// Discounts D1,D2,D3+ where the text leaves them undefined
    #[arg(long, value_name = "D,D,D", value_parser = three, default_value = "0.5,1,1.5")]
    fallback: [f64; 3],
    /// Undefined discounts are an error
    #[arg(long)]
    strict: bool,
    /// Take the one count that KenLM's lmplz takes otherwise as lmplz does, for equal discounts
    #[arg(long, conflicts_with_all = ["counts_in", "counts_out"])]
    as_lmplz: bool,
    /// Memory to stay within: 2G, 512M, 50% of the machine's; at least 64M. Text with millions of different
    /// words takes as much as these on top, and temporary files stay mapped while nobody else needs the room
    #[arg(short = 'S', long, value_name = "AMOUNT", default_value = "50%", value_parser = memory::parse)]
    memory: u64,
    /// Folder of temporary files [default: the system's]
    #[arg(short = 'T', long, value_name = "FOLDER")]
    temporary: Option<PathBuf>,
    /// Count only, and write the counts as Parquet shards into this folder
    #[arg(long, hide = !cfg!(feature = "parquet"), value_name = "FOLDER", conflicts_with = "counts_in")]
    counts_out: Option<PathBuf>,
    /// Estimate from the Parquet shards of this folder instead of text
    #[arg(long, hide = !cfg!(feature = "parquet"), value_name = "FOLDER", conflicts_with = "files")]
    counts_in: Option<PathBuf>,
    /// Report as JSON on stderr
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

/// What `--smoothing` can be.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    ModifiedKneserNey,
    KneserNey,
    Absolute,
    WittenBell,
    AddK,
    MaximumLikelihood,
}

/// What `--unk-in-text` can be.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Unk {
    Keep,
    Drop,
    Error,
}

/// Reads `0.5,1,1.5`.
fn three(text: &str) -> Result<[f64; 3], String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    let three = numbers.and_then(|numbers| numbers.try_into().ok());
    three.ok_or_else(|| "three numbers with commas between them, such as 0.5,1,1.5".into())
}

impl Arguments {
    fn settings(&self) -> anyhow::Result<Settings> {
        let words = self.vocabulary.as_ref().map(|path| -> anyhow::Result<Words> {
            let bytes = Source::named(path)?.read_all()?;
            let mut allowed = Words::new();
            for word in words::split(&bytes).filter(|word| !SPECIAL.contains(word)) {
                allowed.intern(word);
            }
            let path = path.display();
            anyhow::ensure!(
                !allowed.is_empty(),
                "{path}: holds no word; give the words of the vocabulary, with white space between them"
            );
            Ok(allowed)
        });
        if self.add.is_some() && !matches!(self.smoothing, Kind::AddK) {
            return Err(
                Usage("--add is the k of --smoothing add-k: give both, or neither".into()).into()
            );
        }
        let settings = Settings {
            order: self.order,
            smoothing: match self.smoothing {
                Kind::ModifiedKneserNey => Smoothing::ModifiedKneserNey,
                Kind::KneserNey => Smoothing::KneserNey,
                Kind::Absolute => Smoothing::Absolute,
                Kind::WittenBell => Smoothing::WittenBell,
                Kind::AddK => Smoothing::AddK(self.add.unwrap_or(1.0)),
                Kind::MaximumLikelihood => Smoothing::MaximumLikelihood,
            },
            interpolate_unigrams: !self.no_interpolate_unigrams,
            vocabulary_pad: self.vocab_pad,
            fallback: self.fallback,
            strict: self.strict,
            prune: self.prune.clone(),
            prune_entropy: self.prune_entropy,
            as_lmplz: self.as_lmplz,
            unk_in_text: match self.unk_in_text {
                Unk::Keep => UnkInText::Keep,
                Unk::Drop => UnkInText::Drop,
                Unk::Error => UnkInText::Error,
            },
            vocabulary: VocabularyLimits {
                min_count: self.vocabulary_min_count,
                size: self.vocabulary_size,
                words: words.transpose()?,
            },
            memory: self.memory - memory::OWN,
            temporary: self.temporary.clone().unwrap_or_else(std::env::temp_dir),
        };
        settings.validate().map_err(|error| Usage(error.to_string()))?;
        Ok(settings)
    }

    /// The file that the model goes to; `None`: stdout.
    fn out(&self) -> Option<&PathBuf> {
        self.out.as_ref().filter(|path| path.as_os_str() != "-")
    }

    /// Refuses what would be found out after hours of counting, or would cost a text.
    fn check_places(&self) -> anyhow::Result<()> {
        if let Some(folder) = self.temporary.as_ref().filter(|folder| !folder.is_dir()) {
            let problem = format!("-T {}: is no folder; name one that is there", folder.display());
            return Err(Usage(problem).into());
        }
        let reads_stdin = self.files.is_empty() && self.counts_in.is_none();
        let stdin = reads_stdin.then(|| PathBuf::from("-"));
        let inputs = || self.files.iter().chain(&self.vocabulary).chain(&stdin);
        stdin_once(inputs())?;
        self.out().map_or(Ok(()), |out| check_out(out, inputs()))
    }

    /// What memory and temporary files will be needed, where the files say how long the text is.
    fn needs(&self, settings: &Settings) -> String {
        let (memory, folder) = (memory::shown(self.memory), settings.temporary.display());
        let Some(need) = self.text_bytes().map(|bytes| memory::needed(bytes, settings.order))
        else {
            return format!(
                "memory: {memory}; what needs more goes to temporary files in {folder}"
            );
        };
        let most = memory::shown(need);
        match need.saturating_sub(settings.memory) {
            0 => format!("memory: {memory}; about {most} is needed, and no temporary files"),
            _ => format!(
                "memory: {memory}; in all about {most} is needed; temporary files in {folder} take \
                 what does not fit"
            ),
        }
    }

    /// Bytes of the text; nothing for standard input and packed files, whose length is not known.
    fn text_bytes(&self) -> Option<u64> {
        let bytes = |path: &PathBuf| {
            let packed = path.extension().is_some_and(|end| end == "gz" || end == "zst");
            let file = std::fs::metadata(path).ok().filter(|file| file.is_file() && !packed);
            file.map(|file| file.len())
        };
        match self.files.is_empty() {
            true => None,
            false => self.files.iter().map(bytes).sum(),
        }
    }

    fn sources(&self) -> anyhow::Result<Vec<Source>> {
        if self.files.is_empty() {
            return Ok(vec![Source::new("standard input", std::io::stdin())?]);
        }
        Ok(self.files.iter().map(Source::later).collect::<Result<_, _>>()?)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.threads.start()?;
    arguments.check_places()?;
    let settings = arguments.settings()?;
    if !arguments.json {
        tell!("{}", arguments.needs(&settings));
    }
    let stages = Stages::new();
    if let Some(folder) = &arguments.counts_out {
        let told = shards::write(arguments.sources()?, &settings, folder, &stages)?;
        stages.finish();
        tell!("{told}");
        return Ok(Exit::Done);
    }
    let trained = match &arguments.counts_in {
        Some(folder) => shards::read(folder, &settings, &stages)?,
        None => train(arguments.sources()?, &settings, &stages)?,
    };
    match arguments.out() {
        Some(path) => write_arpa(&trained.table, path, &stages)?,
        None => print_arpa(&trained.table, &stages)?,
    }
    report(arguments, &trained, &settings);
    Ok(Exit::Done)
}

/// What was read, what came out, and what was not as it should be; on stderr, for stdout may be the
/// model's.
fn report(arguments: &Arguments, trained: &Trained, settings: &Settings) {
    let Trained { text, orders, disk_peak, .. } = trained;
    if arguments.json {
        let orders: Vec<_> = orders
            .iter()
            .map(|order| {
                json!({
                    "counted": order.counted,
                    "kept": order.kept,
                    "counts_of_counts": order.counts_of_counts,
                    "discounts": order.discounts.map(|d| d.amounts),
                    "fallback": order.undefined,
                })
            })
            .collect();
        let object = json!({
            "words": text.words,
            "sentences": text.sentences,
            "unk_in_text": text.unk,
            "dropped_types": text.dropped.types,
            "dropped_tokens": text.dropped.tokens,
            "vocabulary": trained.table.words().len(),
            "orders": orders,
            "temporary_bytes": disk_peak,
        });
        tell!("{object}");
        return;
    }
    tell!(
        "{} words in {} sentences; vocabulary of {}, with <unk>, <s> and </s>",
        count(text.words),
        count(text.sentences),
        count(trained.table.words().len() as u64)
    );
    if text.dropped.types > 0 {
        tell!(
            "notice: the limits of the vocabulary leave out {} different words, {} of the text's words \
             ({:.2} %), which are read as <unk>",
            count(text.dropped.types),
            count(text.dropped.tokens),
            100.0 * text.dropped.tokens as f64 / text.words.max(1) as f64
        );
    }
    tell!("order       n-grams          kept  discounts D1 D2 D3+");
    for (n, order) in orders.iter().enumerate() {
        let discounts = order.discounts.map_or_else(String::new, |discounts| {
            let [d1, d2, d3] = discounts.amounts;
            format!("{d1:.6} {d2:.6} {d3:.6}")
        });
        tell!("{:>5} {:>13} {:>13}  {discounts}", n + 1, count(order.counted), count(order.kept));
    }
    tell!("temporary files: {} at most", memory::shown(*disk_peak));
    if text.unk > 0 {
        let done = match settings.unk_in_text {
            UnkInText::Drop => "left out",
            _ => "kept as a word; unknown words get its probability",
        };
        tell!("notice: <unk> stands {} times in the text: {done}", count(text.unk));
    }
    if text.sentence_marks > 0 {
        tell!(
            "notice: <s> or </s> stands {} times in the text: left out, they are put around each line",
            count(text.sentence_marks)
        );
    }
    let fallen: Vec<String> = orders
        .iter()
        .enumerate()
        .filter_map(|(n, order)| Some(format!("order {} ({})", n + 1, order.undefined.as_ref()?)))
        .collect();
    if !fallen.is_empty() {
        tell!(
            "warning: the text leaves discounts undefined, so these use --fallback: {}",
            fallen.join("; ")
        );
    }
}
