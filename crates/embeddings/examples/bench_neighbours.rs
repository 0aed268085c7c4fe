//! Our side of `cargo xtask bench embeddings --only nn`: answers one JSON line per JSON line.
//!
//! - `{"ask": "exact", "rows": R, "dim": D, "seconds": S}`: queries a second one by one and together, and the
//!   bytes a second at which all threads read the rows without doing more than add them up

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

use lampwick_embeddings::neighbours::{Query, nearest};
use lampwick_embeddings::{Lexicon, Vectors};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Neighbours of a query.
const K: usize = 10;

/// Queries that are asked together.
const TOGETHER: usize = 512;

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({"name": concat!("lampwick ", env!("CARGO_PKG_VERSION"))}))?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = match question["ask"].as_str() {
            Some("exact") => exact(&question)?,
            _ => return Err(format!("no answer to {question}").into()),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn number(question: &Value, name: &str) -> Result<usize> {
    let number = question[name].as_u64().ok_or_else(|| format!("{question} has no `{name}`"))?;
    Ok(number as usize)
}

/// How often a second `work` is done, which does `n` things at once.
fn rate(seconds: f64, n: usize, mut work: impl FnMut(usize)) -> f64 {
    work(0);
    let (start, mut done) = (Instant::now(), 0);
    loop {
        done += 1;
        work(done);
        let elapsed = start.elapsed().as_secs_f64();
        if elapsed >= seconds {
            return (done * n) as f64 / elapsed;
        }
    }
}

fn exact(question: &Value) -> Result<Value> {
    let (rows, dim) = (number(question, "rows")?, number(question, "dim")?);
    let seconds = question["seconds"].as_f64().unwrap_or(1.0);
    let mut matrix = vec![0.0f32; rows * dim];
    matrix.par_chunks_mut(1 << 16).enumerate().for_each(|(part, numbers)| {
        let mut random = ChaCha8Rng::seed_from_u64(part as u64);
        numbers.fill_with(|| random.random::<f32>() - 0.5);
    });
    let words: Vec<String> = (0..rows).map(|row| format!("w{row}")).collect();
    let words: Lexicon = words.iter().map(String::as_bytes).collect();
    let vectors = Vectors::new(words, matrix, dim)?;
    let queries = asked(&vectors, TOGETHER)?;
    let one = rate(seconds, 1, |n| {
        let query = &queries[n % queries.len()];
        black_box(nearest(&vectors, std::slice::from_ref(query), K, rows));
    });
    let together = rate(seconds, queries.len(), |_| {
        black_box(nearest(&vectors, &queries, K, rows));
    });
    let bytes = size_of_val(vectors.matrix());
    let read = rate(seconds, bytes, |_| {
        black_box(sum(vectors.matrix()));
    });
    Ok(json!({"one": one, "together": together, "bytes": bytes, "bytes_per_second": read}))
}

/// The sum of all numbers, by all threads: what reading them costs at least.
fn sum(numbers: &[f32]) -> f32 {
    let part = |numbers: &[f32]| {
        let mut sums = [0.0f32; 32];
        for numbers in numbers.chunks_exact(32) {
            sums.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
        }
        sums.iter().sum::<f32>()
    };
    numbers.par_chunks(1 << 18).map(part).sum()
}

/// Rows far apart, each but its own answer.
fn asked(vectors: &Vectors, n: usize) -> Result<Vec<Query>> {
    let n = n.min(vectors.len());
    let rows = (0..n).map(|query| query * (vectors.len() / n));
    Ok(rows
        .map(|row| Query::new(vectors.row(row), vec![row]))
        .collect::<std::result::Result<_, _>>()?)
}
