//! Shards, made by anyone, as a model.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use super::{COUNT, word_column};
use crate::corpus::tokens::TextSummary;
use crate::corpus::vocabulary;
use crate::counting::runs::{self, RecordSorter};
use crate::error::{NgramError, Result};
use crate::estimation::settings::{MAX_ORDER, Settings};
use crate::estimation::train::{CountedText, Trained, estimate};
use crate::progress::{Progress, Stage};
use crate::storage::Storage;
use crate::words::{BOS, EOS, UNK, Words};

/// Rows that are read at a time.
const BATCH: usize = 1 << 16;

/// Estimates from the shards (`*.parquet`) of a folder what [`train`](crate::train) estimates from the
/// text that was counted. Without an order in the settings' sense: the shards have one.
///
/// # Errors
///
/// [`NgramError::Shard`] names the shard and what does not follow the schema; otherwise as
/// [`train`](crate::train).
pub fn train_from_shards(
    folder: &Path,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Trained> {
    let paths = shards(folder)?;
    let order = open(&paths[0])?.1;
    let settings = Settings { order, ..settings.clone() };
    settings.validate()?;
    let storage = Storage::new(settings.memory, &settings.temporary);
    progress.stage(Stage::Reading, Some(paths.len() as u64));
    let mut words = Words::with_special();
    let mut counts = vec![0u64; 3];
    for (done, path) in paths.iter().enumerate() {
        each_row(path, order, |ngram, count| {
            for word in ngram {
                words.intern(word.data());
            }
            counts.resize(words.len(), 0);
            if let Some(first) = ngram.first().and_then(|word| words.get(word.data())) {
                counts[first as usize] += count;
            }
            Ok(())
        })?;
        progress.at(done as u64 + 1);
    }
    let sum: u64 = counts.iter().sum();
    let text = TextSummary {
        words: sum - counts[BOS as usize] - counts[EOS as usize],
        sentences: counts[EOS as usize],
        unk: counts[UNK as usize],
        ..TextSummary::default()
    };
    if text.sentences == 0 {
        return Err(NgramError::EmptyText { name: folder.display().to_string() });
    }
    let chosen = vocabulary::choose(&words, &counts, &settings.vocabulary)?;
    let text = TextSummary { dropped: chosen.dropped, ..text };
    let mut sorter = RecordSorter::new(order, &storage);
    progress.stage(Stage::Counting, Some(paths.len() as u64));
    for (done, path) in paths.iter().enumerate() {
        let mut ids = Vec::with_capacity(order);
        let mut full = Ok(());
        each_row(path, order, |ngram, count| {
            ids.clear();
            for word in ngram {
                let id = words.get(word.data()).ok_or("the shard changed while it was read")?;
                ids.push(chosen.renamed[id as usize]);
            }
            if full.is_ok() {
                full = sorter.push(&ids, count);
            }
            Ok(())
        })?;
        full?;
        progress.at(done as u64 + 1);
    }
    let size = chosen.words.len();
    let trie = runs::merge(sorter.finish()?, order, size, &storage, progress)?;
    let counted = CountedText { trie, words: chosen.words, text, last: Vec::new() };
    estimate(counted, &settings, &storage, progress)
}

/// The shards of a folder, by name.
fn shards(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = |error| NgramError::read(folder.display().to_string(), error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            paths.push(path);
        }
    }
    paths.sort();
    match paths.is_empty() {
        true => Err(NgramError::shard(folder, "holds no shard (*.parquet)")),
        false => Ok(paths),
    }
}

/// A shard, and its order.
fn open(path: &Path) -> Result<(SerializedFileReader<File>, usize)> {
    let file =
        File::open(path).map_err(|error| NgramError::read(path.display().to_string(), error))?;
    let reader = SerializedFileReader::new(file)
        .map_err(|error| NgramError::shard(path, format!("no Parquet file: {error}")))?;
    let columns = reader.metadata().file_metadata().schema_descr();
    let has = |name: &str| columns.columns().iter().any(|column| column.name() == name);
    let order = (1..).take_while(|&n| has(&word_column(n))).count();
    if !(1..=MAX_ORDER).contains(&order) || !has(COUNT) || columns.num_columns() != order + 1 {
        return Err(NgramError::shard(
            path,
            format!(
                "has the columns {:?}; the schema is w1 .. wN, at most w{MAX_ORDER}, and {COUNT}",
                columns.columns().iter().map(|column| column.name()).collect::<Vec<_>>()
            ),
        ));
    }
    Ok((reader, order))
}

