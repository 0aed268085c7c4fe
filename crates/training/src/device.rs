//! `NAME[:N]` -> a Burn device; a backend that is not compiled in is an error that names its feature.
//! `NAME:0,NAME:1` -> several, which share each batch ([`crate::config::Config::device`]).

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
    /// Several devices that are not of one backend.
    #[error(
        "devices `{names}` are of several backends, which do not share a batch: name devices of one, \
         such as cuda:0,cuda:1"
    )]
    Mixed {
        /// The devices asked for.
        names: String,
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

/// Parses `flex`, `cuda:1`, ...; empty = the first compiled in. The device is without autodiff. Of
/// several it is the first: the one that holds the weights, evaluates and generates.
///
/// # Errors
/// As [`parse_all`].
pub fn parse(names: &str) -> Result<Device, DeviceError> {
    parse_all(names).map(|mut devices| devices.swap_remove(0))
}

/// Parses one device or several, separated by commas. There is at least one. The same may be named
/// twice, which splits the batch without a second device.
///
/// # Errors
/// [`DeviceError`]: not compiled in (with the feature to add), unknown, or of several backends.
pub fn parse_all(names: &str) -> Result<Vec<Device>, DeviceError> {
    if !names.contains(',') {
        return Ok(vec![parse_one(names)?]);
    }
    let unknown = || DeviceError::Unknown { name: names.to_string() };
    let list: Vec<&str> = names.split(',').map(str::trim).collect();
    if list.contains(&"") {
        return Err(unknown());
    }
    let backend = |name: &str| name.split(':').next().map(str::to_string);
    let devices = list.iter().map(|name| parse_one(name)).collect::<Result<_, _>>()?;
    if list.iter().any(|name| backend(name) != backend(list[0])) {
        return Err(DeviceError::Mixed { names: names.to_string() });
    }
    Ok(devices)
}

fn parse_one(name: &str) -> Result<Device, DeviceError> {
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

/// Whether tensors of these devices lie in this process's own memory and can be taken without a copy.
pub(crate) fn on_host(names: &str) -> bool {
    resolved(names).split(',').all(|name| name.trim() == "flex")
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

    #[test]
    fn several_devices_are_of_one_backend() {
        assert_eq!(parse_all("").unwrap().len(), 1);
        let first = compiled()[0];
        let twice = format!("{first}, {first}");
        assert_eq!(parse_all(&twice).unwrap(), vec![parse(first).unwrap(); 2]);
        assert_eq!(parse(&twice).unwrap(), parse(first).unwrap());
        assert_eq!(on_host(&twice), first == "flex");
        assert!(matches!(parse_all(&format!("{first},")), Err(DeviceError::Unknown { .. })));
        assert!(parse_all(&format!("{first},abacus")).is_err());
        if let [first, second, ..] = compiled()[..] {
            let error = parse_all(&format!("{first},{second}")).unwrap_err();
            assert!(matches!(error, DeviceError::Mixed { .. }), "{error}");
        }
    }
}
