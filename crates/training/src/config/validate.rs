//! Values that cannot work, found before anything is read or written.

use lampwick_data::{BpttLength, SubwordModel, TokenizerKind};

use super::{Config, ConfigError, DataConfig, OptimizerConfig, RunConfig, ScheduleConfig, Shared};

/// Samples that are drawn side by side, each with its state and its distribution in memory.
const MOST_SAMPLES: usize = 10_000;

/// Tokens of a generated corpus, which is held in memory: 4 GB.
const MOST_SYNTHETIC: usize = 1_000_000_000;

/// What every task's config has.
pub(crate) fn shared(config: Shared<'_>, check: &Checker<'_>) -> Result<(), ConfigError> {
    optimizer(config.optimizer, check)?;
    schedule(config.schedule, check)?;

    let r = config.regularization;
    check.not_negative("regularization.weight_decay", r.weight_decay)?;
    check.not_negative("regularization.ar", r.ar)?;
    check.not_negative("regularization.tar", r.tar)?;
    check.not_negative("regularization.clip_norm", r.clip_norm)?;

    let b = config.budget;
    check.not_negative("budget.minutes", b.minutes)?;
    if b.epochs == 0 && b.steps == 0 && b.tokens == 0 && b.minutes == 0.0 {
        return check.fail(
            "budget",
            "no limit is set, so the run would never end",
            "set budget.epochs",
        );
    }
    check.positive("checkpoint.keep", config.checkpoint.keep)?;
    check.not_negative("checkpoint.every_minutes", config.checkpoint.every_minutes)?;
    if config.report.log_every == 0 {
        return check.fail("report.log_every", "is 0", "use at least 1");
    }
    Ok(())
}

/// Collects nothing: the first impossible value is the error.
pub(super) fn language_model(config: &Config, file: &str) -> Result<(), ConfigError> {
    let check = Checker { file };
    batches(config, &check)?;
    data(config, &check)?;
    shared(config.shared(), &check)?;
    check.fraction("loss.label_smoothing", config.loss.label_smoothing)?;

    let s = &config.sampling;
    for (key, samples) in
        [("sampling.count", s.count), ("sampling.count_per_epoch", s.count_per_epoch)]
    {
        check.at_most(key, samples, MOST_SAMPLES, "draw more with `lampwick generate`")?;
    }
    check.positive("sampling.length", s.length)?;
    check.not_negative("sampling.temperature", s.temperature)?;
    if !(s.top_p > 0.0 && s.top_p <= 1.0) {
        return check.fail("sampling.top_p", &format!("is {}", s.top_p), "use a value in (0, 1]");
    }
    Ok(())
}

fn batches(config: &Config, check: &Checker<'_>) -> Result<(), ConfigError> {
    let b = &config.batches;
    check.positive("batches.size", b.size)?;
    match b.bptt {
        BpttLength::Fixed(length) => check.positive("batches.bptt.fixed", length)?,
        BpttLength::Random { mean, short_probability, std, min } => {
            check.positive("batches.bptt.random.mean", mean)?;
            check.positive("batches.bptt.random.min", min)?;
            check.not_negative("batches.bptt.random.std", std)?;
            check.fraction("batches.bptt.random.short_probability", short_probability)?;
        }
    }
    check.positive("batches.accumulate", b.accumulate)?;
    check.positive("batches.evaluation_size", b.evaluation_size)?;
    check.positive("batches.evaluation_bptt", b.evaluation_bptt)
}

