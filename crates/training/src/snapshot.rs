//! Between the loop's live objects and a checkpoint's files.

use burn::module::Module;
use burn::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::averaging::Average;
use crate::checkpoint::{Files, MISSING};
use crate::error::{Error, Result};
use crate::optimizer::Rule;
use crate::parameters::{self, Matrices};
use crate::state::{Best, State};
use crate::task::Task;

const STATE: &str = "state.json";
const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.bpk";
const AVERAGE: &str = "average.safetensors";
const CARRY: &str = "carry.safetensors";

/// The files of a checkpoint of these objects.
pub(crate) fn files<M: Module, P: Serialize>(
    state: &State<P>,
    model: &M,
    rule: &Rule,
    average: Option<&Average<M>>,
    carried: Vec<Tensor<2>>,
) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let failed = |file: &'static str| {
        move |problem: String| Error::write(file.as_ref(), std::io::Error::other(problem))
    };
    let mut json = serde_json::to_vec_pretty(state).expect("the state is plain data");
    json.push(b'\n');
    let mut files =
        vec![(STATE, json), (MODEL, parameters::to_bytes(model).map_err(failed(MODEL))?)];
    if let Some(bytes) = rule.to_bytes().map_err(failed(OPTIMIZER))? {
        files.push((OPTIMIZER, bytes));
    }
    if let Some(average) = average {
        files.push((AVERAGE, parameters::to_bytes(&average.mean).map_err(failed(AVERAGE))?));
    }
    if !carried.is_empty() {
        let matrices = Matrices::new(carried);
        files.push((CARRY, parameters::to_bytes(&matrices).map_err(failed(CARRY))?));
    }
    Ok(files)
}

/// What a checkpoint gives back.
pub(crate) struct Restored<T: Task> {
    pub(crate) state: State<T::Position>,
    pub(crate) model: T::Model,
    pub(crate) rule: Rule,
    pub(crate) average: Option<Average<T::Model>>,
    pub(crate) carried: Vec<Tensor<2>>,
}

/// Reads `state.json` alone.
fn state<P: DeserializeOwned>(files: &mut Files) -> Result<State<P>> {
    let json = files.require(STATE)?;
    Ok(serde_json::from_slice(&json).map_err(|e| files.mismatch(STATE, &e.to_string()))?)
}

/// The best validation that a checkpoint of any task knows of.
pub(crate) fn best(files: &mut Files) -> Result<Option<Best>> {
    Ok(state::<serde_json::Value>(files)?.best)
}

/// Puts a checkpoint's values into a freshly built model and rule. `shapes`: of what is carried from
/// one step to the next.
pub(crate) fn restore<T: Task>(
    mut files: Files,
    mut model: T::Model,
    rule: Rule,
    shapes: Vec<Tensor<2>>,
) -> Result<Restored<T>> {
    let state: State<T::Position> = state(&mut files)?;
    let bytes = files.require(MODEL)?;
    parameters::from_bytes(&mut model, bytes).map_err(|e| files.mismatch(MODEL, &e))?;
    let model = parameters::name_by_path(model);
    let device = model.devices()[0].clone().inner();
    let rule = match (rule.has_state() && state.step > 0, files.take(OPTIMIZER)) {
        (_, Some(bytes)) => {
            rule.load(&bytes, &device).map_err(|e| files.mismatch(OPTIMIZER, &e))?
        }
        (true, None) => return Err(files.mismatch(OPTIMIZER, MISSING).into()),
        (false, None) => rule,
    };
    let average = match (state.averaged, files.take(AVERAGE)) {
        (Some(count), Some(bytes)) => {
            let mut average = Average::start(&model);
            parameters::from_bytes(&mut average.mean, bytes)
                .map_err(|e| files.mismatch(AVERAGE, &e))?;
            Some(Average { mean: parameters::name_by_path(average.mean), count })
        }
        (Some(_), None) => return Err(files.mismatch(AVERAGE, MISSING).into()),
        (None, Some(_)) => return Err(files.mismatch(AVERAGE, "no average has begun").into()),
        (None, None) => None,
    };
    let carried = match files.take(CARRY) {
        Some(bytes) => {
            let mut matrices = Matrices::new(shapes);
            parameters::from_bytes(&mut matrices, bytes).map_err(|e| files.mismatch(CARRY, &e))?;
            matrices.into_tensors()
        }
        None if !state.validated && !shapes.is_empty() => {
            return Err(files.mismatch(CARRY, MISSING).into());
        }
        None => Vec::new(),
    };
    files.expect_empty()?;
    Ok(Restored { state, model, rule, average, carried })
}

/// The weights that a checkpoint is evaluated with: the average where there is one.
pub(crate) fn weights<T: Task>(
    files: &mut Files,
    config: &T::Config,
    device: &Device,
) -> Result<T::Model> {
    let mut model = T::init(config, 0, device)?;
    let (name, bytes) = match files.take(AVERAGE) {
        Some(bytes) => (AVERAGE, bytes),
        None => (MODEL, files.require(MODEL)?),
    };
    parameters::from_bytes(&mut model, bytes).map_err(|e| files.mismatch(name, &e))?;
    Ok(model)
}
