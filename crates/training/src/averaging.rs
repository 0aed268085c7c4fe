//! Averaged SGD: the evaluated weights are the mean of the walk's (Polyak & Juditsky 1992), from an
//! epoch given or found by the non-monotone trigger of Merity et al. 2017 (algorithm 1).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;

use crate::config::OptimizerConfig;

/// The mean of the weights so far; `count` of them.
pub(crate) struct Average<M> {
    pub(crate) mean: M,
    pub(crate) count: u64,
}

impl<M: Module> Average<M> {
    /// Starts with nothing averaged; `model` gives the shapes.
    pub(crate) fn start(model: &M) -> Self {
        Self { mean: model.clone().valid(), count: 0 }
    }

    /// Takes in the weights after a step: `mean <- mean + (p - mean) / count`.
    pub(crate) fn add(mut self, model: &M) -> Self {
        self.count += 1;
        let mut weights = Weights(GradientsParams::new());
        model.visit(&mut weights);
        let share = 1.0 / self.count as f64;
        self.mean = self.mean.map(&mut MoveTowards { weights: weights.0, share });
        self
    }
}

/// The weights of a model by id; [`GradientsParams`] is Burn's table of tensors by parameter.
struct Weights(GradientsParams);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val().inner());
    }
}

struct MoveTowards {
    weights: GradientsParams,
    share: f64,
}

impl ModuleMapper for MoveTowards {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(weights) = self.weights.remove::<D>(param.id) else { return param };
        let (id, mean, mapper) = param.consume();
        // The first step is a copy: mean + (p - mean) would round.
        let mean =
            if self.share == 1.0 { weights } else { (weights - mean.clone()) * self.share + mean };
        Param::from_mapped_value(id, mean, mapper)
    }
}

/// Whether averaging starts now, after `losses` (validation loss of each epoch, in order).
///
/// NT-ASGD (algorithm 1): when more than n validations are done and the latest is worse than the
/// best of all but the last n.
pub(crate) fn starts(config: &OptimizerConfig, losses: &[f64]) -> bool {
    match config {
        OptimizerConfig::Asgd(c) => losses.len() as u64 + 1 >= c.start_epoch,
        OptimizerConfig::NtAsgd(c) => worse_than_before(losses, c.nonmonotone),
        _ => false,
    }
}

/// Whether the latest loss is worse than the best of all but the `n` before it. As in the authors'
/// code: the latest is compared before it joins the list.
pub(crate) fn worse_than_before(losses: &[f64], n: usize) -> bool {
    let Some((latest, before)) = losses.split_last() else { return false };
    before.len() > n && before[..before.len() - n].iter().any(|&best| best < *latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AsgdConfig, NtAsgdConfig};
    use crate::parameters::name_by_path;
    use burn::nn::LinearConfig;

    #[test]
    fn the_average_is_the_mean_of_the_walk() {
        let device = Device::flex().autodiff();
        let mut model = name_by_path(LinearConfig::new(2, 2).with_bias(false).init(&device));
        let mut average = Average::start(&model);
        for value in [1.0, 2.0, 6.0] {
            model.weight = model.weight.map(|w| (w * 0.0 + value).detach().require_grad());
            average = average.add(&model);
        }
        let mean: Vec<f32> = average.mean.weight.val().into_data().try_into_vec().unwrap();
        for value in mean {
            assert!((value - 3.0).abs() < 1e-6, "{value}");
        }
        assert_eq!(average.count, 3);
    }

    #[test]
    fn the_non_monotone_trigger_follows_the_published_code() {
        // salesforce/awd-lstm-lm, main.py: len(best_val_loss) > nonmono and
        // val_loss > min(best_val_loss[:-nonmono]), best_val_loss holding the epochs before.
        let config =
            OptimizerConfig::NtAsgd(NtAsgdConfig { nonmonotone: 2, ..NtAsgdConfig::default() });
        let falling = [5.0, 4.0, 3.0, 2.0, 1.0];
        assert!((1..=5).all(|n| !starts(&config, &falling[..n])));
        assert!(!starts(&config, &[3.0, 4.0, 5.0]), "only two validations before the latest");
        assert!(starts(&config, &[3.0, 4.0, 5.0, 3.5]), "3.5 > min(3.0)");
        assert!(!starts(&config, &[4.0, 2.0, 2.5, 3.0]), "3.0 <= min(4.0)");
        assert!(starts(&config, &[4.0, 2.0, 2.5, 2.6, 2.7]), "2.7 > min(4.0, 2.0)");
    }

    #[test]
    fn plain_asgd_starts_at_its_epoch() {
        let config = OptimizerConfig::Asgd(AsgdConfig { start_epoch: 3, ..AsgdConfig::default() });
        assert!(!starts(&config, &[]));
        assert!(!starts(&config, &[1.0]));
        assert!(starts(&config, &[1.0, 1.0]));
    }
}