fn data(config: &Config, check: &Checker<'_>) -> Result<(), ConfigError> {
    match &config.data {
        DataConfig::Synthetic(s) => {
            check.positive("data.train_tokens", s.train_tokens)?;
            check.positive("data.valid_tokens", s.valid_tokens)?;
            for (key, tokens) in [
                ("data.train_tokens", s.train_tokens),
                ("data.valid_tokens", s.valid_tokens),
                ("data.test_tokens", s.test_tokens),
            ] {
                check.at_most(key, tokens, MOST_SYNTHETIC, "they are held in memory")?;
            }
            Ok(())
        }
        DataConfig::Text(t) if t.train.is_empty() => {
            check.fail("data.train", "is empty", "name a text file: `data.train=FILE`")
        }
        DataConfig::Text(t) if t.valid.is_empty() && !(t.holdout > 0.0 && t.holdout < 0.5) => check
            .fail(
                "data.holdout",
                &format!("is {}, and data.valid is empty", t.holdout),
                "name a validation file or hold out a share in (0, 0.5)",
            ),
        DataConfig::Tokens(t) if t.dir.is_empty() => {
            check.fail("data.dir", "is empty", "name a folder that `lampwick prepare` wrote")
        }
        DataConfig::Text(t) => {
            if let TokenizerKind::Subwords { model, size } = t.tokenizer {
                // Byte pair encoding begins with every byte and </s>.
                let least = if model == SubwordModel::Bpe { 257 } else { 3 };
                if size < least {
                    let mend = format!("use at least {least}; 8000 is usual");
                    let problem = format!("is {size}");
                    return check.fail("data.tokenizer.subwords.size", &problem, &mend);
                }
            }
            if let Some(size @ ..2) = t.vocabulary.max_size {
                let problem = format!("is {size}, and <unk> and a word are two");
                return check.fail("data.vocabulary.max_size", &problem, "use at least 2");
            }
            Ok(())
        }
        DataConfig::Tokens(_) => Ok(()),
    }
}

fn optimizer(optimizer: &OptimizerConfig, check: &Checker<'_>) -> Result<(), ConfigError> {
    let lr = optimizer.lr();
    check.not_negative("optimizer.lr", lr)?;
    let betas = |beta1: f64, beta2: f64, epsilon: f64| {
        check.fraction("optimizer.beta1", beta1)?;
        check.fraction("optimizer.beta2", beta2)?;
        check.not_negative("optimizer.epsilon", epsilon)
    };
    match optimizer {
        OptimizerConfig::Sgd(c) => {
            check.fraction("optimizer.momentum", c.momentum)?;
            check.fraction("optimizer.dampening", c.dampening)?;
            if c.nesterov && c.momentum == 0.0 {
                return check.fail(
                    "optimizer.nesterov",
                    "needs a momentum",
                    "set optimizer.momentum=0.9",
                );
            }
            Ok(())
        }
        OptimizerConfig::Adam(c) => betas(c.beta1, c.beta2, c.epsilon),
        OptimizerConfig::AdamW(c) => betas(c.beta1, c.beta2, c.epsilon),
        OptimizerConfig::RmsProp(c) => {
            check.fraction("optimizer.alpha", c.alpha)?;
            check.fraction("optimizer.momentum", c.momentum)?;
            check.not_negative("optimizer.epsilon", c.epsilon)
        }
        OptimizerConfig::Asgd(_) | OptimizerConfig::NtAsgd(_) => Ok(()),
    }
}

fn schedule(schedule: &ScheduleConfig, check: &Checker<'_>) -> Result<(), ConfigError> {
    let divisor = |factor: f64| {
        if factor.is_finite() && factor >= 1.0 {
            check.single("schedule.factor", factor)
        } else {
            check.fail(
                "schedule.factor",
                &format!("is {factor}"),
                "it divides the rate: use at least 1",
            )
        }
    };
    match schedule {
        ScheduleConfig::Constant => Ok(()),
        ScheduleConfig::EpochDecay(c) => divisor(c.factor),
        ScheduleConfig::Plateau(c) => {
            divisor(c.factor)?;
            check.not_negative("schedule.min_lr", c.min_lr)
        }
        ScheduleConfig::Cosine(c) => {
            check.not_negative("schedule.final_fraction", c.final_fraction)?;
            if c.total_steps > 0 && c.total_steps <= c.warmup_steps {
                return check.fail(
                    "schedule.total_steps",
                    &format!("is {}, within the warm-up of {}", c.total_steps, c.warmup_steps),
                    "use more steps or a shorter warm-up",
                );
            }
            Ok(())
        }
        ScheduleConfig::InverseSquareRoot(c) if c.warmup_steps == 0 => {
            check.fail("schedule.warmup_steps", "is 0", "use at least 1")
        }
        ScheduleConfig::InverseSquareRoot(_) => Ok(()),
    }
}

