//! `ngram`: modified Kneser-Ney on the Penn Treebank, orders 2 to 6, beside KenLM.
//!
//! `lmplz` refuses `<unk>` in the text, so its figures were made with another word in its place; so
//! are these. Where `lmplz` is installed, the 5-gram models are compared entry by entry.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::figure::{Figure, Reference};
use super::results::{Results, Table};
use super::session::Session;
use crate::bench::Kenlm;
use crate::ci::program;

/// Order, and KenLM's perplexity on the validation and the test set.
const PUBLISHED: [(u32, f64, f64); 5] = [
    (2, 199.02, 185.70),
    (3, 157.77, 148.28),
    (4, 149.90, 142.72),
    (5, 148.01, 141.19),
    (6, 147.36, 140.84),
];

/// Of the 5-gram model: n-grams, and the discounts that lmplz prints.
const ORDERS: [(u64, [f64; 3]); 5] = [
    (10_002, [0.25656, 0.82888, 1.26492]),
    (264_990, [0.727802, 1.09876, 1.4713]),
    (586_558, [0.868879, 1.25462, 1.44822]),
    (717_733, [0.942828, 1.38314, 1.43173]),
    (737_952, [0.959671, 1.3879, 1.24171]),
];

const SOURCE: &str = "KenLM, lmplz and query, on the same text";

