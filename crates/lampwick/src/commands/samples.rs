//! Several samples on one output: the first that is not complete is shown as it grows, the others
//! wait their turn.

use std::io::{self, Write};

use lampwick::data::Tokenizer;
use lampwick::data::tokenizer::Decoder;
use lampwick::decoding::{GenerateOptions, Token};

/// Samples that grow side by side and are written one after the other.
pub(super) struct Samples<'a> {
    samples: Vec<Sample<'a>>,
    /// The sample that is being written.
    current: usize,
    /// Whether an empty line keeps two samples apart.
    apart: bool,
}

struct Sample<'a> {
    decoder: Decoder<'a>,
    text: String,
    written: usize,
    tokens: usize,
    log_prob: f64,
    stops: usize,
    closed: bool,
}

/// A sample that has come to its end.
pub(super) struct Ended<'s> {
    /// Its whole text, the prompt included, without line ends behind it.
    pub(super) text: &'s str,
    /// Its tokens, the prompt not counted.
    pub(super) tokens: usize,
    /// Their log-probability, natural.
    pub(super) log_prob: f64,
    /// Whether it ended by itself rather than by its length.
    pub(super) stopped: bool,
}

impl<'a> Samples<'a> {
    /// `count` samples that all begin with `prompt`.
    pub(super) fn new(tokenizer: &'a Tokenizer, prompt: &[u32], count: usize, apart: bool) -> Self {
        let sample = |_| {
            let mut decoder = tokenizer.decoder();
            let text = prompt.iter().map(|&id| decoder.push(id)).collect();
            let (written, tokens, log_prob, stops) = (0, 0, 0.0, 0);
            Sample { decoder, text, written, tokens, log_prob, stops, closed: false }
        };
        Self { samples: (0..count).map(sample).collect(), current: 0, apart }
    }

    /// Adds a token to its sample, and gives the sample where this token was its last.
    pub(super) fn push(&mut self, token: Token, options: &GenerateOptions) -> Option<Ended<'_>> {
        let sample = &mut self.samples[token.stream];
        sample.text += &sample.decoder.push(token.token);
        sample.tokens += 1;
        sample.log_prob += f64::from(token.log_prob);
        sample.stops += usize::from(options.stop == Some(token.token));
        let stopped = options.stop.is_some() && sample.stops >= options.stop_count.max(1);
        if !stopped && sample.tokens < options.max_tokens {
            return None;
        }
        self.close(token.stream);
        let Sample { text, tokens, log_prob, .. } = &self.samples[token.stream];
        let text = text.trim_end_matches('\n');
        Some(Ended { text, tokens: *tokens, log_prob: *log_prob, stopped })
    }

    fn close(&mut self, index: usize) {
        let is_last = index + 1 == self.samples.len();
        let sample = &mut self.samples[index];
        sample.closed = true;
        sample.text += &sample.decoder.finish();
        // One line end, whether the sample stopped by itself or by its length.
        if !sample.text.ends_with('\n') {
            sample.text.push('\n');
        }
        if self.apart && !is_last {
            sample.text.push('\n');
        }
    }

    /// Writes all that is new and whose turn it is.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        while let Some(sample) = self.samples.get_mut(self.current) {
            let new = &sample.text.as_bytes()[sample.written..];
            if !new.is_empty() {
                out.write_all(new)?;
                sample.written = sample.text.len();
            }
            if !sample.closed {
                break;
            }
            self.current += 1;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_out_in_order_and_each_as_soon_as_it_can() {
        let bytes = Tokenizer::bytes();
        let mut samples = Samples::new(&bytes, &[], 2, false);
        let options = GenerateOptions { max_tokens: 2, ..GenerateOptions::default() };
        let mut seen = Vec::new();
        let mut say = |stream: usize, byte: u8, expected: &str| {
            let token = Token { stream, token: byte.into(), log_prob: 0.0 };
            samples.push(token, &options);
            samples.write(&mut seen).unwrap();
            assert_eq!(String::from_utf8_lossy(&seen), expected);
        };
        say(0, b'a', "a");
        say(1, b'x', "a");
        say(0, b'b', "ab\nx");
        say(1, b'y', "ab\nxy\n");
    }
}
