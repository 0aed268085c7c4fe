//! Ten sentences of the synthetic language (or as many as are asked for) on standard output, and on
//! standard error what is known about their source.
//!
//! `cargo run --release -p lampwick-data --example synthetic -- 10`

use std::{env, io};

use lampwick_data::SyntheticLanguage;

fn main() -> io::Result<()> {
    let language = SyntheticLanguage::default();
    let sentences = env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10);
    language.write_text(io::BufWriter::new(io::stdout().lock()), sentences, 1)?;
    let entropy = language.entropy_rate(20_000, 2);
    eprintln!(
        "{} words; {:.1} tokens a sentence; entropy {:.4} +- {:.4} nats per token, so no model's \
         perplexity can be below {:.3}",
        language.vocabulary().len(),
        language.mean_sentence_length(),
        entropy.nats_per_token,
        entropy.standard_error,
        entropy.nats_per_token.exp(),
    );
    Ok(())
}