pub(super) fn run(_: &Session) -> Result<Results> {
    let data = std::env::var_os("LAMPWICK_DATA")
        .context("LAMPWICK_DATA is not set: name a folder with ptb/ptb.{train,valid,test}.txt")?;
    let folder = tempfile::tempdir()?;
    let program = program::path()?;
    let text = |part: &str| -> Result<PathBuf> {
        let name = format!("ptb.{part}.txt");
        let from = PathBuf::from(&data).join("ptb").join(&name);
        let text = fs::read_to_string(&from).with_context(|| from.display().to_string())?;
        let path = folder.path().join(name);
        fs::write(&path, text.replace("<unk>", "UNKNOWN"))?;
        Ok(path)
    };
    let (train, valid, test_text) = (text("train")?, text("valid")?, text("test")?);
    let mut results = Results::new("n-gram models on the Penn Treebank");
    results.notes.push(
        "Interpolated modified Kneser-Ney, nothing pruned, `--as-lmplz`; every word and </s> scored. \
         A figure is how far ours lies from KenLM's, which is given to two decimals."
            .into(),
    );
    let head = ["order", "valid", "KenLM", "test", "KenLM", "n-grams"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for (order, on_valid, on_test) in PUBLISHED {
        let model = folder.path().join(format!("{order}.arpa"));
        let mut command = Command::new(&program);
        command.args(["ngram", "train", "--as-lmplz", "--json", "-o", &order.to_string(), "--out"]);
        let report: Value =
            serde_json::from_slice(&output(command.arg(&model).arg(&train))?.stderr)?;
        let score = |text: &Path| -> Result<f64> {
            let mut command = Command::new(&program);
            command.args(["ngram", "perplexity", "--json"]).arg(&model).arg(text);
            let said: Value = serde_json::from_slice(&output(&mut command)?.stdout)?;
            said["perplexity"].as_f64().context("no perplexity")
        };
        let (valid, test) = (score(&valid)?, score(&test_text)?);
        for (name, found, published) in [("valid", valid, on_valid), ("test", test, on_test)] {
            let what = format!("order {order}, {name} perplexity: distance from {published}");
            results.figures.push(distance(what, (found - published).abs(), 0.0051));
        }
        let kept = report["orders"].as_array().context("no orders")?;
        let all: u64 = kept.iter().filter_map(|order| order["kept"].as_u64()).sum();
        let cells = [order.to_string(), format!("{valid:.2}"), format!("{on_valid:.2}")];
        let more = [format!("{test:.2}"), format!("{on_test:.2}"), all.to_string()];
        rows.push(cells.into_iter().chain(more).collect());
        if order == 5 {
            for (n, (ours, (ngrams, discounts))) in kept.iter().zip(ORDERS).enumerate() {
                let count = ours["kept"].as_u64().unwrap_or(0).abs_diff(ngrams);
                let what = format!("{}-grams: distance from {ngrams}", n + 1);
                results.figures.push(distance(what, count as f64, 0.0));
                let farthest = discounts.iter().enumerate().map(|(index, d)| {
                    (ours["discounts"][index].as_f64().unwrap_or(f64::NAN) - d).abs()
                });
                let farthest = farthest.fold(0.0, f64::max);
                let what = format!("discounts of order {}: farthest from {discounts:?}", n + 1);
                results.figures.push(distance(what, farthest, 1e-5));
            }
            beside_kenlm(&train, &test_text, (&model, test), folder.path(), &mut results)?;
        }
    }
    results.tables.push(Table { title: "Perplexity per word".into(), rows });
    Ok(results)
}

fn distance(what: String, measured: f64, most: f64) -> Figure {
    let reference = Reference::AtMost(most);
    Figure { what, measured: Some(measured), reference, source: SOURCE.into() }
}

/// The farthest logarithm between lmplz's 5-gram model and ours, and how far the perplexity that
/// `query` prints for its own lies from ours.
fn beside_kenlm(
    train: &Path,
    test: &Path,
    (ours, perplexity): (&Path, f64),
    folder: &Path,
    results: &mut Results,
) -> Result<()> {
    let farthest = "5-gram ARPA: farthest log10 of any entry from lmplz's";
    let printed = "5-gram, test perplexity: distance from what KenLM's query prints";
    let mut figure = distance(farthest.into(), 0.0, 1e-5);
    let mut other = distance(printed.into(), 0.0, 5e-5);
    let Some(kenlm) = Kenlm::find() else {
        (figure.measured, other.measured) = (None, None);
        results.notes.push("lmplz was not found (LAMPWICK_KENLM, PATH).".into());
        results.figures.extend([figure, other]);
        return Ok(());
    };
    let theirs = folder.join("lmplz.arpa");
    let mut command = kenlm.command("lmplz");
    command.args(["-o", "5", "-S", "1G", "--text"]).arg(train).arg("--arpa").arg(&theirs);
    output(command.arg("-T").arg(folder))?;
    let (ours, theirs) = (fs::read_to_string(ours)?, fs::read_to_string(theirs)?);
    let (ours, theirs) = (logarithms(&ours), logarithms(&theirs));
    if ours.len() != theirs.len() {
        bail!("{} n-grams, where lmplz has {}", ours.len(), theirs.len());
    }
    let mut farthest = 0.0f64;
    for (ngram, (log10, backoff)) in &theirs {
        let (p, b) = ours.get(ngram).with_context(|| format!("`{ngram}` is missing"))?;
        farthest = farthest.max((p - log10).abs()).max((b - backoff).abs());
    }
    figure.measured = Some(farthest);
    let mut command = kenlm.command("query");
    command.args(["-v", "summary"]).arg(folder.join("lmplz.arpa")).stdin(File::open(test)?);
    let said = command.stderr(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let printed = said.lines().find_map(|line| line.strip_prefix("Perplexity including OOVs:"));
    let printed: f64 = printed.context("query printed no perplexity")?.trim().parse()?;
    other.measured = Some((printed - perplexity).abs());
    results.figures.extend([figure, other]);
    Ok(())
}

/// n-gram -> logarithm and backoff.
fn logarithms(arpa: &str) -> HashMap<&str, (f64, f64)> {
    let entry = |line: &'_ str| -> Option<(f64, f64)> {
        let mut fields = line.split('\t');
        let log10 = fields.next()?.parse().ok()?;
        Some((log10, fields.nth(1).map_or(Some(0.0), |text| text.parse().ok())?))
    };
    arpa.lines().filter_map(|line| Some((line.split('\t').nth(1)?, entry(line)?))).collect()
}

/// Runs a program that has to end well.
fn output(command: &mut Command) -> Result<std::process::Output> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_an_arpa_file() {
        let arpa = "\\2-grams:\n-0.5\ta b\t-0.25\n-1\tc d\n\\end\\\n";
        let expected = HashMap::from([("a b", (-0.5, -0.25)), ("c d", (-1.0, 0.0))]);
        assert_eq!(logarithms(arpa), expected);
    }
}
