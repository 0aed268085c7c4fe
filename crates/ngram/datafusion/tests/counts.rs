//! The shards of a text by DataFusion's SQL: row for row those that `lampwick ngram train
//! --counts-out` writes, and the same model from either.

use std::fs;
use std::path::Path;

use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use lampwick_ngram::{
    Settings, Silent, Source, Trained, arpa, train, train_from_shards, write_shards,
};

/// One row for each n-gram that begins at a position and goes on for three words or to the end of its
/// sentence: an element behind the end of an array is null, as the schema wants it.
const COUNTS: &str = "
    SELECT w[p] AS w1, w[p + 1] AS w2, w[p + 2] AS w3, count(*) AS count
    FROM (SELECT w, unnest(range(1, CAST(array_length(w) AS BIGINT) + 1)) AS p
          FROM (SELECT array_append(array_prepend('<s>',
                           array_remove_all(string_to_array(line, ' '), '')), '</s>') AS w
                FROM text))
    GROUP BY w1, w2, w3
    ORDER BY w1, w2, w3";

const ORDER: usize = 3;

/// Lines over some words, the first of them frequent; two spaces here and there, and empty lines.
fn text() -> String {
    let mut state = 7u64;
    let mut below = |limit: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let mut text = String::new();
    for _ in 0..2000 {
        for _ in 0..below(9) {
            let word = below(120).min(below(120));
            text += &format!("lamp{word}{}", [" ", "  "][usize::from(below(20) == 0)]);
        }
        text += "\n";
    }
    text
}

fn settings() -> Settings {
    Settings { order: ORDER, ..Settings::default() }
}

fn as_arpa(trained: &Trained) -> Vec<u8> {
    let mut bytes = Vec::new();
    arpa::write(&trained.table, &mut bytes, &Silent).unwrap();
    bytes
}

/// Counts by SQL: the lines as a table, the rows as Parquet files in `folder`.
async fn count_by_sql(text: &str, folder: &Path) -> datafusion::error::Result<()> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(3));
    let lines: Vec<&str> = text.lines().collect();
    let array = datafusion::arrow::array::StringArray::from(lines);
    let batch = datafusion::arrow::array::RecordBatch::try_from_iter([(
        "line",
        std::sync::Arc::new(array) as datafusion::arrow::array::ArrayRef,
    )])?;
    context.register_batch("text", batch)?;
    let counts = context.sql(COUNTS).await?;
    counts.write_parquet(folder.to_str().unwrap(), DataFrameWriteOptions::new(), None).await?;
    Ok(())
}

/// How many rows of each folder the other lacks.
async fn differences(one: &Path, other: &Path) -> datafusion::error::Result<(usize, usize, usize)> {
    let context = SessionContext::new();
    for (name, folder) in [("one", one), ("other", other)] {
        let path = folder.to_str().unwrap();
        context.register_parquet(name, path, ParquetReadOptions::default()).await?;
    }
    let rows = |sql: &'static str| {
        let context = context.clone();
        async move { context.sql(sql).await?.count().await }
    };
    Ok((
        rows("SELECT * FROM one EXCEPT SELECT * FROM other").await?,
        rows("SELECT * FROM other EXCEPT SELECT * FROM one").await?,
        rows("SELECT * FROM one").await?,
    ))
}

#[test]
fn datafusion_makes_the_same_shards_and_so_the_same_model() {
    let text = text();
    let (by_sql, by_us) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(count_by_sql(&text, by_sql.path())).unwrap();
    let source = || vec![Source::bytes("text", text.as_bytes())];
    let rows = write_shards(source(), &settings(), &Silent, |number, bytes| {
        fs::write(by_us.path().join(format!("part-{number}.parquet")), bytes).unwrap();
        Ok(())
    });
    let (missing, more, all) = runtime.block_on(differences(by_us.path(), by_sql.path())).unwrap();
    assert_eq!((missing, more, all as u64), (0, 0, rows.unwrap()));

    let from_text = as_arpa(&train(source(), &settings(), &Silent).unwrap());
    for folder in [by_sql.path(), by_us.path()] {
        let from_shards = train_from_shards(folder, &settings(), &Silent).unwrap();
        assert!(as_arpa(&from_shards) == from_text, "{}", folder.display());
        assert_eq!(from_shards.text.sentences, 2000);
    }
}

#[test]
fn a_count_that_is_null_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let write = async {
        let sql = "SELECT '</s>' AS w1, 1 AS count UNION ALL SELECT '</s>' AS w1, NULL AS count";
        let rows = SessionContext::new().sql(sql).await?;
        rows.write_parquet(folder.path().to_str().unwrap(), DataFrameWriteOptions::new(), None)
            .await
    };
    runtime.block_on(write).unwrap();
    let error = train_from_shards(folder.path(), &settings(), &Silent).unwrap_err().to_string();
    assert!(error.contains("count is null") && error.contains(".parquet"), "{error}");
}
