//! Counts as Parquet: written, read, and made by others.

mod common;

use std::fs;

use common::{arpa_text, order, random_text, trained};
use lampwick_ngram::{Settings, Silent, Source, train_from_shards, write_shards};

/// Writes the shards of a text into a folder.
fn write(text: &str, settings: &Settings, folder: &std::path::Path, name: &str) -> u64 {
    let sources = vec![Source::bytes("text", text)];
    write_shards(sources, settings, &Silent, |number, bytes| {
        fs::write(folder.join(format!("{name}-{number}.parquet")), bytes).unwrap();
        Ok(())
    })
    .unwrap()
}

#[test]
fn shards_give_the_model_of_the_text_however_it_was_cut() {
    let text = random_text(31, 3000, 200);
    let wanted = arpa_text(&trained(&text, &order(4)).table);
    // One folder; two parts of the text in two; and with too little memory to sort at once.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (front, back) = lines.split_at(1100);
    for (parts, memory) in
        [(vec![text.clone()], 1 << 30), (vec![back.concat(), front.concat()], 1 << 18)]
    {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { memory, ..order(4) };
        for (number, part) in parts.iter().enumerate() {
            assert!(write(part, &settings, folder.path(), &format!("part{number}")) > 0);
        }
        let read = train_from_shards(folder.path(), &settings, &Silent).unwrap();
        assert!(arpa_text(&read.table) == wanted);
        assert_eq!(read.text.sentences, 3000);
    }
}

#[test]
fn what_is_no_shard_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let read = || train_from_shards(folder.path(), &order(3), &Silent).unwrap_err().to_string();
    assert!(read().contains("no shard"), "{}", read());
    fs::write(folder.path().join("a.parquet"), b"no Parquet at all").unwrap();
    assert!(read().contains("a.parquet") && read().contains("no Parquet file"), "{}", read());
    fs::remove_file(folder.path().join("a.parquet")).unwrap();
    write("a b\n", &order(3), folder.path(), "three");
    write("a b\n", &order(2), folder.path(), "two");
    assert!(read().contains("order"), "{}", read());
    let path = folder.path().join("three-0.parquet");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(read().contains("three-0.parquet"), "{}", read());
}
