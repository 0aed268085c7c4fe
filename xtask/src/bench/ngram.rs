//! `cargo xtask bench ngram`: estimation beside KenLM's `lmplz`, queries beside its `query`.
//!
//! Both sides are whole programs that read the same files: the text of a query is read, cut and
//! looked up on either side, and what the same program takes for no text at all is taken off. Both
//! may use as much memory (`-S 1G`; with lmplz's own 80 % of the machine's it is slower on a small
//! text, for it clears what it takes). The sides take turns; a figure is the median over the rounds.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;

use crate::cargo::{cargo, run as run_command, target_directory};
use crate::numbers::{figure, median, ratio, table};

/// Names the folder that holds lmplz, build_binary and query; without it they are looked for in PATH.
const KENLM: &str = "LAMPWICK_KENLM";

/// Memory that each side may use for an estimation.
const MEMORY: &str = "1G";

/// How often a text stands in the file that is asked for: what is measured has to take longer than a
/// program's start differs from the next.
const REPEATED: usize = 8;

/// What `cargo xtask bench ngram` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Rounds; a figure is the median over all of them
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Threads of our estimation (lmplz takes what it likes)
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Also the 17 million words of wiki17m.txt.gz: minutes, and gigabytes of disk
    #[arg(long)]
    large: bool,
    /// Estimation only, or queries only
    #[arg(long, value_enum)]
    only: Option<Only>,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Only {
    Estimation,
    Queries,
}

/// One row: what was measured, ours and theirs.
#[derive(Serialize)]
struct Row {
    case: String,
    unit: &'static str,
    lampwick: Option<f64>,
    kenlm: Option<f64>,
    /// Theirs by ours: above 1, ours is the better.
    ratio: Option<f64>,
}

impl Row {
    fn new(case: String, unit: &'static str, ours: &[f64], theirs: &[f64]) -> Self {
        let (lampwick, kenlm) = (median(ours), median(theirs));
        let ratio = lampwick.zip(kenlm).map(|(ours, theirs)| theirs / ours);
        Self { case, unit, lampwick, kenlm, ratio }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let data = env::var_os("LAMPWICK_DATA").context(
        "LAMPWICK_DATA is not set: name a folder with ptb/ptb.train.txt, ptb/ptb.test.txt and, \
         for --large, wiki17m.txt.gz",
    )?;
    let data = PathBuf::from(data);
    run_command(&mut cargo(&["build", "--quiet", "--release", "--workspace"]))?;
    let program = target_directory()?.join("release").join("lampwick");
    let kenlm = Kenlm::find();
    let folder = tempfile::tempdir()?;
    let bench = Bench { arguments, program, kenlm, folder: folder.path().to_owned() };
    let read =
        |part: &str| fs::read_to_string(data.join("ptb").join(part)).context(part.to_owned());
    // lmplz refuses <unk> in the text; both sides get another word in its place.
    let train = bench.write("ptb.train", &read("ptb.train.txt")?.replace("<unk>", "UNKNOWN"))?;
    let test = bench.write("ptb.test", &read("ptb.test.txt")?.replace("<unk>", "UNKNOWN"))?;
    let mut rows = Vec::new();
    if arguments.only != Some(Only::Queries) {
        rows.extend(bench.estimation("PTB", &train)?);
        if arguments.large {
            let text = bench.unpacked(&data.join("wiki17m.txt.gz"))?;
            rows.extend(bench.estimation("wiki17m", &text)?);
        }
    }
    if arguments.only != Some(Only::Estimation) {
        let test = fs::read_to_string(&test)?;
        let shuffled = bench.write("ptb.shuffled", &shuffled(&test).repeat(REPEATED))?;
        let test = bench.write("ptb.test", &test.repeat(REPEATED))?;
        rows.extend(bench.queries(&train, &[("PTB test", &test), ("random order", &shuffled)])?);
    }
    let other = if bench.kenlm.is_some() { "KenLM" } else { "no KenLM (LAMPWICK_KENLM, PATH)" };
    if arguments.json {
        let all = json!({"threads": arguments.threads, "other": other, "rows": rows});
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    println!("5-grams, beside {other}; medians over {} rounds\n", arguments.rounds);
    let head = ["", "Lampwick", "KenLM", "KenLM / Lampwick"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| {
        let case = format!("{}, {}", row.case, row.unit);
        vec![case, figure(row.lampwick), figure(row.kenlm), ratio(row.ratio)]
    });
    print!("{}", table(&std::iter::once(head).chain(lines).collect::<Vec<_>>()));
    Ok(())
}

/// KenLM's programs.
pub(crate) struct Kenlm {
    folder: Option<PathBuf>,
}

impl Kenlm {
    pub(crate) fn find() -> Option<Self> {
        let kenlm = Self { folder: env::var_os(KENLM).map(PathBuf::from) };
        let mut lmplz = kenlm.command("lmplz");
        let answers = lmplz.arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        answers.is_ok().then_some(kenlm)
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        match &self.folder {
            Some(folder) => Command::new(folder.join(name)),
            None => Command::new(name),
        }
    }
}

/// What a program took.
struct Taken {
    seconds: f64,
    /// The most memory it held, in MiB.
    memory: f64,
}

struct Bench<'a> {
    arguments: &'a Arguments,
    program: PathBuf,
    kenlm: Option<Kenlm>,
    folder: PathBuf,
}

impl Bench<'_> {
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    fn unpacked(&self, path: &Path) -> Result<PathBuf> {
        let text = self.folder.join("wiki");
        let mut command = Command::new("gzip");
        command.arg("-dc").arg(path).stdout(File::create(&text)?);
        finished(command, None)?;
        Ok(text)
    }

