//! `NAME[:N]` -> a Burn device; a backend that is not compiled in is an error that names its feature.
//! `NAME:0,NAME:1` -> several, which share each batch ([`crate::config::Config::device`]).
//!
//! Burn opens a device when its first tensor is made, and panics where there is none: so a device is
//! looked for here, when it is named.

use burn::prelude::Device;
use burn::tensor::DeviceType;

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
    /// Compiled in, but this machine has none, or none of that number.
    #[error(
        "there is no device `{name}` on this machine: use {found} (`lampwick devices` lists them); \
         a GPU that is missing from that list may lack its driver"
    )]
    Absent {
        /// The device asked for.
        name: String,
        /// What there is instead.
        found: String,
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
/// [`DeviceError`]: not compiled in (with the feature to add), unknown, not on this machine, or of
/// several backends.
pub fn parse_all(names: &str) -> Result<Vec<Device>, DeviceError> {
    if !names.contains(',') {
        return Ok(vec![parse_one(names)?]);
    }
    let unknown = || DeviceError::Unknown { name: names.to_string() };
    let list: Vec<&str> = names.split(',').map(str::trim).collect();
    if list.contains(&"") {
        return Err(unknown());
    }
    let asked = list.iter().map(|name| understood(name)).collect::<Result<Vec<_>, _>>()?;
    if asked.iter().any(|(backend, _)| *backend != asked[0].0) {
        return Err(DeviceError::Mixed { names: names.to_string() });
    }
    list.iter().map(|name| parse_one(name)).collect()
}

fn parse_one(name: &str) -> Result<Device, DeviceError> {
    let (backend, index) = understood(name)?;
    let found = enumerated(backend);
    let device = match index {
        Some(index) => found.get(index).cloned(),
        None if found.is_empty() => None,
        None => default(backend),
    };
    device.ok_or_else(|| DeviceError::Absent {
        name: resolved(name).to_string(),
        found: match names(backend, found.len()) {
            none if none.is_empty() => compiled_but(backend),
            names => names.join(" or "),
        },
    })
}

/// A name's backend, which is compiled in, and its number.
fn understood(name: &str) -> Result<(&'static str, Option<usize>), DeviceError> {
    let unknown = || DeviceError::Unknown { name: name.to_string() };
    let wanted = resolved(name);
    let (backend, index) = match wanted.split_once(':') {
        Some((backend, index)) => (backend, Some(index.parse::<usize>().map_err(|_| unknown())?)),
        None => (wanted, None),
    };
    let &(feature, is_in) = BACKENDS.iter().find(|(n, _)| *n == backend).ok_or_else(unknown)?;
    if is_in {
        return Ok((feature, index));
    }
    Err(DeviceError::NotCompiled { name: name.into(), feature, compiled: compiled().join(", ") })
}

/// The other backends, for a machine that has no device of this one.
fn compiled_but(backend: &str) -> String {
    let others: Vec<&str> = compiled().into_iter().filter(|name| *name != backend).collect();
    if others.is_empty() { "a build with `--features flex`".into() } else { others.join(" or ") }
}

/// What `--device` calls the `count` devices of a backend: a single one needs no number.
pub fn names(backend: &str, count: usize) -> Vec<String> {
    match count {
        0 => Vec::new(),
        1 => vec![backend.to_owned()],
        several => (0..several).map(|n| format!("{backend}:{n}")).collect(),
    }
}

/// The devices of a backend on this machine: `NAME:N` is number N of these, of whatever kind
/// (discrete, integrated, a software renderer). Empty also where the backend is not compiled in.
pub fn enumerated(backend: &str) -> Vec<Device> {
    kind(backend).map(|kind| Device::enumerate(kind).into_vec()).unwrap_or_default()
}

/// Burn's own name of a backend, where it is compiled in.
fn kind(backend: &str) -> Option<DeviceType> {
    match backend {
        #[cfg(feature = "flex")]
        "flex" => Some(DeviceType::Flex),
        #[cfg(feature = "ndarray")]
        "ndarray" => Some(DeviceType::NdArray),
        #[cfg(feature = "cpu")]
        "cpu" => Some(DeviceType::Cpu),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(DeviceType::Wgpu),
        #[cfg(feature = "vulkan")]
        "vulkan" => Some(DeviceType::Vulkan),
        #[cfg(feature = "metal")]
        "metal" => Some(DeviceType::Metal),
        #[cfg(feature = "cuda")]
        "cuda" => Some(DeviceType::Cuda),
        _ => None,
    }
}

/// Whether tensors of these devices lie in this process's own memory and can be taken without a copy.
pub(crate) fn on_host(names: &str) -> bool {
    resolved(names).split(',').all(|name| name.trim().split(':').next() == Some("flex"))
}

/// What a name without a number means: through wgpu the best adapter, as Burn judges it.
fn default(backend: &str) -> Option<Device> {
    #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
    use burn::tensor::DeviceKind::DefaultDevice;
    match backend {
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(Device::wgpu(DefaultDevice)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Some(Device::vulkan(DefaultDevice)),
        #[cfg(feature = "metal")]
        "metal" => Some(Device::metal(DefaultDevice)),
        _ => enumerated(backend).into_iter().next(),
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
    fn every_compiled_backend_has_a_kind() {
        for (name, compiled) in BACKENDS {
            assert_eq!(kind(name).is_some(), compiled, "{name}");
        }
    }

    #[test]
    fn a_number_past_the_last_device_is_absent() {
        for backend in compiled() {
            let count = enumerated(backend).len();
            assert_eq!(names(backend, count).len(), count);
            for name in names(backend, count) {
                assert!(parse(&name).is_ok(), "{name}");
            }
            let name = format!("{backend}:{count}");
            let error = parse(&name).unwrap_err();
            assert!(matches!(error, DeviceError::Absent { .. }), "{error}");
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
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
