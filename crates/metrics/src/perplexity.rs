//! Perplexity, and all that a perplexity must be stated with.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::figures;

/// What one token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A word.
    Word,
    /// A Unicode character.
    Character,
    /// A byte.
    Byte,
    /// A subword, or any other token: comparable under the same tokenizer only.
    Token,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "word",
            Self::Character => "character",
            Self::Byte => "byte",
            Self::Token => "token",
        })
    }
}

/// Perplexity of a text, accumulated over batches.
///
/// ```text
/// perplexity = exp(-1/N sum over i of ln p(w_i | w_1 .. w_(i-1)))
/// ```
///
/// Log-likelihoods are natural and summed in f64, so the batch size does not show in the result. Two
/// perplexities compare only with equal units, equal vocabularies and equal handling of `</s>`:
/// [`Display`](fmt::Display) says them.
///
/// ```
/// use lampwick_metrics::{Perplexity, Unit};
/// let mut uniform = Perplexity::new(Unit::Word, true);
/// uniform.add(3.0 * 100_f64.ln(), 3);
/// uniform.add_oov(1);
/// assert!((uniform.value() - 100.0).abs() < 1e-9);
/// assert_eq!(uniform.to_string(), "perplexity 100.00 per word (3 scored with </s>, 1 OOV)");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perplexity {
    unit: Unit,
    /// Whether the end of each line is among the tokens scored.
    counts_eos: bool,
    /// Sum of -ln p, in nats.
    nll: f64,
    tokens: u64,
    oov: u64,
    /// Characters of the text scored, line ends included; 0: not known.
    characters: u64,
}

impl Perplexity {
    /// Of nothing yet. `counts_eos`: whether the end of each line is scored as a token.
    pub fn new(unit: Unit, counts_eos: bool) -> Self {
        Self { unit, counts_eos, nll: 0.0, tokens: 0, oov: 0, characters: 0 }
    }

    /// Adds the summed negative log-likelihood (nats) of `tokens` tokens.
    pub fn add(&mut self, nll: f64, tokens: u64) {
        self.nll += nll;
        self.tokens += tokens;
    }

    /// Adds one negative log-likelihood (nats) for each token.
    pub fn add_each(&mut self, nll: &[f32]) {
        self.add(nll.iter().map(|&nll| f64::from(nll)).sum(), nll.len() as u64);
    }

    /// Notes that `tokens` of the tokens added were out of vocabulary (scored as `<unk>`).
    pub fn add_oov(&mut self, tokens: u64) {
        self.oov += tokens;
    }

    /// Notes how many characters the scored text has, one for each line end included.
    pub fn add_characters(&mut self, characters: u64) {
        self.characters += characters;
    }

    /// exp of the mean negative log-likelihood; NaN when nothing was scored.
    pub fn value(&self) -> f64 {
        self.nats_per_token().exp()
    }

    /// Cross-entropy in nats per token; NaN when nothing was scored.
    pub fn nats_per_token(&self) -> f64 {
        self.nll / self.tokens as f64
    }

    /// Cross-entropy in bits per token; NaN when nothing was scored.
    pub fn bits_per_token(&self) -> f64 {
        self.nats_per_token() / std::f64::consts::LN_2
    }

    /// Bits for each character of the text, comparable over all tokenizers that lose nothing; none
    /// where the characters are not known.
    pub fn bits_per_character(&self) -> Option<f64> {
        let characters = match self.unit {
            Unit::Character if self.characters == 0 => self.tokens,
            _ => self.characters,
        };
        (characters > 0).then(|| self.nll / characters as f64 / std::f64::consts::LN_2)
    }

    /// What one token is.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Whether the ends of lines are scored.
    pub fn counts_eos(&self) -> bool {
        self.counts_eos
    }

    /// Sum of -ln p, in nats.
    pub fn nll(&self) -> f64 {
        self.nll
    }

    /// Tokens scored.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Tokens scored as the unknown word.
    pub fn oov(&self) -> u64 {
        self.oov
    }

    /// Characters of the text scored; 0 where they are not known.
    pub fn characters(&self) -> u64 {
        self.characters
    }
}

impl fmt::Display for Perplexity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unit, tokens, oov, .. } = self;
        let eos = if self.counts_eos { "with" } else { "without" };
        let value = match self.value() {
            long if long >= 1e7 => figures::perplexity(long),
            short => format!("{short:.2}"),
        };
        write!(f, "perplexity {value} per {unit} ({tokens} scored {eos} </s>, {oov} OOV)")?;
        match self.bits_per_character() {
            Some(bits) => write!(f, ", {bits:.4} bits per character"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_model_has_the_perplexity_of_its_vocabulary() {
        let mut perplexity = Perplexity::new(Unit::Byte, true);
        for _ in 0..1000 {
            perplexity.add_each(&[256_f32.ln(); 7]);
        }
        assert!((perplexity.value() - 256.0).abs() < 1e-4);
        assert!((perplexity.bits_per_token() - 8.0).abs() < 1e-6);
        assert_eq!(perplexity.bits_per_character(), None);
        perplexity.add_characters(3500);
        assert!((perplexity.bits_per_character().unwrap() - 16.0).abs() < 1e-6);
    }

    #[test]
    fn parts_and_whole_agree() {
        // Kneser-Ney's published figure for the Penn Treebank test set: 82,430 tokens at 141.19.
        let nll = 82_430.0 * 141.19_f64.ln();
        let mut whole = Perplexity::new(Unit::Word, true);
        whole.add(nll, 82_430);
        let mut parts = Perplexity::new(Unit::Word, true);
        for part in [0.25, 0.75] {
            parts.add(part * nll, (part * 82_430.0).round() as u64);
            parts.add_oov(1);
        }
        assert!((parts.nll() - whole.nll()).abs() < 1e-6 && parts.oov() == 2);
        assert!((whole.value() - 141.19).abs() < 1e-9);
    }

    #[test]
    fn it_is_stated_in_full() {
        let mut perplexity = Perplexity::new(Unit::Character, false);
        perplexity.add(2_f64.ln() * 8.0, 4);
        let stated = "perplexity 4.00 per character (4 scored without </s>, 0 OOV), \
                      2.0000 bits per character";
        assert_eq!(perplexity.to_string(), stated);
        let mut huge = Perplexity::new(Unit::Word, true);
        huge.add(40.0 * 10_f64.ln(), 1);
        assert!(huge.to_string().starts_with("perplexity 1.0000e40 per word"), "{huge}");
        assert!(Perplexity::new(Unit::Token, true).value().is_nan());
        let json = serde_json::to_string(&perplexity).unwrap();
        assert_eq!(serde_json::from_str::<Perplexity>(&json).unwrap(), perplexity);
    }
}