/// Goes through the rows of a shard, which has to be of that order.
fn each_row(
    path: &Path,
    order: usize,
    mut take: impl FnMut(&[ByteArray], u64) -> Result<(), &'static str>,
) -> Result<()> {
    let (reader, own) = open(path)?;
    if own != order {
        let problem = format!("is of order {own}, another shard of order {order}; count with one");
        return Err(NgramError::shard(path, problem));
    }
    let wrong = |error: parquet::errors::ParquetError| NgramError::shard(path, error.to_string());
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(wrong)?;
        let names: Vec<String> = group
            .metadata()
            .columns()
            .iter()
            .map(|column| column.column_descr().name().to_owned())
            .collect();
        let place = |name: &str| names.iter().position(|own| own == name).unwrap_or(usize::MAX);
        let mut columns = (1..=order)
            .map(|n| WordColumn::open(&*group, place(&word_column(n))))
            .collect::<parquet::errors::Result<Vec<_>>>()
            .map_err(wrong)?;
        let mut counts = group.get_column_reader(place(COUNT)).map_err(wrong)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let batch = read_counts(&mut counts, left.min(BATCH)).map_err(wrong)?;
            let length = batch.len();
            if length == 0 {
                return Err(NgramError::shard(path, "ends before its rows do; fetch it again"));
            }
            let words: Vec<Vec<Option<ByteArray>>> = columns
                .iter_mut()
                .map(|column| column.read(length))
                .collect::<parquet::errors::Result<_>>()
                .map_err(wrong)?;
            let mut ngram = Vec::with_capacity(order);
            for (row, count) in batch.into_iter().enumerate() {
                ngram.clear();
                let mut cells = words.iter().map(|column| column.get(row).cloned().flatten());
                ngram.extend(cells.by_ref().map_while(|cell| cell));
                let checked = check(&ngram, cells.any(|cell| cell.is_some()), order, count);
                checked
                    .and_then(|count| take(&ngram, count))
                    .map_err(|problem| NgramError::shard(path, problem))?;
            }
            left -= length;
        }
    }
    Ok(())
}

/// Whether a row follows the schema; gives its count.
fn check(ngram: &[ByteArray], more: bool, order: usize, count: i64) -> Result<u64, &'static str> {
    if ngram.is_empty() {
        return Err("has a row whose w1 is null");
    }
    if more {
        return Err("has a row with a word behind a null");
    }
    if ngram[1..].iter().any(|word| word.data() == b"<s>") {
        return Err("has a row with <s> behind the first word; sentences are counted one by one");
    }
    let ends = |word: &ByteArray| word.data() == b"</s>";
    let last = ngram.len() - 1;
    if ngram[..last].iter().any(ends) || (ngram.len() < order && !ends(&ngram[last])) {
        return Err("has a row that ends before or behind </s>; fill the columns up to </s>");
    }
    u64::try_from(count).ok().filter(|&count| count > 0).ok_or("has a count below 1")
}

/// A column of words.
struct WordColumn {
    reader: parquet::column::reader::ColumnReaderImpl<parquet::data_type::ByteArrayType>,
    optional: bool,
}

impl WordColumn {
    fn open(group: &dyn RowGroupReader, index: usize) -> parquet::errors::Result<Self> {
        let optional = group
            .metadata()
            .columns()
            .get(index)
            .is_some_and(|column| column.column_descr().max_def_level() > 0);
        match group.get_column_reader(index)? {
            ColumnReader::ByteArrayColumnReader(reader) => Ok(Self { reader, optional }),
            _ => Err(parquet::errors::ParquetError::General(
                "a column of words is not of type BYTE_ARRAY".into(),
            )),
        }
    }

    /// The next so many cells.
    fn read(&mut self, length: usize) -> parquet::errors::Result<Vec<Option<ByteArray>>> {
        let (mut cells, mut levels, mut values) = (Vec::new(), Vec::new(), Vec::new());
        while cells.len() < length {
            levels.clear();
            values.clear();
            let wanted = length - cells.len();
            let levels_wanted = self.optional.then_some(&mut levels);
            let (read, ..) = self.reader.read_records(wanted, levels_wanted, None, &mut values)?;
            if read == 0 {
                break;
            }
            let mut values = values.drain(..);
            if self.optional {
                cells.extend(
                    levels.iter().map(|&level| if level > 0 { values.next() } else { None }),
                );
            } else {
                cells.extend(values.map(Some));
            }
        }
        Ok(cells)
    }
}

/// The next so many counts.
fn read_counts(reader: &mut ColumnReader, most: usize) -> parquet::errors::Result<Vec<i64>> {
    let mut levels = Vec::new();
    let (mut long, mut short) = (Vec::new(), Vec::new());
    let (rows, values, _) = match reader {
        ColumnReader::Int64ColumnReader(reader) => {
            reader.read_records(most, Some(&mut levels), None, &mut long)?
        }
        ColumnReader::Int32ColumnReader(reader) => {
            reader.read_records(most, Some(&mut levels), None, &mut short)?
        }
        _ => {
            return Err(parquet::errors::ParquetError::General(
                "the column `count` is not of type INT64".into(),
            ));
        }
    };
    if rows != values {
        return Err(parquet::errors::ParquetError::General(
            "has a row whose count is null; leave such rows out".into(),
        ));
    }
    long.extend(short.into_iter().map(i64::from));
    Ok(long)
}
