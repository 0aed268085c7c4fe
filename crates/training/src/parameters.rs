//! A model's parameters as a whole: names, count, bytes.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use burn::store::{ApplyError, ModuleSnapshot, SafetensorsStore};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Gives every parameter the id that follows from its path, `sha256(path)`.
///
/// Burn draws ids at random and keys the optimiser's state by them: named after their paths, a
/// resumed run's parameters meet their own moments again.
pub(crate) fn name_by_path<M: Module>(model: M) -> M {
    struct Names(Vec<String>);
    impl ModuleMapper for Names {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (_, tensor, mapper) = param.consume();
            let hash = Sha256::digest(self.0.join(".").as_bytes());
            let id = u64::from_le_bytes(hash[..8].try_into().expect("a SHA-256 has 32 bytes"));
            Param::from_mapped_value(ParamId::from(id), tensor, mapper)
        }
    }
    model.map(&mut Names(Vec::new()))
}

/// The first value that is no finite number, and the path of its parameter.
pub(crate) fn first_non_finite<M: Module>(module: &M) -> Option<(String, f64)> {
    #[derive(Default)]
    struct Search {
        path: Vec<String>,
        found: Option<(String, f64)>,
    }
    impl ModuleVisitor for Search {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.found.is_some() {
                return;
            }
            let data = param.val().into_data();
            let value = match data.as_slice::<f32>() {
                Ok(values) => {
                    values.par_iter().find_first(|v| !v.is_finite()).map(|&v| f64::from(v))
                }
                Err(_) => data.iter::<f64>().find(|v| !v.is_finite()),
            };
            self.found = value.map(|value| (self.path.join("."), value));
        }
    }
    let mut search = Search::default();
    module.visit(&mut search);
    search.found
}

/// The arithmetic mean of the weights of models of one architecture, summed in double precision and
/// rounded once.
pub(crate) fn mean<M: Module>(models: Vec<M>) -> M {
    struct Sums(Vec<Vec<f64>>);
    impl ModuleVisitor for Sums {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().into_data().iter::<f64>().collect());
        }
    }
    struct Means {
        sums: std::vec::IntoIter<Vec<f64>>,
        count: f64,
    }
    impl ModuleMapper for Means {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let sums = self.sums.next().expect("as many as were visited");
            let means: Vec<f32> = sums.into_iter().map(|sum| (sum / self.count) as f32).collect();
            let means = TensorData::new(means, tensor.dims());
            let mean = Tensor::from_data(means, (&tensor.device(), tensor.dtype()));
            Param::from_mapped_value(id, mean, mapper)
        }
    }
    let count = models.len() as f64;
    let mut models = models.into_iter();
    let first = models.next().expect("the mean of at least one");
    let mut sums = Sums(Vec::new());
    first.visit(&mut sums);
    for model in models {
        let mut more = Sums(Vec::new());
        model.visit(&mut more);
        for (sums, more) in sums.0.iter_mut().zip(more.0) {
            sums.iter_mut().zip(more).for_each(|(sum, value)| *sum += value);
        }
    }
    first.map(&mut Means { sums: sums.0.into_iter(), count })
}

/// The parameters as a safetensors file; the same values give the same bytes.
pub(crate) fn to_bytes<M: Module>(module: &M) -> Result<Vec<u8>, String> {
    // Burn's metadata is a hash map of several entries: its order would change from run to run.
    let mut store = SafetensorsStore::from_bytes(None).clear_metadata().metadata("format", "pt");
    module.save_into(&mut store).map_err(|e| e.to_string())?;
    store.get_bytes().map_err(|e| e.to_string())
}

/// Puts the file's values into `module`; every parameter must be there, in the right shape.
pub(crate) fn from_bytes<M: Module>(module: &mut M, bytes: Vec<u8>) -> Result<(), String> {
    let mut store = SafetensorsStore::from_bytes(Some(bytes)).validate(false).allow_partial(true);
    let result = module.load_from(&mut store).map_err(|e| e.to_string())?;
    let wrong = result.errors.first().map(|error| match error {
        ApplyError::ShapeMismatch { path, expected, found } => {
            format!("`{path}` is {:?} there and {:?} here", found.as_slice(), expected.as_slice())
        }
        other => other.to_string(),
    });
    let missing = || result.missing.first().map(|(path, _)| format!("`{path}` is missing there"));
    let unused = || result.unused.first().map(|path| format!("`{path}` is not known here"));
    wrong.or_else(missing).or_else(unused).map_or(Ok(()), Err)
}

/// A list of matrices as a module, so that hidden states travel in the same format as weights.
#[derive(Module, Debug)]
pub(crate) struct Matrices {
    pub(crate) tensors: Vec<Param<Tensor<2>>>,
}

impl Matrices {
    pub(crate) fn new(tensors: Vec<Tensor<2>>) -> Self {
        Self { tensors: tensors.into_iter().map(Param::from_tensor).collect() }
    }

    /// The values alone: a parameter's asks for its gradient, and `detach` would keep that.
    pub(crate) fn into_tensors(self) -> Vec<Tensor<2>> {
        let value = |param: Param<Tensor<2>>| param.into_value().detach().set_require_grad(false);
        self.tensors.into_iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::LinearConfig;

    #[test]
    fn ids_follow_from_paths_and_bytes_from_values() {
        let device = Device::flex();
        let [a, b] = [0; 2].map(|_| name_by_path(LinearConfig::new(3, 4).init(&device)));
        assert_eq!(a.weight.id, b.weight.id);
        assert_ne!(a.weight.id, a.bias.as_ref().unwrap().id);

        let bytes = to_bytes(&a).unwrap();
        let mut c = LinearConfig::new(3, 4).init(&device);
        from_bytes(&mut c, bytes.clone()).unwrap();
        assert_eq!(to_bytes(&c).unwrap(), bytes);
        let mut wrong = LinearConfig::new(4, 4).init(&device);
        assert!(from_bytes(&mut wrong, bytes.clone()).is_err());
        assert!(from_bytes(&mut c, bytes[..40].to_vec()).is_err());
    }

    #[test]
    fn the_mean_of_models_is_that_of_each_weight_rounded_once() {
        let device = Device::flex();
        let values = |linear: &burn::nn::Linear| -> Vec<f32> {
            linear.weight.val().into_data().try_into_vec().unwrap()
        };
        let models = [0; 3].map(|_| LinearConfig::new(3, 4).init(&device));
        let each = models.each_ref().map(values);
        let mean = values(&mean(models.to_vec()));
        for (index, mean) in mean.iter().enumerate() {
            let sum: f64 = each.iter().map(|values| f64::from(values[index])).sum();
            assert_eq!(*mean, (sum / 3.0) as f32);
        }
        // Of one weight three times, that weight: a running mean in single precision may differ.
        let same = super::mean(vec![models[0].clone(); 3]);
        assert_eq!(values(&same), each[0]);
        assert_eq!(
            same.bias.unwrap().val().into_data(),
            models[0].bias.clone().unwrap().val().into_data()
        );
    }

    #[test]
    fn a_weight_that_is_no_number_is_found_by_its_path() {
        let device = Device::flex();
        let mut linear = LinearConfig::new(3, 4).init(&device);
        assert_eq!(first_non_finite(&linear), None);
        let bias = Tensor::from_floats([0.0, f32::NEG_INFINITY, 0.0, f32::NAN], &device);
        linear.bias = Some(Param::from_tensor(bias));
        assert_eq!(first_non_finite(&linear), Some(("bias".into(), f64::NEG_INFINITY)));
    }
}
