//! How tokens are drawn, as every command that generates text takes it.

use lampwick::decoding::Sampling;

use crate::exit::Usage;

/// `--temperature`, `--top-k`, `--top-p`, `--min-p` and `--seed`.
#[derive(clap::Args, Debug)]
pub(super) struct Drawing {
    /// 1 is the model's own distribution, below 1 bolder, 0 the likeliest token each time
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    temperature: f64,
    /// Only the k likeliest tokens
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Only the smallest set of likeliest tokens that has this probability
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Only tokens with this part of the likeliest one's probability
    #[arg(long, value_name = "P")]
    min_p: Option<f64>,
    /// Another seed, other samples
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Drawing {
    /// The options, where they make sense together.
    pub(super) fn sampling(&self) -> Result<Sampling, Usage> {
        let Self { temperature, top_k, top_p, min_p, seed } = *self;
        let sampling = Sampling { temperature, top_k, top_p, min_p, seed };
        sampling.validate().map_err(|error| Usage(error.to_string()))?;
        Ok(sampling)
    }
}
