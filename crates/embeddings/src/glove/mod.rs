//! GloVe: vectors whose products are the logarithms of co-occurrence counts (Pennington et al. 2014).
//!
//! - [`settings`]: what a training is asked for
//! - [`counting`]: which words stand near which, within a budget of memory
//! - [`runs`]: sorted counts in memory or in temporary files, merged
//! - [`shards`]: counts of a part of a text as a file, to be merged with others
//! - [`records`]: counts in random order, as the training reads them
//! - `step`: what a count does to the rows, the equations
//! - [`mod@train`]: from counts to vectors
//! - `checkpoint`: a training as a file, and what goes on from it
//! - `checked`: files with a hash at their end

pub(crate) mod checked;
pub(crate) mod checkpoint;
pub mod counting;
pub mod records;
pub mod runs;
pub mod settings;
pub mod shards;
pub(crate) mod step;
pub mod train;

pub use checkpoint::is_checkpoint;
pub(crate) use checkpoint::is_checkpoint_start;
pub use counting::count;
pub use records::Entries;
pub use runs::Counts;
pub use settings::GloveSettings;
pub use train::{Model, train};