    fn ours(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("ngram").args(arguments);
        command
    }

    /// Seconds and memory from text to ARPA.
    fn estimation(&self, name: &str, text: &Path) -> Result<Vec<Row>> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let threads = self.arguments.threads.to_string();
        let out = self.folder.join("out.arpa");
        for _ in 0..self.arguments.rounds {
            let mut command = self.ours(&["train", "-o", "5", "--threads", &threads, "-S", MEMORY]);
            command.arg("-T").arg(&self.folder).arg("--out").arg(&out).arg(text);
            ours.push(finished(command, None)?);
            if let Some(kenlm) = &self.kenlm {
                let mut command = kenlm.command("lmplz");
                command.args(["-o", "5", "-S", MEMORY, "--text"]).arg(text).arg("--arpa").arg(&out);
                command.arg("-T").arg(&self.folder);
                theirs.push(finished(command, None)?);
            }
            eprintln!("estimation, {name}");
        }
        let seconds = |all: &[Taken]| all.iter().map(|taken| taken.seconds).collect::<Vec<_>>();
        let memory = |all: &[Taken]| all.iter().map(|taken| taken.memory).collect::<Vec<_>>();
        Ok(vec![
            Row::new(format!("estimation, {name}"), "s", &seconds(&ours), &seconds(&theirs)),
            Row::new(format!("estimation, {name}"), "MiB", &memory(&ours), &memory(&theirs)),
        ])
    }

    /// Nanoseconds a query and bytes an n-gram, for each structure.
    fn queries(&self, train: &Path, texts: &[(&str, &Path)]) -> Result<Vec<Row>> {
        let arpa = self.folder.join("model.arpa");
        let mut command = self.ours(&["train", "-o", "5", "--as-lmplz", "--out"]);
        command.arg(&arpa).arg(train);
        finished(command, None)?;
        let ngrams: f64 = fs::read_to_string(&arpa)?
            .lines()
            .take(7)
            .filter_map(|line| line.strip_prefix("ngram ")?.split_once('=')?.1.parse::<f64>().ok())
            .sum();
        let kinds: [(&str, &[&str], &[&str]); 5] = [
            ("hash tables", &["--kind", "probing"], &["probing"]),
            ("trie", &["--kind", "trie"], &["trie"]),
            (
                "trie, 8 bits",
                &["--kind", "trie", "--quantize", "8"],
                &["-q", "8", "-b", "8", "trie"],
            ),
            // KenLM's counterpart: pointers compressed as far as it goes.
            ("compact trie", &["--kind", "compact"], &["-a", "255", "trie"]),
            (
                "compact trie, 8 bits",
                &["--kind", "compact", "--quantize", "8"],
                &["-q", "8", "-b", "8", "-a", "255", "trie"],
            ),
        ];
        // One empty line: the perplexity of nothing at all is an error.
        let empty = self.write("empty", "\n")?;
        let mut rows = Vec::new();
        for (name, own, kenlm_kind) in kinds {
            let (mine, its) = (self.folder.join("model.bin"), self.folder.join("kenlm.bin"));
            let mut command = self.ours(&["build"]);
            command.args(own).arg(&arpa).arg(&mine);
            finished(command, None)?;
            if let Some(kenlm) = &self.kenlm {
                let mut command = kenlm.command("build_binary");
                command.args(kenlm_kind).arg(&arpa).arg(&its);
                finished(command, None)?;
            }
            let each = |path: &Path| -> Vec<f64> {
                fs::metadata(path).map(|file| vec![file.len() as f64 / ngrams]).unwrap_or_default()
            };
            rows.push(Row::new(name.into(), "bytes an n-gram", &each(&mine), &each(&its)));
            for (text_name, text) in texts {
                let tokens = tokens(&fs::read_to_string(text)?);
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                for _ in 0..self.arguments.rounds {
                    let command = || {
                        let mut command = self.ours(&["perplexity", "--load", "read"]);
                        command.arg(&mine);
                        command
                    };
                    ours.push(per_query(command, text, &empty, tokens)?);
                    if let Some(kenlm) = &self.kenlm {
                        let command = || {
                            let mut command = kenlm.command("query");
                            command.args(["-v", "summary"]).arg(&its);
                            command
                        };
                        theirs.push(per_query(command, text, &empty, tokens)?);
                    }
                }
                eprintln!("{name}, {text_name}");
                rows.push(Row::new(format!("{name}, {text_name}"), "ns a query", &ours, &theirs));
            }
        }
        Ok(rows)
    }
}

