//! `cargo xtask bench embeddings`: training and loading beside gensim, fastText and GloVe's own program.
//!
//! The same text and parameters: 100 dimensions, window 5, 5 negatives, words of 5 occurrences, frequent words
//! left out above 1e-4, one epoch. What is compared is training alone, the words of the text by the seconds
//! from the first update to the last; of fastText, whose reading cannot be told apart, the whole. Loading is
//! the whole of our program (`embed info`, which also computes each vector's length) beside gensim's call.
//! The sides take turns; a figure is the median over the rounds.
//!
//! Neighbours have no peer but the machine: a query alone can be answered no faster than memory gives the rows,
//! and how fast that is is measured by adding them up.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cargo::{cargo, root, run as run_command, target_directory};
use crate::numbers::{figure, median, ratio, table};

use super::side::Side;

/// Names a Python that can import gensim and fasttext.
pub(crate) const PYTHON: &str = "LAMPWICK_EMBEDDINGS_PYTHON";

/// Names the folder with GloVe's vocab_count, cooccur, shuffle and glove.
pub(crate) const GLOVE: &str = "LAMPWICK_GLOVE";

/// What `cargo xtask bench embeddings` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Rounds; a figure is the median over all of them
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Numbers of threads that are measured
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Words of the text
    #[arg(long, default_value_t = 2_000_000)]
    words: usize,
    /// Vectors of 300 numbers in the file that is loaded, and of which neighbours are asked
    #[arg(long, default_value_t = 1_000_000)]
    vectors: usize,
    /// Only these, of sg, sg-hs, cbow, fasttext, glove, load, nn, index
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// What a kind is called by the sides.
const KINDS: [(&str, &[&str]); 4] = [
    ("sg", &["--model", "skipgram"]),
    ("sg-hs", &["--model", "skipgram", "--loss", "hs"]),
    ("cbow", &["--model", "cbow"]),
    ("fasttext", &["--model", "fasttext"]),
];

/// One row: what was measured, ours and theirs.
#[derive(Serialize)]
struct Row {
    case: String,
    lampwick: Option<f64>,
    peer: &'static str,
    theirs: Option<f64>,
    /// Above 1, ours is the better.
    ratio: Option<f64>,
}

impl Row {
    /// Of speeds.
    fn new(case: String, peer: &'static str, ours: &[f64], theirs: &[f64]) -> Self {
        let (lampwick, theirs) = (median(ours), median(theirs));
        let ratio = lampwick.zip(theirs).map(|(ours, theirs)| ours / theirs);
        Self { case, lampwick, peer, theirs, ratio }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let data = env::var_os("LAMPWICK_DATA")
        .context("LAMPWICK_DATA is not set: name a folder with wiki17m.txt.gz")?;
    run_command(&mut cargo(&["build", "--quiet", "--release", "--workspace"]))?;
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        arguments,
        program: target_directory()?.join("release").join("lampwick"),
        python: env::var_os(PYTHON),
        glove: env::var_os(GLOVE).map(PathBuf::from),
        folder: folder.path().to_owned(),
    };
    let text = bench.text(&PathBuf::from(data).join("wiki17m.txt.gz"))?;
    let mut rows = Vec::new();
    for &threads in &arguments.threads {
        for (kind, options) in KINDS {
            if bench.wants(kind) {
                rows.extend(bench.words(kind, options, &text, threads)?);
            }
        }
        if bench.wants("glove") {
            rows.push(bench.glove(&text, threads)?);
        }
    }
    if bench.wants("load") {
        rows.push(bench.load()?);
    }
    if bench.wants("nn") {
        for &threads in &arguments.threads {
            rows.extend(bench.neighbours(threads)?);
        }
    }
    if bench.wants("index") {
        for &threads in &arguments.threads {
            rows.push(bench.index(&text, threads)?);
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&json!({"rows": rows}))?);
        return Ok(());
    }
    println!(
        "d 100, window 5, one epoch, {} words; medians over {} rounds\n",
        arguments.words, arguments.rounds
    );
    let head = ["", "Lampwick", "peer", "", "Lampwick / peer"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| {
        let name = row.peer.to_owned();
        vec![row.case.clone(), figure(row.lampwick), figure(row.theirs), name, ratio(row.ratio)]
    });
    print!("{}", table(&std::iter::once(head).chain(lines).collect::<Vec<_>>()));
    Ok(())
}

struct Bench<'a> {
    arguments: &'a Arguments,
    program: PathBuf,
    python: Option<OsString>,
    glove: Option<PathBuf>,
    folder: PathBuf,
}