/// Says what is wrong with a value, under its key.
pub(crate) struct Checker<'a> {
    pub(crate) file: &'a str,
}

impl Checker<'_> {
    pub(crate) fn fail(&self, key: &str, problem: &str, mend: &str) -> Result<(), ConfigError> {
        Err(ConfigError::value(self.file, key, problem, mend))
    }

    pub(crate) fn positive(&self, key: &str, value: usize) -> Result<(), ConfigError> {
        if value > 0 { Ok(()) } else { self.fail(key, "is 0", "use at least 1") }
    }

    pub(crate) fn at_most(
        &self,
        key: &str,
        value: usize,
        most: usize,
        why: &str,
    ) -> Result<(), ConfigError> {
        if value <= most {
            return Ok(());
        }
        self.fail(key, &format!("is {value}"), &format!("use at most {most}; {why}"))
    }

    pub(crate) fn not_negative(&self, key: &str, value: f64) -> Result<(), ConfigError> {
        if !(value.is_finite() && value >= 0.0) {
            return self.fail(key, &format!("is {value}"), "use a finite value of at least 0");
        }
        self.single(key, value)
    }

    /// Tensors hold single precision: what is finite in f64 alone would become infinite there.
    pub(crate) fn single(&self, key: &str, value: f64) -> Result<(), ConfigError> {
        if value.abs() <= f64::from(f32::MAX) {
            return Ok(());
        }
        let problem = format!("is {value}, more than single precision holds");
        self.fail(key, &problem, "use at most 3.4e38")
    }

    pub(crate) fn fraction(&self, key: &str, value: f64) -> Result<(), ConfigError> {
        if (0.0..1.0).contains(&value) {
            Ok(())
        } else {
            self.fail(key, &format!("is {value}"), "use a value in [0, 1)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Override, RunConfig};

    #[test]
    fn impossible_values_are_refused_by_key() {
        for (change, key) in [
            ("batches.size=0", "batches.size"),
            ("batches.bptt.fixed=0", "batches.bptt.fixed"),
            ("batches.bptt={ random = { mean = 9, std = nan } }", "batches.bptt.random.std"),
            ("optimizer.lr=nan", "optimizer.lr"),
            ("optimizer.lr=-1", "optimizer.lr"),
            ("optimizer.lr=inf", "optimizer.lr"),
            ("optimizer.lr=1e39", "optimizer.lr"),
            ("regularization.ar=1e39", "regularization.ar"),
            ("optimizer.momentum=1.5", "optimizer.momentum"),
            ("regularization.clip_norm=-0.25", "regularization.clip_norm"),
            ("loss.label_smoothing=1.0", "loss.label_smoothing"),
            ("budget.epochs=0", "budget"),
            ("checkpoint.keep=0", "checkpoint.keep"),
            ("sampling.top_p=0.0", "sampling.top_p"),
            ("data.train_tokens=0", "data.train_tokens"),
            ("data.test_tokens=1000000000000", "data.test_tokens"),
            ("sampling.count=100000000000", "sampling.count"),
            ("sampling.count_per_epoch=100000000000", "sampling.count_per_epoch"),
            ("sampling.length=0", "sampling.length"),
        ] {
            let change: Override = change.parse().unwrap();
            let error = Config::parse("", "run.toml", std::slice::from_ref(&change)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(key), "{change}: {text}");
            let file = if key.starts_with(change.key()) {
                format!("override {change}")
            } else {
                "run.toml".into()
            };
            assert!(text.starts_with(&format!("{file}: {key}")), "{change}: {text}");
            assert!(!error.mend.is_empty(), "{change}: no mend");
        }
    }
}
