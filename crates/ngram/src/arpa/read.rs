//! An ARPA file as a table.

use std::io::{BufRead, BufReader, Read};

use super::number;
use crate::corpus::Source;
use crate::error::{NgramError, Result};
use crate::estimation::settings::MAX_ORDER;
use crate::progress::{Progress, Stage};
use crate::storage::Storage;
use crate::table::close::{Records, close};
use crate::table::{NEVER, NO_UNK, Table};
use crate::words::{BOS, EOS, UNK, Words};

/// The longest line: no allocation follows a file that has no line ends.
const LINE: u64 = 64 << 20;

/// How KenLM's binary models begin.
const KENLM: &[u8] = b"mmap lm http://kheafield.com/code";

/// What some editors put in front of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Above 0 by no more than this is 0 that was rounded.
const ROUNDED: f32 = 1e-6;

/// Reads a model.
///
/// What other tools leave out is put in such that no probability changes: n-grams that longer ones
/// begin or end with, and `<unk>`, with [`NO_UNK`] as in KenLM and a notice.
///
/// # Errors
///
/// [`NgramError::Arpa`] names the line: sections that are missing or have another length than the
/// header says, logarithms that are positive or not numbers, no `<s>` or `</s>`, words that are no
/// unigrams, n-grams that stand twice, an end before `\end\`. [`NgramError::Read`] when the file cannot be read, a
/// gzip file that was cut included.
pub fn read(source: Source, progress: &dyn Progress) -> Result<Table> {
    let storage = Storage::new(u64::MAX, std::env::temp_dir());
    progress.stage(Stage::Loading, None);
    let mut lines = Lines {
        name: source.name,
        reader: BufReader::with_capacity(1 << 18, source.reader),
        line: Vec::new(),
        number: 0,
        bytes: 0,
        progress,
    };
    let counts = header(&mut lines)?;
    let (words, unigrams) = unigrams(&mut lines, counts[0], counts.len())?;
    let mut higher = Vec::new();
    for (index, &count) in counts.iter().enumerate().skip(1) {
        let mut records = section(&mut lines, index + 1, count, counts.len(), &words)?;
        if let Err(twice) = records.sort() {
            let words: Vec<_> =
                twice.iter().map(|&id| String::from_utf8_lossy(words.word(id))).collect();
            return Err(lines.wrong(format!(
                "`{}` stands twice among the {}-grams; keep one of them",
                words.join(" "),
                index + 1
            )));
        }
        higher.push(records);
    }
    if trimmed(&lines.line) != b"\\end\\" {
        let found = lines.shown();
        return Err(lines.wrong(format!("`\\end\\` should be here, not {found}")));
    }
    // What a packed file says of its own wholeness stands behind its last byte.
    let rest = std::io::copy(&mut lines.reader, &mut std::io::sink());
    rest.map_err(|error| NgramError::read(&lines.name, error))?;
    close(&words, &unigrams, higher, &storage)
}

/// Lines, and where we are.
struct Lines<'a> {
    name: String,
    reader: BufReader<Box<dyn Read + Send>>,
    /// Without its end.
    line: Vec<u8>,
    number: u64,
    bytes: u64,
    progress: &'a dyn Progress,
}

