//! The float type of a model's matrix products.

use burn::prelude::*;
use burn::tensor::FloatDType;
use serde::{Deserialize, Serialize};

use crate::config::ModelConfigError;

/// In which type matrix products are computed. Parameters, states, losses and gradients of
/// parameters are f32 under each (Micikevicius et al. 2018, section 3): a narrow type halves the
/// traffic of the products and reaches a GPU's matrix units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 24 bits of mantissa: no mixing.
    #[default]
    F32,
    /// The range of f32 with 8 bits of mantissa.
    Bf16,
    /// 11 bits of mantissa, nothing below 6e-8: gradients have to be scaled, see
    /// [`Precision::needs_loss_scale`].
    F16,
}

impl Precision {
    /// All of them, widest first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
        }
    }

    /// Whether `device` computes in this type.
    pub fn is_supported(self, device: &Device) -> bool {
        self.narrow().is_none_or(|dtype| device.supports_dtype(dtype))
    }

    /// Refuses a device that does not compute in this type.
    pub(crate) fn expect_supported(self, device: &Device) -> Result<(), ModelConfigError> {
        if self.is_supported(device) {
            return Ok(());
        }
        let supported = Self::ALL.into_iter().filter(|p| p.is_supported(device)).collect();
        Err(ModelConfigError::Precision { precision: self, supported })
    }

    /// Whether the gradient of a mean over many tokens would vanish in this type, so that the loss
    /// has to be scaled up before the backward pass and the gradients down after it.
    pub fn needs_loss_scale(self) -> bool {
        self == Precision::F16
    }

    /// A weight as the products take it; on the tape, so that its gradient is in the weight's own
    /// type again.
    pub(crate) fn of_weight(self, weight: Tensor<2>) -> Tensor<2> {
        match self.narrow() {
            Some(dtype) => weight.cast(dtype),
            None => weight,
        }
    }

    fn narrow(self) -> Option<FloatDType> {
        match self {
            Precision::F32 => None,
            Precision::Bf16 => Some(FloatDType::BF16),
            Precision::F16 => Some(FloatDType::F16),
        }
    }
}
