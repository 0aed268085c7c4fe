//! `lampwick ngram info`: what is in a model.

use std::io::Write;
use std::path::PathBuf;

use lampwick::ngram::Model;
use serde_json::json;

use super::opened::{self, Found};
use crate::commands::memory;
use crate::exit::Exit;
use lampwick::metrics::figures::count;

/// What `lampwick ngram info` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram info model.bin
  lampwick ngram info model.bin --verify        read all of it and compare the checksums
  lampwick ngram info model.arpa --json | jq .ngrams

The other commands check the head of a binary model and that its parts have the lengths that it
says, not every byte: that would read all of a file which they map. Where a file may be damaged,
--verify tells.")]
pub(crate) struct Arguments {
    /// The model: binary, or ARPA
    model: PathBuf,
    /// Check every byte of a binary model
    #[arg(long)]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let path = &arguments.model;
    // A pipe has no size.
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    let bytes = metadata.map(|metadata| metadata.len());
    let (kind, counts, vocabulary) = match opened::find(path)? {
        Found::Binary => {
            let model = Model::open(path)?;
            if arguments.verify {
                model
                    .verify()
                    .map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))?;
            }
            (model.kind(), model.counts().to_vec(), model.vocabulary().len())
        }
        Found::Arpa(source) => {
            let table = opened::arpa(source)?;
            ("ARPA", table.counts(), table.words().len())
        }
    };
    let ngrams: u64 = counts.iter().sum();
    let each = |bytes: u64| bytes as f64 / ngrams.max(1) as f64;
    let mut out = crate::output::stdout();
    if arguments.json {
        let object = json!({
            "kind": kind,
            "order": counts.len(),
            "ngrams": counts,
            "vocabulary": vocabulary,
            "bytes": bytes,
            "bytes_per_ngram": bytes.map(each),
            "verified": arguments.verify && kind != "ARPA",
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    writeln!(out, "kind        {kind}")?;
    writeln!(out, "vocabulary  {} (with <unk>, <s>, </s>)", count(vocabulary as u64))?;
    for (n, &grams) in counts.iter().enumerate() {
        writeln!(out, "{}-grams     {}", n + 1, count(grams))?;
    }
    if let Some(bytes) = bytes {
        writeln!(out, "size        {}, {:.2} bytes an n-gram", memory::shown(bytes), each(bytes))?;
    }
    if arguments.verify && kind != "ARPA" {
        writeln!(out, "checksums   all right")?;
    }
    Ok(Exit::Done)
}
