//! Text to model.
//!
//! - [`settings`]: all that can be asked for
//! - `adjusted`: adjusted counts, and counts of counts
//! - `lmplz`: the one count that `lmplz` takes otherwise
//! - [`discounts`]: discounts from counts of counts
//! - `rule`: counts to probability mass, for each kind of smoothing
//! - `probabilities`: interpolation over the orders
//! - [`train`]: the way from text to model

pub(crate) mod adjusted;
pub mod discounts;
pub(crate) mod lmplz;
pub(crate) mod probabilities;
pub(crate) mod rule;
pub mod settings;
pub mod train;
