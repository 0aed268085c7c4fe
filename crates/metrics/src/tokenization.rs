//! Lines to tokens, as the reference scorers cut them.

use std::fmt;

/// How BLEU cuts a line into tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokenization {
    /// That of WMT's `mteval-v13a`: punctuation apart, except inside numbers.
    #[default]
    Mteval13a,
    /// Every character that is no white space.
    Characters,
    /// At white space, for what is tokenised already.
    None,
}

impl fmt::Display for Tokenization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mteval13a => "13a",
            Self::Characters => "char",
            Self::None => "none",
        })
    }
}

impl Tokenization {
    /// The tokens of a line.
    ///
    /// ```
    /// use lampwick_metrics::Tokenization;
    /// let tokens = Tokenization::Mteval13a.tokens("It's 3.5 &quot;m&quot;, not 2-3.");
    /// assert_eq!(tokens.join(" "), "It's 3.5 \" m \" , not 2 - 3 .");
    /// ```
    pub fn tokens(self, line: &str) -> Vec<String> {
        match self {
            Self::Mteval13a => words(&mteval_13a(line)).map(str::to_owned).collect(),
            Self::Characters => line.chars().filter(|&c| !is_space(c)).map(String::from).collect(),
            Self::None => words(line).map(str::to_owned).collect(),
        }
    }
}

/// The words between white space. Of white space there is a little more than Unicode's property
/// says: the four ASCII separators (U+001C to U+001F) too, as in Python's `split`, by which the
/// reference scorers cut.
pub fn words(line: &str) -> impl DoubleEndedIterator<Item = &str> {
    line.split(is_space).filter(|word| !word.is_empty())
}

/// Whether a character parts words.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The line with spaces where mteval-v13a puts them.
fn mteval_13a(line: &str) -> String {
    let mut line = line.trim_end_matches(is_space).replace("<skipped>", "");
    line = line.replace("-\n", "").replace('\n', " ");
    if line.contains('&') {
        for (entity, character) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")]
        {
            line = line.replace(entity, character);
        }
    }
    // Every ASCII symbol stands alone, but for four that words and numbers hold: ' , - .
    let mut spaced = String::with_capacity(2 * line.len());
    spaced.push(' ');
    for c in line.chars() {
        if c.is_ascii_punctuation() && !"',-.".contains(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.push(' ');
    let stop = |c| c == '.' || c == ',';
    // A full stop or comma, unless a digit precedes it; then, unless a digit follows it.
    let line = spread(&spaced, |a, b| !a.is_ascii_digit() && stop(b), |a, b| [a, ' ', b, ' ']);
    let line = spread(&line, |a, b| stop(a) && !b.is_ascii_digit(), |a, b| [' ', a, ' ', b]);
    // A dash behind a digit.
    spread(&line, |a, b| a.is_ascii_digit() && b == '-', |a, b| [a, ' ', b, ' '])
}

/// Replaces the pairs of neighbours that match, from the left; a character is part of one pair only.
fn spread(
    line: &str,
    matches: impl Fn(char, char) -> bool,
    replaced: impl Fn(char, char) -> [char; 4],
) -> String {
    let mut result = String::with_capacity(line.len() + line.len() / 4);
    let mut characters = line.chars().peekable();
    while let Some(first) = characters.next() {
        match characters.next_if(|&second| matches(first, second)) {
            Some(second) => result.extend(replaced(first, second)),
            None => result.push(first),
        }
    }
    result
}