/// Nanoseconds a token of a program that reads a text, less what it takes for an empty one.
fn per_query(
    command: impl Fn() -> Command,
    text: &Path,
    empty: &Path,
    tokens: usize,
) -> Result<f64> {
    // The fastest of several: what is measured takes hundredths of a second.
    let best = |input: &Path| -> Result<f64> {
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            best = best.min(finished(command(), Some(input))?.seconds);
        }
        Ok(best)
    };
    Ok((best(text)? - best(empty)?).max(0.0) * 1e9 / tokens as f64)
}

/// Words and line ends.
fn tokens(text: &str) -> usize {
    text.lines().map(|line| line.split_whitespace().count() + 1).sum()
}

/// The words of a text in random order, line by line of the same lengths.
fn shuffled(text: &str) -> String {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut random = 1u64;
    for last in (1..words.len()).rev() {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words.swap(last, (random >> 33) as usize % (last + 1));
    }
    let mut words = words.into_iter();
    let line = |line: &str| {
        let length = line.split_whitespace().count();
        words.by_ref().take(length).collect::<Vec<_>>().join(" ") + "\n"
    };
    text.lines().map(line).collect()
}

/// Runs a program to its end; it has to end well.
fn finished(mut command: Command, input: Option<&Path>) -> Result<Taken> {
    if let Some(input) = input {
        command.stdin(File::open(input)?).stdout(Stdio::null());
    }
    let start = Instant::now();
    let mut child = command
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let mut memory = 0.0f64;
    // A short program is waited for; a long one is asked for its memory now and then.
    let status = loop {
        if input.is_some() {
            break child.wait()?;
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        memory = memory.max(most_memory(&child).unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(Taken { seconds, memory })
}

/// The most memory that a process has held so far, in MiB; where the system says.
fn most_memory(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_text_has_the_same_words_and_lines() {
        let text = "a b c\n\nd e\n";
        let other = shuffled(text);
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(text), sorted(&other));
        assert_eq!(tokens(text), tokens(&other));
        assert_eq!(tokens(text), 8);
    }
}
