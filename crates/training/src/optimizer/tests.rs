//! Our rules against Burn's, and the laws of their papers.

use super::*;
use crate::config::{AdamConfig, AdamWConfig, SgdConfig};
use crate::parameters;
use burn::nn::{Linear, LinearConfig};

fn model(seed: f32) -> Linear {
    let device = Device::flex().autodiff();
    let mut linear = parameters::name_by_path(LinearConfig::new(7, 5).init(&device));
    let weight = Tensor::<1, Int>::arange(0..35, &device).float().reshape([7, 5]) * 0.01 + seed;
    linear.weight = linear.weight.map(|_| weight.detach().require_grad());
    linear.bias = linear.bias.map(|b| b.map(|b| (b * 0.0).detach().require_grad()));
    linear
}

fn loss_step(rule: &mut Rule, model: Linear, lr: f64, factor: f64, on_host: bool) -> Linear {
    let x = Tensor::<2>::ones([3, 7], &model.weight.val().device());
    let grads = GradientsParams::from_grads(model.forward(x).square().mean().backward(), &model);
    rule.step(model, grads, lr, factor, on_host)
}

fn weights(model: &Linear) -> Vec<f32> {
    model.weight.val().into_data().try_into_vec().unwrap()
}

#[test]
fn our_descent_is_burns_sgd_with_weight_decay_to_the_last_places() {
    for decay in [0.0, 0.01] {
        let mut ours = Rule::new(&OptimizerConfig::Sgd(SgdConfig::default()), decay);
        let l2 = (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
        let mut burns = Rule::Burn(Box::new(optim::SgdConfig::new().with_weight_decay(l2).init()));
        let (mut a, mut b, mut c) = (model(0.1), model(0.1), model(0.1));
        for _ in 0..5 {
            a = loss_step(&mut ours, a, 0.05, 1.0, true);
            b = loss_step(&mut ours, b, 0.05, 1.0, false);
            c = loss_step(&mut burns, c, 0.05, 1.0, false);
        }
        assert_eq!(weights(&a), weights(&b), "host and device passes agree");
        for (ours, burns) in weights(&a).iter().zip(weights(&c)) {
            assert!((ours - burns).abs() < 1e-6, "{ours} {burns}");
        }
        assert!(a.weight.val().is_require_grad());
    }
}

/// Adam, AMSGrad and AdamW with a weight decay, and the same of Burn.
fn adams(decay: f64) -> [(OptimizerConfig, ModuleOptimizer); 3] {
    let l2 = (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
    let config = AdamConfig { beta1: 0.8, beta2: 0.98, epsilon: 1e-6, ..AdamConfig::default() };
    let burns = optim::AdamConfig::new().with_beta_1(0.8).with_beta_2(0.98).with_epsilon(1e-6);
    let burns = burns.with_weight_decay(l2);
    let adam_w = AdamWConfig { beta1: 0.8, beta2: 0.98, epsilon: 1e-6, ..AdamWConfig::default() };
    let burns_w = optim::AdamWConfig::new().with_beta_1(0.8).with_beta_2(0.98).with_epsilon(1e-6);
    [
        (OptimizerConfig::Adam(config.clone()), burns.clone().init()),
        (
            OptimizerConfig::Adam(AdamConfig { amsgrad: true, ..config }),
            burns.with_amsgrad(true).init(),
        ),
        (OptimizerConfig::AdamW(adam_w), burns_w.with_weight_decay(decay as f32).init()),
    ]
}

#[test]
fn our_adams_are_burns_to_the_last_places_on_host_and_device() {
    for decay in [0.0, 0.01] {
        for (config, burns) in adams(decay) {
            let mut rules =
                [Rule::new(&config, decay), Rule::new(&config, decay), Rule::Burn(Box::new(burns))];
            let mut models = [model(0.1), model(0.1), model(0.1)];
            for step in 0..6 {
                let factor = 1.0 / f64::from(1 + step);
                models = std::array::from_fn(|i| {
                    loss_step(&mut rules[i], models[i].clone(), 0.05, factor, i == 0)
                });
            }
            let [host, device, burns] = models.map(|model| weights(&model));
            for ((host, device), burns) in host.iter().zip(device).zip(burns) {
                assert!((host - device).abs() < 1e-6, "{config:?}: {host} {device}");
                assert!((host - burns).abs() < 1e-5, "{config:?}: {host}, Burn's {burns}");
            }
        }
    }
}

#[test]
fn the_state_of_another_rule_is_refused() {
    let momentum = OptimizerConfig::Sgd(SgdConfig { momentum: 0.9, ..SgdConfig::default() });
    let [adam, amsgrad, _] = adams(0.0).map(|(config, _)| config);
    let configs = [momentum, adam, amsgrad];
    let states: Vec<Vec<u8>> = configs
        .iter()
        .map(|config| {
            let mut rule = Rule::new(config, 0.0);
            loss_step(&mut rule, model(0.1), 0.05, 1.0, true);
            rule.to_bytes().unwrap().unwrap()
        })
        .collect();
    for (i, config) in configs.iter().enumerate() {
        for (j, state) in states.iter().enumerate() {
            let loaded = Rule::new(config, 0.0).load(state, &Device::flex());
            assert_eq!(loaded.is_ok(), i == j, "{config:?} took the state of {:?}", configs[j]);
        }
    }
}

#[test]
fn the_factor_scales_the_gradient_for_every_rule() {
    for config in [
        OptimizerConfig::Sgd(SgdConfig::default()),
        OptimizerConfig::Sgd(SgdConfig { momentum: 0.9, ..SgdConfig::default() }),
    ] {
        let before = weights(&model(0.2));
        let full = weights(&loss_step(&mut Rule::new(&config, 0.0), model(0.2), 0.1, 1.0, true));
        let half = weights(&loss_step(&mut Rule::new(&config, 0.0), model(0.2), 0.1, 0.5, true));
        for ((b, f), h) in before.iter().zip(full).zip(half) {
            assert!(((b - h) * 2.0 - (b - f)).abs() < 1e-6);
        }
    }
}

#[test]
fn adams_first_step_is_the_learning_rate_whatever_the_gradient() {
    // Kingma & Ba 2015, section 2.1: |step| is about lr when epsilon is small.
    let config = OptimizerConfig::Adam(AdamConfig::default());
    let before = weights(&model(0.3));
    let after = weights(&loss_step(&mut Rule::new(&config, 0.0), model(0.3), 1e-3, 1.0, true));
    for (b, a) in before.iter().zip(after) {
        assert!(((b - a) - 1e-3).abs() < 1e-6, "{}", b - a);
    }
}

#[test]
fn a_reloaded_state_continues_bit_by_bit() {
    let config = OptimizerConfig::Adam(AdamConfig::default());
    let mut whole = Rule::new(&config, 0.0);
    let mut a = model(0.1);
    for _ in 0..3 {
        a = loss_step(&mut whole, a, 0.01, 1.0, true);
    }
    let mut resumed =
        Rule::new(&config, 0.0).load(&whole.to_bytes().unwrap().unwrap(), &Device::flex()).unwrap();
    let mut b = model(0.1);
    parameters::from_bytes(&mut b, parameters::to_bytes(&a).unwrap()).unwrap();
    b = parameters::name_by_path(b);
    for _ in 0..3 {
        a = loss_step(&mut whole, a, 0.01, 1.0, true);
        b = loss_step(&mut resumed, b, 0.01, 1.0, true);
    }
    assert_eq!(weights(&a), weights(&b));
    assert!(Rule::new(&OptimizerConfig::default(), 0.0).load(&[0; 8], &Device::flex()).is_err());
    assert!(Rule::new(&config, 0.0).load(&[1; 100], &Device::flex()).is_err());
}
