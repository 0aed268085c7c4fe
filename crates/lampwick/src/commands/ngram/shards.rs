//! Counts as Parquet shards, where they are compiled in.

use std::path::Path;

use lampwick::ngram::{Settings, Source, Trained};

use super::progress::Stages;

/// Counts a text into a folder of shards; says what was written.
#[cfg(feature = "parquet")]
pub(super) fn write(
    sources: Vec<Source>,
    settings: &Settings,
    folder: &Path,
    stages: &Stages,
) -> anyhow::Result<String> {
    use std::io::Write;

    use lampwick::data::atomic;
    use lampwick::ngram::{NgramError, write_shards};

    let mut shards = 0;
    let rows = write_shards(sources, settings, stages, |number, bytes| {
        shards = number + 1;
        let path = folder.join(format!("part-{number:05}.parquet"));
        atomic::write(&path, |file| file.write_all(&bytes)).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            NgramError::Write { name: path.display().to_string(), source }
        })
    })?;
    let rows = lampwick::metrics::figures::count(rows);
    Ok(format!("{}: {rows} rows in {shards} shards", folder.display()))
}

/// Estimates from a folder of shards.
#[cfg(feature = "parquet")]
pub(super) fn read(folder: &Path, settings: &Settings, stages: &Stages) -> anyhow::Result<Trained> {
    Ok(lampwick::ngram::train_from_shards(folder, settings, stages)?)
}

#[cfg(not(feature = "parquet"))]
const ABSENT: &str =
    "Parquet is not compiled in: build with `cargo build --release --features parquet`";

#[cfg(not(feature = "parquet"))]
pub(super) fn write(_: Vec<Source>, _: &Settings, _: &Path, _: &Stages) -> anyhow::Result<String> {
    Err(crate::exit::Usage(ABSENT.into()).into())
}

#[cfg(not(feature = "parquet"))]
pub(super) fn read(_: &Path, _: &Settings, _: &Stages) -> anyhow::Result<Trained> {
    Err(crate::exit::Usage(ABSENT.into()).into())
}
