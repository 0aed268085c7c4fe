//! A table as an ARPA file.

use std::io::Write;

use rayon::prelude::*;

use super::number;
use crate::error::{NgramError, Result};
use crate::progress::{Progress, Stage};
use crate::table::{Cursor, Table};

/// n-grams that one task writes.
const PART: usize = 1 << 14;

/// Writes the model: base-10 logarithms, tabs before and behind the words.
///
/// # Errors
///
/// [`NgramError::Write`], with the writer's reason.
pub fn write(table: &Table, out: &mut impl Write, progress: &dyn Progress) -> Result<()> {
    let counts = table.counts();
    progress.stage(Stage::Writing, Some(counts.iter().sum()));
    let mut done = 0u64;
    let mut head = String::from("\\data\\\n");
    for (n, count) in counts.iter().enumerate() {
        head += &format!("ngram {}={count}\n", n + 1);
    }
    out.write_all(head.as_bytes()).map_err(NgramError::write)?;
    for order in 1..=table.order() {
        writeln!(out, "\n\\{order}-grams:").map_err(NgramError::write)?;
        let length = counts[order - 1] as usize;
        let starts: Vec<usize> = (0..length).step_by(PART).collect();
        let text = |batch: &[usize]| -> Vec<Vec<u8>> {
            let part = |&start: &usize| part(table, order, start, length.min(start + PART));
            batch.par_iter().map(part).collect()
        };
        // Some parts for each thread at a time: all of their text is in memory at once.
        let mut batches = starts.chunks(rayon::current_num_threads() * 4);
        let mut ready = batches.next().map(text).unwrap_or_default();
        while !ready.is_empty() {
            // The next ones are made while these are written.
            let mut next = Vec::new();
            let batch = batches.next();
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = batch.map(text).unwrap_or_default());
                ready.iter().try_for_each(|part| out.write_all(part))
            })
            .map_err(NgramError::write)?;
            done += (ready.len() * PART).min(length) as u64;
            progress.at(done);
            ready = next;
        }
        table.release(order);
    }
    out.write_all(b"\n\\end\\\n").map_err(NgramError::write)
}

fn part(table: &Table, order: usize, start: usize, end: usize) -> Vec<u8> {
    let level = &table.levels()[order - 1];
    let mut text = Vec::with_capacity((end - start) * 48);
    let mut cursor = Cursor::new(table, order, start);
    for index in start..end {
        if index > start {
            cursor.advance();
        }
        number::push(&mut text, level.log10[index]);
        let mut separator = b'\t';
        for &word in cursor.words() {
            text.push(separator);
            text.extend_from_slice(table.words().word(word));
            separator = b' ';
        }
        if let Some(&backoff) = level.backoffs.get(index) {
            text.push(b'\t');
            number::push(&mut text, backoff);
        }
        text.push(b'\n');
    }
    text
}
