//! `NAME[:N]` -> a Burn device; a backend that is not compiled in is an error that names its feature.

use burn::prelude::Device;

/// A device name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Known, but this program was built without it.
    #[error(
        "device `{name}` is not compiled in: rebuild with `--features {feature}` (compiled in: {compiled})"
    )]
    NotCompiled {
        /// The device asked for.
        name: String,
        /// The Cargo feature that brings it.
        feature: &'static str,
        /// What there is instead.
        compiled: String,
    },
    /// No such backend, or an index that is none.
    #[error(
        "unknown device `{name}`: use NAME or NAME:N with NAME one of flex, ndarray, cpu, wgpu, vulkan, metal, cuda"
    )]
    Unknown {
        /// The device asked for.
        name: String,
    },
}

/// Every backend that the workspace can be built with: name = Cargo feature, and whether it is in.
pub const BACKENDS: [(&str, bool); 7] = [
    ("flex", cfg!(feature = "flex")),
    ("ndarray", cfg!(feature = "ndarray")),
    ("cpu", cfg!(feature = "cpu")),
    ("wgpu", cfg!(feature = "wgpu")),
    ("vulkan", cfg!(feature = "vulkan")),
    ("metal", cfg!(feature = "metal")),
    ("cuda", cfg!(feature = "cuda")),
];

/// The names of the backends compiled in, in order of preference for a name left empty.
pub fn compiled() -> Vec<&'static str> {
    BACKENDS.iter().filter(|(_, is_in)| *is_in).map(|(name, _)| *name).collect()
}

/// The device's name in full: empty becomes the first backend compiled in.
pub fn resolved(name: &str) -> &str {
    if name.is_empty() { compiled().first().copied().unwrap_or_default() } else { name }
}

/// Parses `flex`, `cuda:1`, ...; empty = the first compiled in. The device is without autodiff.
///
/// # Errors
/// [`DeviceError`]: not compiled in (with the feature to add), or unknown.
pub fn parse(name: &str) -> Result<Device, DeviceError> {
    let unknown = || DeviceError::Unknown { name: name.to_string() };
    let wanted = resolved(name);
    let (backend, index) = match wanted.split_once(':') {
        Some((backend, index)) => (backend, Some(index.parse::<usize>().map_err(|_| unknown())?)),
        None => (wanted, None),
    };
    let &(feature, is_in) = BACKENDS.iter().find(|(n, _)| *n == backend).ok_or_else(unknown)?;
    if !is_in {
        return Err(DeviceError::NotCompiled {
            name: name.into(),
            feature,
            compiled: compiled().join(", "),
        });
    }
    open(backend, index).ok_or_else(unknown)
}

/// Whether tensors of this device lie in this process's own memory and can be taken without a copy.
pub(crate) fn on_host(name: &str) -> bool {
    resolved(name) == "flex"
}

#[allow(unused_variables, reason = "the index is for GPU backends, which may not be compiled in")]
fn open(backend: &str, index: Option<usize>) -> Option<Device> {
    #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
    let kind = || match index {
        Some(n) => burn::tensor::DeviceKind::DiscreteGpu(n),
        None => burn::tensor::DeviceKind::DefaultDevice,
    };
    match backend {
        #[cfg(feature = "flex")]
        "flex" => index.is_none().then(Device::flex), // there is one
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "kept while Burn ships it")]
        "ndarray" => Some(Device::ndarray()),
        #[cfg(feature = "cpu")]
        "cpu" => Some(Device::cpu()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(Device::wgpu(kind())),
        #[cfg(feature = "vulkan")]
        "vulkan" => Some(Device::vulkan(kind())),
        #[cfg(feature = "metal")]
        "metal" => Some(Device::metal(kind())),
        #[cfg(feature = "cuda")]
        "cuda" => Some(Device::cuda(index.unwrap_or(0))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_what_is_missing_names_its_feature() {
        assert!(parse("").is_ok());
        assert!(matches!(parse("abacus"), Err(DeviceError::Unknown { .. })));
        assert!(matches!(parse("flex:x"), Err(DeviceError::Unknown { .. })));
        for (name, is_in) in BACKENDS {
            if !is_in {
                let error = parse(name).unwrap_err().to_string();
                assert!(error.contains(&format!("--features {name}")), "{error}");
            }
        }
    }
}