impl Lines<'_> {
    /// The next line; `false` at the end of the file.
    fn next(&mut self) -> Result<bool> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(LINE);
        let read = limited.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| NgramError::read(&self.name, error))?;
        self.number += 1;
        self.bytes += read as u64;
        if self.number.is_multiple_of(1 << 16) {
            self.progress.at(self.bytes);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        } else if read as u64 == LINE {
            return Err(self.wrong(format!("this line is longer than {LINE} bytes")));
        }
        Ok(read > 0)
    }

    /// The next line that is not blank.
    fn next_filled(&mut self) -> Result<bool> {
        while self.next()? {
            if !blank(&self.line) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wrong(&self, problem: String) -> NgramError {
        NgramError::Arpa { name: self.name.clone(), line: self.number, problem }
    }

    /// The line for a message.
    fn shown(&self) -> String {
        if self.line.is_empty() {
            return "the end of the file (was it cut?)".into();
        }
        let text = String::from_utf8_lossy(&self.line[..self.line.len().min(60)]);
        format!("`{}`", text.escape_debug())
    }
}

fn blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// The counts of all orders; reads on to the first section's title.
fn header(lines: &mut Lines<'_>) -> Result<Vec<u64>> {
    loop {
        if !lines.next()? {
            return Err(lines.wrong("no line `\\data\\`: this is no ARPA file".into()));
        }
        if lines.line.starts_with(KENLM) {
            return Err(lines.wrong(
                "a binary model of KenLM; give the ARPA file that it was built from".into(),
            ));
        }
        if lines.line.starts_with(BYTE_ORDER_MARK) {
            lines.line.drain(..BYTE_ORDER_MARK.len());
        }
        if trimmed(&lines.line) == b"\\data\\" {
            break;
        }
    }
    let mut counts = Vec::new();
    while lines.next_filled()? {
        let line = trimmed(&lines.line);
        let Some(rest) = line.strip_prefix(b"ngram ") else { break };
        let wanted = counts.len() + 1;
        let count = std::str::from_utf8(rest)
            .ok()
            .and_then(|rest| rest.split_once('='))
            .filter(|(order, _)| order.trim().parse() == Ok(wanted))
            .and_then(|(_, count)| count.trim().parse().ok());
        match count {
            Some(count) if wanted <= MAX_ORDER => counts.push(count),
            Some(_) => {
                return Err(lines.wrong(format!("order {wanted}: at most {MAX_ORDER} is read")));
            }
            None => {
                let found = lines.shown();
                return Err(
                    lines.wrong(format!("`ngram {wanted}=COUNT` should be here, not {found}"))
                );
            }
        }
    }
    if counts.is_empty() {
        return Err(lines.wrong("no `ngram 1=COUNT` behind `\\data\\`".into()));
    }
    Ok(counts)
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// One line of a section.
struct Entry<'a> {
    log10: f32,
    words: [&'a [u8]; MAX_ORDER],
    backoff: f32,
}

/// Goes through a section, whose title is the current line; ends at the line behind it.
fn entries(
    lines: &mut Lines<'_>,
    order: usize,
    count: u64,
    mut take: impl FnMut(Entry<'_>) -> Result<(), String>,
) -> Result<()> {
    if trimmed(&lines.line) != format!("\\{order}-grams:").as_bytes() {
        let found = lines.shown();
        return Err(lines.wrong(format!("`\\{order}-grams:` should be here, not {found}")));
    }
    let mut met = 0;
    loop {
        if !lines.next_filled()? {
            return Err(lines.wrong(format!(
                "the file ends after {met} of {count} {order}-grams (was it cut?)"
            )));
        }
        if lines.line.starts_with(b"\\") && is_title(&lines.line) {
            break;
        }
        met += 1;
        if met > count {
            return Err(lines
                .wrong(format!("more than the {count} {order}-grams that the header promises")));
        }
        let entry = entry(&lines.line, order);
        entry.and_then(&mut take).map_err(|problem| lines.wrong(problem))?;
    }
    if met < count {
        return Err(lines.wrong(format!(
            "{met} {order}-grams, where the header promises {count}: correct the header, or fetch \
             the file again"
        )));
    }
    Ok(())
}

/// `\3-grams:` or `\end\`: no entry, for an entry begins with a number.
fn is_title(line: &[u8]) -> bool {
    let line = trimmed(line);
    line == b"\\end\\" || line.ends_with(b"-grams:")
}

fn entry(line: &[u8], order: usize) -> Result<Entry<'_>, String> {
    let mut fields = line.split(|&byte| byte == b'\t' || byte == b' ').filter(|f| !f.is_empty());
    let first = fields.next().unwrap_or_default();
    let log10 = logarithm(first)?;
    if log10 > ROUNDED {
        return Err(format!(
            "a log10 probability of {log10} is a probability above 1: make the file again with the \
             tool that wrote it"
        ));
    }
    let mut words = [&[][..]; MAX_ORDER];
    for word in &mut words[..order] {
        *word = fields
            .next()
            .ok_or_else(|| format!("fewer than the {order} words of a {order}-gram"))?;
    }
    let backoff = fields.next().map_or(Ok(0.0), logarithm)?;
    if fields.next().is_some() {
        return Err(format!(
            "more than a number, the {order} words of a {order}-gram and a backoff"
        ));
    }
    let finite = |log10: f32| if log10.is_finite() { log10 } else { NEVER };
    Ok(Entry { log10: finite(log10).min(0.0), words, backoff: finite(backoff) })
}

fn logarithm(text: &[u8]) -> Result<f32, String> {
    number::parse(text).filter(|&value| value < f32::INFINITY).ok_or_else(|| {
        let text = String::from_utf8_lossy(&text[..text.len().min(40)]);
        format!("`{}` should be a base-10 logarithm", text.escape_debug())
    })
}

/// The vocabulary in the order of the file, behind `<unk>`, `<s>` and `</s>`.
fn unigrams(lines: &mut Lines<'_>, count: u64, highest: usize) -> Result<(Words, Records)> {
    let mut words = Words::with_special();
    let mut found = vec![(NO_UNK, 0.0, false), (0.0, 0.0, false), (0.0, 0.0, false)];
    entries(lines, 1, count, |entry| {
        let word = if entry.words[0] == b"<UNK>" { b"<unk>" } else { entry.words[0] };
        let id = words.intern(word) as usize;
        if id == found.len() {
            found.push((0.0, 0.0, false));
        }
        if found[id].2 {
            return Err(format!(
                "`{}` stands twice among the words; keep one of them",
                String::from_utf8_lossy(word)
            ));
        }
        found[id] = (entry.log10, entry.backoff, true);
        Ok(())
    })?;
    for (id, mark) in [(BOS, "<s>"), (EOS, "</s>")] {
        if !found[id as usize].2 {
            return Err(lines.wrong(format!(
                "`{mark}` is not among the words (\\1-grams:): train the model on text by lines, each of \
                 which ends in </s>"
            )));
        }
    }
    if !found[UNK as usize].2 {
        lines.progress.notice(&format!(
            "{}: no `<unk>`; unknown words get a log10 probability of {NO_UNK}",
            lines.name
        ));
    }
    let mut records = Records::new(1);
    for (id, &(log10, backoff, _)) in found.iter().enumerate() {
        records.push(&[id as u32], log10, if highest > 1 { backoff } else { 0.0 });
    }
    debug_assert!([UNK, BOS, EOS].iter().all(|&id| (id as usize) < records.len()));
    Ok((words, records))
}

fn section(
    lines: &mut Lines<'_>,
    order: usize,
    count: u64,
    highest: usize,
    known: &Words,
) -> Result<Records> {
    let mut records = Records::new(order);
    entries(lines, order, count, |entry| {
        let mut ids = [UNK; MAX_ORDER];
        for (id, &word) in ids.iter_mut().zip(&entry.words[..order]) {
            let word = if word == b"<UNK>" { b"<unk>" } else { word };
            *id = known.get(word).ok_or_else(|| {
                format!("`{}` is not among the words (\\1-grams:)", String::from_utf8_lossy(word))
            })?;
        }
        let backoff = if order < highest { entry.backoff } else { 0.0 };
        records.push(&ids[..order], entry.log10, backoff);
        Ok(())
    })?;
    Ok(records)
}