impl Bench<'_> {
    fn wants(&self, kind: &str) -> bool {
        self.arguments.only.is_empty() || self.arguments.only.iter().any(|only| only == kind)
    }

    /// The first words of the text, whole lines of it.
    fn text(&self, packed: &Path) -> Result<PathBuf> {
        let mut unpack = Command::new("gzip");
        let mut child = unpack.arg("-dc").arg(packed).stdout(Stdio::piped()).spawn()?;
        let path = self.folder.join("text");
        let mut out = BufWriter::new(File::create(&path)?);
        let mut words = 0;
        for line in BufReader::new(child.stdout.take().context("piped")?).lines() {
            let line = line?;
            words += line.split_whitespace().count();
            writeln!(out, "{line}")?;
            if words >= self.arguments.words {
                break;
            }
        }
        out.flush()?;
        let _ = child.kill();
        child.wait()?;
        Ok(path)
    }

    /// Our training; its JSON.
    fn ours(&self, options: &[&str], text: &Path, threads: usize) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(["embed", "train", "--json", "--epochs", "1", "--window", "5"]).args(options);
        command.arg("--threads").arg(threads.to_string()).arg(text).arg("-o");
        let output = command.arg(self.folder.join("ours.lwv")).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.lines().last().unwrap_or_default();
        if !output.status.success() {
            bail!("{command:?} failed: {said}");
        }
        serde_json::from_str(last).with_context(|| format!("{command:?} said {said}"))
    }

    fn python(&self, arguments: &[&str]) -> Result<Option<f64>> {
        let Some(python) = &self.python else { return Ok(None) };
        let mut command = Command::new(python);
        command.arg(root().join("xtask/peers/embeddings.py")).args(arguments);
        command.env("OMP_NUM_THREADS", "1").env("OPENBLAS_NUM_THREADS", "1");
        let output = command.stderr(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = said.lines().last().unwrap_or_default();
        let said: Value = serde_json::from_str(last)
            .with_context(|| format!("{}: can it import gensim and fasttext?", python.display()))?;
        Ok(said["seconds"].as_f64())
    }

    /// Thousands of the text's words a second.
    fn words(&self, kind: &str, options: &[&str], text: &Path, threads: usize) -> Result<Vec<Row>> {
        let options = [options, &["--sample", "1e-4", "--lr", "0.025"]].concat();
        let (path, count) = (text.display().to_string(), threads.to_string());
        let (mut ours, mut gensim, mut fasttext) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.arguments.rounds {
            let said = self.ours(&options, text, threads)?;
            let words = said["words"].as_f64().context("words")? / 1e3;
            ours.push(words / said["seconds"].as_f64().context("seconds")?);
            let ask = |program: &str, speeds: &mut Vec<f64>| -> Result<()> {
                let seconds = self.python(&["train", program, kind, &path, &count])?;
                speeds.extend(seconds.map(|seconds| words / seconds));
                Ok(())
            };
            ask("gensim", &mut gensim)?;
            if kind == "fasttext" {
                ask("fasttext", &mut fasttext)?;
            }
            eprintln!("{kind}, {threads} threads");
        }
        let case = format!("{kind}, {threads} thread(s), 1000 words/s");
        let mut rows = vec![Row::new(case.clone(), "gensim", &ours, &gensim)];
        if kind == "fasttext" {
            rows.push(Row::new(case, "fastText, with reading", &ours, &fasttext));
        }
        Ok(rows)
    }

    /// Thousands of counts a second.
    fn glove(&self, text: &Path, threads: usize) -> Result<Row> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        if let Some(glove) = &self.glove {
            let step = |name: &str, options: &[&str], input: &Path, output: &Path| -> Result<()> {
                let mut command = Command::new(glove.join(name));
                command.args(options).stdin(File::open(input)?).stdout(File::create(output)?);
                let status = command.stderr(Stdio::null()).current_dir(&self.folder).status()?;
                if status.success() { Ok(()) } else { bail!("{name} failed") }
            };
            let at = |name: &str| self.folder.join(name);
            step("vocab_count", &["-min-count", "5"], text, &at("vocab.txt"))?;
            let options = ["-window-size", "5", "-vocab-file", "vocab.txt", "-memory", "4"];
            step("cooccur", &options, text, &at("counts"))?;
            step("shuffle", &["-memory", "4"], &at("counts"), &at("shuffled"))?;
        }
        for _ in 0..self.arguments.rounds {
            let said = self.ours(&["--model", "glove"], text, threads)?;
            ours.push(said["counts_per_second"].as_f64().context("counts_per_second")? / 1e3);
            if let Some(glove) = &self.glove {
                // A program of its own has no clock of its updates: of two runs, the longer has more.
                let seconds = |epochs: &str| -> Result<f64> {
                    let mut command = Command::new(glove.join("glove"));
                    command.args(["-input-file", "shuffled", "-vocab-file", "vocab.txt"]);
                    command.args(["-vector-size", "100", "-save-file", "theirs", "-iter", epochs]);
                    command.arg("-threads").arg(threads.to_string()).current_dir(&self.folder);
                    let start = Instant::now();
                    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
                    if status.success() {
                        Ok(start.elapsed().as_secs_f64())
                    } else {
                        bail!("glove failed")
                    }
                };
                let counts = fs::metadata(self.folder.join("shuffled"))?.len() as f64 / 16.0;
                theirs.push(counts / 1e3 / (seconds("2")? - seconds("1")?));
            }
            eprintln!("glove, {threads} threads");
        }
        Ok(Row::new(format!("glove, {threads} thread(s), 1000 counts/s"), "GloVe", &ours, &theirs))
    }

    /// Megabytes a second of word2vec's binary format.
    fn load(&self) -> Result<Row> {
        let path = self.folder.join("large.bin");
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        writeln!(out, "{} 300", self.arguments.vectors)?;
        let mut row = vec![0u8; 1200];
        for word in 0..self.arguments.vectors {
            for (at, number) in row.chunks_mut(4).enumerate() {
                let x = ((word * 31 + at * 17) % 1000) as f32 / 1000.0 - 0.5;
                number.copy_from_slice(&x.to_le_bytes());
            }
            write!(out, "word{word} ")?;
            out.write_all(&row)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        drop(out);
        let megabytes = fs::metadata(&path)?.len() as f64 / 1e6;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.rounds {
            let mut command = Command::new(&self.program);
            command.args(["embed", "info", "--json"]).arg(&path).stdout(Stdio::null());
            let start = Instant::now();
            if !command.status()?.success() {
                bail!("{command:?} failed");
            }
            ours.push(megabytes / start.elapsed().as_secs_f64());
            let seconds = self.python(&["load", &path.display().to_string()])?;
            theirs.extend(seconds.map(|seconds| megabytes / seconds));
            eprintln!("load");
        }
        let case = format!("load {} x 300, MB/s", self.arguments.vectors);
        Ok(Row::new(case, "gensim", &ours, &theirs))
    }

    /// Queries a second, beside what the memory's speed allows one that comes alone.
    fn neighbours(&self, threads: usize) -> Result<Vec<Row>> {
        let mut side = Side::ours("bench_neighbours", threads)?;
        let rows = self.arguments.vectors;
        let question = json!({"ask": "exact", "rows": rows, "dim": 300, "seconds": 1.0});
        let (mut one, mut together, mut bound) = (Vec::new(), Vec::new(), 0.0f64);
        for _ in 0..self.arguments.rounds {
            let said = side.ask(&question)?;
            let number = |name: &str| said[name].as_f64().with_context(|| name.to_owned());
            one.push(number("one")?);
            together.push(number("together")?);
            // The best that was seen: whatever else the machine does only slows reading.
            bound = bound.max(number("bytes_per_second")? / number("bytes")?);
            eprintln!("nn, {threads} threads");
        }
        let case = |how: &str| format!("nn of {rows} x 300, {threads} thread(s), {how}, queries/s");
        Ok(vec![
            Row::new(case("one by one"), "adding the rows up", &one, &[bound]),
            Row::new(case("512 together"), "adding the rows up", &together, &[bound]),
        ])
    }

    /// Queries a second of the walk over a graph, beside those of looking at every row of the same vectors.
    fn index(&self, text: &Path, threads: usize) -> Result<Row> {
        let options = ["--model", "skipgram", "--sample", "1e-4", "--min-count", "2"];
        self.ours(&options, text, threads)?;
        let at = |name: &str| self.folder.join(name);
        let (mut walked, mut exact, mut said) = (Vec::new(), Vec::new(), Value::Null);
        let number =
            |said: &Value, name: &str| said[name].as_f64().with_context(|| name.to_owned());
        for _ in 0..self.arguments.rounds {
            let mut command = Command::new(&self.program);
            command.args(["embed", "index", "--json", "--threads", &threads.to_string()]);
            let output = command.arg(at("ours.lwv")).arg(at("indexed.lwv")).output()?;
            said = serde_json::from_slice(&output.stdout)
                .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
            walked.push(number(&said, "queries_per_second")?);
            exact.push(number(&said, "exact_queries_per_second")?);
            eprintln!("index, {threads} threads");
        }
        let case = format!(
            "index of {} x 100, {threads} thread(s), built in {:.0} s, recall at 10 {:.3}, queries/s",
            number(&said, "words")?,
            number(&said, "seconds")?,
            number(&said, "recall")?
        );
        Ok(Row::new(case, "every row", &walked, &exact))
    }
}
