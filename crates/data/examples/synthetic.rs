//! Ten sentences of the synthetic language and what is known about their source.
//!
//! `cargo run --release -p lampwick-data --example synthetic`

use std::io;

use lampwick_data::SyntheticLanguage;

fn main() -> io::Result<()> {
    let language = SyntheticLanguage::default();
    language.write_text(io::stdout().lock(), 10, 1)?;
    let entropy = language.entropy_rate(20_000, 2);
    println!(
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
