//! Data parallelism: one window's streams shared by several devices.
//!
//! Burn's strategy `MultiDevice` with `OptimMainDevice` (burn-train), for streams that carry a state:
//! each step forks the weights to every device, which runs its own streams from its own state; the
//! gradients come to the first device and are summed there in the devices' order. What moves is
//! weights and gradients, by `Tensor::to_device`, which every backend has; Burn's collectives, which
//! would keep a copy of the weights on each device, exist for CUDA alone and are not used.
//!
//! No two devices' tapes may have a node in common: Burn's autodiff (0.22.1) keeps such tapes as one
//! graph, and its `backward` and its merging of graphs lock that in opposite orders, for ever.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use burn::prelude::*;
use lampwick_data::BpttBatch;
use lampwick_models::{LanguageModel, Mode, StackState};

use super::objective::{Objective, Window};

/// The streams of each device: as even as `batch` allows, the same for every window.
pub(crate) fn shares(batch: usize, devices: usize) -> Vec<Range<usize>> {
    (0..devices).map(|rank| rank * batch / devices..(rank + 1) * batch / devices).collect()
}

/// A state of all streams, dealt to the devices that run them.
pub(crate) fn deal(carry: Option<StackState>, devices: &[Device]) -> Vec<StackState> {
    let Some(carry) = carry else { return Vec::new() };
    shares(carry.batch(), devices.len())
        .into_iter()
        .zip(devices)
        .map(|(streams, device)| carry.clone().slice(streams).to_device(device))
        .collect()
}

/// Each device's window, with its gradients on the first device. `mode` moves on as for one device.
pub(crate) fn windows(
    objective: &Objective,
    model: &LanguageModel,
    batch: &BpttBatch,
    carry: Vec<StackState>,
    mode: &mut Mode,
) -> Vec<Window> {
    let mut carry = carry.into_iter();
    let main = model.device();
    let windows = thread::scope(|scope| {
        let mut workers = Vec::new();
        for (rank, streams) in shares(batch.batch, objective.devices.len()).into_iter().enumerate()
        {
            let device = &objective.devices[rank];
            let (replica, carry) = (model.clone(), carry.next());
            let mut mode = mode.replica(rank as u64);
            let share = streams.len() as f64 / batch.batch as f64;
            workers.push(scope.spawn(move || {
                let replica = replica.fork(device);
                let streams = batch.streams(streams);
                (objective.window(&replica, &streams, carry, share, &mut mode), mode)
            }));
        }
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        workers.into_iter().map(join).collect::<Vec<(Window, Mode)>>()
    });
    if let Some((_, after)) = windows.first() {
        *mode = after.clone();
    }
    let to_main =
        |window: Window| Window { gradients: window.gradients.to_device(&main, model), ..window };
    windows.into_iter().map(|(window, _)| to_main(window)).collect()
}
