//! A scene to pixels: flat shapes with smooth edges on a dark ground, and some noise. Only additions,
//! multiplications and comparisons, so that every machine draws the same bytes.

use rand::{Rng, RngExt};

use super::scene::{Object, Scene, Shape};

/// Places looked at in each pixel, along each side of it.
const SAMPLES: usize = 4;
/// How wide the bars of a cross are, of its own width.
const BAR: f32 = 0.3;
/// The lightest ground.
const GROUND: f32 = 0.15;
/// How far an object's colour may be from its palette's, in each channel.
const TINT: f32 = 0.05;

/// `[3, side, side]`, row by row, from 0 to 1.
pub(super) fn pixels(scene: &Scene, side: usize, noise: f32, rng: &mut impl Rng) -> Vec<f32> {
    let ground: f32 = rng.random_range(0.0..GROUND);
    let mut pixels = vec![ground; 3 * side * side];
    for object in &scene.objects {
        let color = object.color.rgb().map(|channel| channel + rng.random_range(-TINT..TINT));
        draw(object, color, side, &mut pixels);
    }
    for pixel in &mut pixels {
        let disturbance = noise * rng.random_range(-1.0..1.0_f32);
        *pixel = (*pixel + disturbance).clamp(0.0, 1.0);
    }
    pixels
}

/// Lays an object over what is there, by how much of each pixel it covers.
fn draw(object: &Object, color: [f32; 3], side: usize, pixels: &mut [f32]) {
    let scale = side as f32;
    let range = |middle: f32| {
        let from = ((middle - object.radius) * scale).max(0.0) as usize;
        let to = ((middle + object.radius) * scale) as usize + 1;
        from..to.min(side)
    };
    for row in range(object.y) {
        for column in range(object.x) {
            let mut covered = 0;
            for sample in 0..SAMPLES * SAMPLES {
                let at = |pixel: usize, sample: usize| {
                    (pixel as f32 + (sample as f32 + 0.5) / SAMPLES as f32) / scale
                };
                let x = at(column, sample % SAMPLES);
                let y = at(row, sample / SAMPLES);
                covered += usize::from(covers(object, x, y));
            }
            let share = covered as f32 / (SAMPLES * SAMPLES) as f32;
            for (channel, value) in color.into_iter().enumerate() {
                let pixel = &mut pixels[(channel * side + row) * side + column];
                *pixel += share * (value - *pixel);
            }
        }
    }
}

/// Whether a place in the picture belongs to the object.
fn covers(object: &Object, x: f32, y: f32) -> bool {
    // In radii from the middle: -1 to 1 within the square around it.
    let (x, y) = ((x - object.x) / object.radius, (y - object.y) / object.radius);
    let inside = x.abs() <= 1.0 && y.abs() <= 1.0;
    match object.shape {
        Shape::Circle => x * x + y * y <= 1.0,
        Shape::Square => inside,
        // From a point at the top to the whole width at the bottom.
        Shape::Triangle => inside && 2.0 * x.abs() <= 1.0 + y,
        Shape::Cross => inside && (x.abs() <= BAR || y.abs() <= BAR),
    }
}
