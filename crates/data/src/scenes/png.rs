//! Pictures as PNG files.

use std::io::{BufReader, Write};
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, Encoder, EncodingError, Limits, Transformations};

use super::Picture;
use crate::atomic;
use crate::error::{DataError, Result};

/// The most memory that a file may make its reader take, in bytes.
const MEMORY: usize = 64 << 20;

/// Reads a PNG file of `height` x `width` pixels, of any depth and colour type: red, green and blue
/// from 0 to 1, `[3, height, width]`. What is transparent shows its colour.
///
/// Another size is refused, not scaled: a model sees what its training saw only when both went the same
/// way.
///
/// # Errors
/// [`DataError::Missing`], [`DataError::Directory`]; [`DataError::Picture`] for a file that is broken,
/// cut short or of another size.
pub fn read_png(path: impl AsRef<Path>, height: usize, width: usize) -> Result<Vec<f32>> {
    let path = path.as_ref();
    let wrong = |problem: String| DataError::Picture { path: path.into(), problem };
    let file = BufReader::new(crate::text::open(path)?);
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes: MEMORY });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| wrong(error.to_string()))?;
    let (found_height, found_width) = (reader.info().height, reader.info().width);
    if (found_height as usize, found_width as usize) != (height, width) {
        return Err(wrong(format!(
            "{found_width} x {found_height} pixels where {width} x {height} are expected"
        )));
    }
    let mut bytes = vec![0; reader.output_buffer_size().unwrap_or(MEMORY).min(MEMORY)];
    let frame = reader.next_frame(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    let channels = frame.color_type.samples();
    let is_grey = channels < 3;
    let at =
        |channel: usize, pixel: usize| bytes[pixel * channels + if is_grey { 0 } else { channel }];
    let planes = (0..3).flat_map(|channel| (0..height * width).map(move |pixel| (channel, pixel)));
    Ok(planes.map(|(channel, pixel)| f32::from(at(channel, pixel)) / 255.0).collect())
}

impl Picture {
    /// Writes the picture as a PNG file of 8 bits a channel, all at once.
    ///
    /// # Errors
    /// [`DataError::Write`].
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<()> {
        let plane = self.pixels.len() / 3;
        let side = plane.isqrt() as u32;
        let byte = |value: f32| (value * 255.0).round() as u8;
        let bytes: Vec<u8> = (0..plane)
            .flat_map(|pixel| (0..3).map(move |channel| channel * plane + pixel))
            .map(|at| byte(self.pixels[at]))
            .collect();
        atomic::write(path.as_ref(), |file| {
            encode(file, side, &bytes).map_err(std::io::Error::from)
        })
    }
}

fn encode(file: impl Write, side: u32, rgb: &[u8]) -> Result<(), EncodingError> {
    let mut encoder = Encoder::new(file, side, side);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header()?.write_image_data(rgb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenes::{Pictures, SceneConfig};

    #[test]
    fn a_written_picture_is_read_again_and_a_damaged_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seven.png");
        let config = SceneConfig { side: 24, ..SceneConfig::default() };
        let picture = Pictures::new(config).unwrap().picture(7);
        picture.write_png(&path).unwrap();
        let read = read_png(&path, 24, 24).unwrap();
        assert_eq!(read.len(), picture.pixels.len());
        for (read, drawn) in read.iter().zip(&picture.pixels) {
            assert!((read - drawn).abs() <= 0.5 / 255.0 + 1e-6, "{read} {drawn}");
        }
        let says = |words: &str| {
            let error = read_png(&path, 24, 24).unwrap_err().to_string();
            assert!(error.contains("seven.png") && error.contains(words), "{error}");
        };
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        says("no picture that can be read");
        std::fs::write(&path, b"P6 24 24 255").unwrap();
        says("no picture that can be read");
        let other = SceneConfig { side: 32, ..config };
        Pictures::new(other).unwrap().picture(7).write_png(&path).unwrap();
        says("32 x 32 pixels where 24 x 24");
        assert!(matches!(
            read_png(folder.path().join("no.png"), 1, 1),
            Err(DataError::Missing { .. })
        ));
    }

    #[test]
    fn grey_and_transparent_pictures_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (color, pixel, expected) in [
            (ColorType::Grayscale, &[51][..], [0.2, 0.2, 0.2]),
            (ColorType::GrayscaleAlpha, &[51, 255], [0.2, 0.2, 0.2]),
            (ColorType::Rgba, &[255, 51, 0, 255], [1.0, 0.2, 0.0]),
        ] {
            let path = folder.path().join("one.png");
            let mut encoder = Encoder::new(std::fs::File::create(&path).unwrap(), 1, 1);
            encoder.set_color(color);
            encoder.write_header().unwrap().write_image_data(pixel).unwrap();
            assert_eq!(read_png(&path, 1, 1).unwrap(), expected);
        }
    }
}
