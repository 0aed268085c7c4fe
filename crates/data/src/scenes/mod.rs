//! Pictures of coloured shapes with captions that are true of them: captioning without data files.
//!
//! - [`scene`]: what a picture shows, and how the shapes are placed
//! - [`caption`]: the grammar of the captions and its words
//! - [`drawing`]: a scene to pixels
//! - [`png`]: pictures as files
//!
//! ```
//! use lampwick_data::scenes::{Pictures, SceneConfig};
//! let pictures = Pictures::new(SceneConfig { side: 32, ..SceneConfig::default() })?;
//! let picture = pictures.picture(7);
//! assert_eq!(picture.pixels.len(), 3 * 32 * 32);
//! println!("{}", picture.caption); // a small red circle left of a large blue square
//! assert_eq!(pictures.picture(7), picture);
//! # Ok::<(), lampwick_data::DataError>(())
//! ```

pub mod caption;
pub mod drawing;
pub mod png;
pub mod scene;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use caption::vocabulary;
pub use png::read_png;
pub use scene::{Color, Object, Relation, Scene, Shape, Size};

use crate::error::{DataError, Result};

/// What pictures there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneConfig {
    /// Another seed, other pictures.
    pub seed: u64,
    /// Height and width in pixels.
    pub side: usize,
    /// The most shapes in a picture, 1 to 3; each number is equally likely.
    pub objects: usize,
    /// The largest disturbance of a pixel's channel, up or down, of a range of 0 to 1.
    pub noise: f32,
}

impl Default for SceneConfig {
    fn default() -> Self {
        Self { seed: 0, side: 48, objects: 2, noise: 0.02 }
    }
}

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What is shown.
    pub scene: Scene,
    /// Red, green and blue from 0 to 1: `[3, side, side]`, row by row.
    pub pixels: Vec<f32>,
    /// The caption, as [`Scene::caption`] gives it.
    pub caption: String,
}

/// All pictures of a config, each made from its number alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pictures {
    config: SceneConfig,
}

impl Pictures {
    /// The smallest side on which every shape can be told.
    pub const SMALLEST_SIDE: usize = 24;

    /// Checks the config.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a side, a number of shapes or a noise outside its range.
    pub fn new(config: SceneConfig) -> Result<Self> {
        let SceneConfig { side, objects, noise, .. } = config;
        let wrong = |key, value: String, mend| Err(DataError::Setting { key, value, mend });
        if !(Self::SMALLEST_SIDE..=1024).contains(&side) {
            return wrong("side", side.to_string(), "must be 24 to 1024 pixels");
        }
        if !(1..=3).contains(&objects) {
            return wrong("objects", objects.to_string(), "must be 1, 2 or 3");
        }
        if !(0.0..=0.25).contains(&noise) {
            return wrong("noise", noise.to_string(), "must be 0 to 0.25");
        }
        Ok(Self { config })
    }

    /// What they were made with.
    pub fn config(&self) -> &SceneConfig {
        &self.config
    }

    /// Picture `number`: the same for the same config, whatever was made before. Two ranges of numbers
    /// are two sets of pictures; so few scenes look alike that one may be for training, one for a test.
    pub fn picture(&self, number: u64) -> Picture {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        rng.set_stream(number);
        let scene = Scene::draw(&mut rng, self.config.objects);
        let pixels = drawing::pixels(&scene, self.config.side, self.config.noise, &mut rng);
        let caption = scene.caption();
        Picture { scene, pixels, caption }
    }
}

#[cfg(test)]
mod tests;
