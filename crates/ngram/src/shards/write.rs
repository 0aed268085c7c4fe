//! A text as shards.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{COUNT, word_column};
use crate::corpus::{Source, VocabularyLimits};
use crate::counting::runs::NONE;
use crate::counting::trie::Trie;
use crate::error::{NgramError, Result};
use crate::estimation::settings::Settings;
use crate::estimation::train::count_by_bytes;
use crate::links::range;
use crate::progress::{Progress, Stage};
use crate::storage::Storage;
use crate::words::Words;

/// Rows of a shard.
const ROWS: usize = 1 << 20;

/// Counts a text and hands over each shard as the bytes of a file, with its number. Of the settings
/// the order, the budget and `unk_in_text` matter; the vocabulary is limited by whoever reads.
///
/// Gives the number of rows.
///
/// # Errors
///
/// As [`train`](crate::train) before anything is estimated, and what `take` gives.
pub fn write_shards(
    sources: Vec<Source>,
    settings: &Settings,
    progress: &dyn Progress,
    take: impl FnMut(usize, Vec<u8>) -> Result<()>,
) -> Result<u64> {
    settings.validate()?;
    let settings = Settings { vocabulary: VocabularyLimits::default(), ..settings.clone() };
    let storage = Storage::new(settings.memory, &settings.temporary);
    let counted = count_by_bytes(sources, &settings, &storage, progress)?;
    let mut shards = Shards::new(&counted.words, settings.order, take);
    progress.stage(Stage::Writing, Some(counted.words.len() as u64));
    let mut path = Vec::with_capacity(settings.order);
    for word in 0..counted.words.len() {
        rows(&counted.trie, 0, word, &mut path, &mut shards)?;
        progress.at(word as u64);
    }
    shards.finish()
}

/// The rows of an n-gram and of all that it begins, in order.
fn rows<F: FnMut(usize, Vec<u8>) -> Result<()>>(
    trie: &Trie,
    level: usize,
    node: usize,
    path: &mut Vec<u32>,
    shards: &mut Shards<'_, F>,
) -> Result<()> {
    path.push(trie.levels[level].words[node]);
    let children = range(&trie.levels[level].children, node);
    let mut own = trie.levels[level].counts.get(node);
    for child in children.clone() {
        own -= trie.levels[level + 1].counts.get(child);
    }
    if own > 0 {
        shards.push(path, own)?;
    }
    for child in children {
        rows(trie, level + 1, child, path, shards)?;
    }
    path.pop();
    Ok(())
}

/// Rows on their way into shards.
struct Shards<'a, F> {
    words: &'a Words,
    order: usize,
    schema: Arc<Type>,
    /// The words of each row, [`NONE`] behind the last.
    rows: Vec<u32>,
    counts: Vec<i64>,
    written: usize,
    total: u64,
    take: F,
}

impl<'a, F: FnMut(usize, Vec<u8>) -> Result<()>> Shards<'a, F> {
    fn new(words: &'a Words, order: usize, take: F) -> Self {
        let text = words.iter().all(|word| std::str::from_utf8(word).is_ok());
        let schema = Arc::new(schema(order, text).expect("a schema that is tested"));
        let (rows, counts) = (Vec::new(), Vec::new());
        Self { words, order, schema, rows, counts, written: 0, total: 0, take }
    }

    fn push(&mut self, ngram: &[u32], count: u64) -> Result<()> {
        self.rows.extend_from_slice(ngram);
        self.rows.resize(self.rows.len() + self.order - ngram.len(), NONE);
        self.counts.push(i64::try_from(count).unwrap_or(i64::MAX));
        self.total += 1;
        if self.counts.len() == ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let file = self.encode().map_err(|error| NgramError::Setting(error.to_string()))?;
        (self.take)(self.written, file)?;
        self.written += 1;
        self.rows.clear();
        self.counts.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<u64> {
        if !self.counts.is_empty() {
            self.flush()?;
        }
        Ok(self.total)
    }

    fn encode(&self) -> ParquetResult<Vec<u8>> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let mut file =
            SerializedFileWriter::new(Vec::new(), self.schema.clone(), Arc::new(properties))?;
        let mut group = file.next_row_group()?;
        for column in 0..self.order {
            let ids = self.rows.iter().skip(column).step_by(self.order);
            let present: Vec<i16> = ids.clone().map(|&id| i16::from(id != NONE)).collect();
            let words: Vec<ByteArray> = ids
                .filter(|&&id| id != NONE)
                .map(|&id| ByteArray::from(self.words.word(id).to_vec()))
                .collect();
            let mut writer = group.next_column()?.expect("a column for each word");
            let levels = (column > 0).then_some(&present[..]);
            writer.typed::<ByteArrayType>().write_batch(&words, levels, None)?;
            writer.close()?;
        }
        let mut writer = group.next_column()?.expect("the column of counts");
        writer.typed::<Int64Type>().write_batch(&self.counts, None, None)?;
        writer.close()?;
        group.close()?;
        file.into_inner()
    }
}

fn schema(order: usize, text: bool) -> ParquetResult<Type> {
    let mut fields = Vec::with_capacity(order + 1);
    for n in 1..=order {
        let repetition = if n == 1 { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        let field = Type::primitive_type_builder(&word_column(n), Physical::BYTE_ARRAY)
            .with_repetition(repetition)
            .with_logical_type(text.then_some(LogicalType::String))
            .build()?;
        fields.push(Arc::new(field));
    }
    let count = Type::primitive_type_builder(COUNT, Physical::INT64)
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    fields.push(Arc::new(count));
    Type::group_type_builder("ngrams").with_fields(fields).build()
}
