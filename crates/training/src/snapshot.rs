//! Between the loop's live objects and a checkpoint's files.

use burn::prelude::*;
use lampwick_models::{LanguageModel, LanguageModelConfig, StackState};

use crate::averaging::Average;
use crate::checkpoint::{Files, MISSING};
use crate::error::{Error, Result};
use crate::optimizer::Rule;
use crate::parameters::{self, Matrices};
use crate::state::State;

const STATE: &str = "state.json";
const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.bpk";
const AVERAGE: &str = "average.safetensors";
const CARRY: &str = "carry.safetensors";

/// The files of a checkpoint of these objects.
pub(crate) fn files(
    state: &State,
    model: &LanguageModel,
    rule: &Rule,
    average: Option<&Average<LanguageModel>>,
    carry: Option<&StackState>,
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
    if let Some(carry) = carry {
        let matrices = Matrices::new(carry.clone().into_tensors());
        files.push((CARRY, parameters::to_bytes(&matrices).map_err(failed(CARRY))?));
    }
    Ok(files)
}

/// What a checkpoint gives back.
pub(crate) struct Restored {
    pub(crate) state: State,
    pub(crate) model: LanguageModel,
    pub(crate) rule: Rule,
    pub(crate) average: Option<Average<LanguageModel>>,
    pub(crate) carry: Option<StackState>,
}

/// Reads `state.json` alone.
pub(crate) fn state(files: &mut Files) -> Result<State> {
    let json = files.require(STATE)?;
    Ok(serde_json::from_slice(&json).map_err(|e| files.mismatch(STATE, &e.to_string()))?)
}

/// Puts a checkpoint's values into a freshly built model and rule.
pub(crate) fn restore(
    mut files: Files,
    mut model: LanguageModel,
    rule: Rule,
    batch: usize,
) -> Result<Restored> {
    let state = state(&mut files)?;
    let bytes = files.require(MODEL)?;
    parameters::from_bytes(&mut model, bytes).map_err(|e| files.mismatch(MODEL, &e))?;
    let model = parameters::name_by_path(model);
    let rule = match (rule.has_state() && state.step > 0, files.take(OPTIMIZER)) {
        (_, Some(bytes)) => rule.load(&bytes).map_err(|e| files.mismatch(OPTIMIZER, &e))?,
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
    let carry = match files.take(CARRY) {
        Some(bytes) => Some(carry(&model, batch, bytes).map_err(|e| files.mismatch(CARRY, &e))?),
        None if !state.validated => return Err(files.mismatch(CARRY, MISSING).into()),
        None => None,
    };
    files.expect_empty()?;
    Ok(Restored { state, model, rule, average, carry })
}

fn carry(model: &LanguageModel, batch: usize, bytes: Vec<u8>) -> Result<StackState, String> {
    let stack = model.config().recurrent();
    let zeros = StackState::zeros(&stack, batch, &model.device());
    let mut matrices = Matrices::new(zeros.into_tensors());
    parameters::from_bytes(&mut matrices, bytes)?;
    StackState::from_tensors(stack.cell, matrices.into_tensors())
        .map(StackState::detach)
        .ok_or_else(|| "the state does not fit the model's cells".to_string())
}

/// The weights that a checkpoint is evaluated with: the average where there is one.
pub(crate) fn weights(
    files: &mut Files,
    config: &LanguageModelConfig,
    device: &Device,
) -> Result<LanguageModel> {
    let mut model = config.init(0, device)?;
    let (name, bytes) = match files.take(AVERAGE) {
        Some(bytes) => (AVERAGE, bytes),
        None => (MODEL, files.require(MODEL)?),
    };
    parameters::from_bytes(&mut model, bytes).map_err(|e| files.mismatch(name, &e))?;
    Ok(model)
}
