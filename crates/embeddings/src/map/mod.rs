//! Words on a plane, as a page that a browser shows: their two principal components, t-SNE's map that begins
//! there ([`tsne`]), or what else one has measured.

mod neighbourhoods;

use std::io::Write;

use crate::error::{EmbeddingError, Result};
use crate::neighbours::unit;
use crate::principal::{components, dot};
use crate::vectors::Vectors;

pub use neighbourhoods::tsne;

/// Words and where they lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The words, and their places.
    pub words: Vec<(Vec<u8>, [f64; 2])>,
    /// Words that were asked for and have no vector.
    pub missing: Vec<Vec<u8>>,
    /// What the axes are.
    pub about: String,
}

/// The vectors of words, each of length 1.
struct Points {
    words: Vec<Vec<u8>>,
    missing: Vec<Vec<u8>>,
    /// `[words, dim]`
    rows: Vec<f64>,
    dim: usize,
}

impl Points {
    fn gather(vectors: &Vectors, words: &[Vec<u8>], least: usize) -> Result<Self> {
        let (mut held, mut missing, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for word in words {
            match vectors.try_vector(word)?.and_then(|vector| unit(&vector)) {
                Some(vector) => {
                    rows.extend(vector.iter().map(|&x| f64::from(x)));
                    held.push(word.clone());
                }
                None => missing.push(word.clone()),
            }
        }
        if held.len() < least {
            let (n, all) = (held.len(), words.len());
            let problem =
                format!("{n} of {all} words have vectors; this map needs at least {least}");
            return Err(EmbeddingError::Setting(problem));
        }
        Ok(Self { words: held, missing, rows, dim: vectors.dim() })
    }

    /// Places by the first two principal components about the mean, and the share of each in the variance.
    fn principal(&self) -> Result<(Vec<[f64; 2]>, [f64; 2])> {
        let mut mean = vec![0.0; self.dim];
        for row in self.rows.chunks_exact(self.dim) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / self.words.len() as f64);
        }
        let mut rows = self.rows.clone();
        for row in rows.chunks_exact_mut(self.dim) {
            row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
        }
        let axes = components(&rows, self.dim, 2);
        // Of equal vectors the mean differs by a rounding.
        if axes.is_empty() || rows.iter().all(|x| x.abs() < 1e-12) {
            return Err(EmbeddingError::Setting(
                "all words have the same vector; a map shows nothing".into(),
            ));
        }
        let along =
            |row: &[f64], axis: usize| axes.get(axis).map_or(0.0, |axis| dot(&axis.direction, row));
        let places = rows.chunks_exact(self.dim).map(|row| [along(row, 0), along(row, 1)]);
        Ok((places.collect(), [0, 1].map(|axis| axes.get(axis).map_or(0.0, |axis| axis.share))))
    }

    fn at(self, places: Vec<[f64; 2]>, about: String) -> Map {
        Map { words: self.words.into_iter().zip(places).collect(), missing: self.missing, about }
    }
}

/// Projects vectors of length 1 about their mean on their first two principal components.
///
/// # Errors
/// [`EmbeddingError::Setting`] when fewer than three words have vectors, or all vectors are equal.
pub fn principal(vectors: &Vectors, words: &[Vec<u8>]) -> Result<Map> {
    let points = Points::gather(vectors, words, 3)?;
    let (places, shares) = points.principal()?;
    let [x, y] = shares.map(|share| 100.0 * share);
    Ok(points.at(places, format!("the axes hold {x:.1} % and {y:.1} % of their variance")))
}

impl Map {
    /// Writes a page that needs nothing else: words as points, their names by hovering, by search, and as
    /// far as there is room; the wheel zooms.
    ///
    /// # Errors
    /// [`EmbeddingError::Write`] when the writer refuses.
    pub fn write(&self, title: &str, out: &mut dyn Write) -> Result<()> {
        let words: Vec<_> =
            self.words.iter().map(|(word, [x, y])| (String::from_utf8_lossy(word), x, y)).collect();
        let [title, about] = [title, &self.about].map(|it| serde_json::Value::from(it).to_string());
        // `</script>` within a word would end the script.
        let inert = |json: String| json.replace('<', "\\u003c");
        let words =
            serde_json::to_string(&words).map_err(|error| EmbeddingError::write(error.into()))?;
        let page = include_str!("map.html")
            .replacen("/*TITLE*/", &inert(title), 1)
            .replacen("/*ABOUT*/", &inert(about), 1)
            .replacen("/*WORDS*/", &inert(words), 1);
        out.write_all(page.as_bytes()).map_err(EmbeddingError::write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicon;

    /// Unit vectors that differ in one direction much, in another little, in a third not at all.
    #[test]
    fn the_axes_are_where_words_differ() {
        let words = [&b"a"[..], b"b", b"c", b"</script>"];
        let matrix = vec![0.8, 0., 0.6, -0.8, 0., 0.6, 0., 0.28, 0.96, 0., -0.28, 0.96];
        let vectors = Vectors::new(words.into_iter().collect::<Lexicon>(), matrix, 3).unwrap();
        let asked: Vec<Vec<u8>> =
            words.iter().chain([&&b"oil"[..]]).map(|word| word.to_vec()).collect();
        let map = principal(&vectors, &asked).unwrap();
        assert_eq!(map.missing, [b"oil"]);
        let place = |i: usize| map.words[i].1;
        assert!(
            (place(0)[0] - place(1)[0]).abs() > 1.59 && (place(2)[0] - place(3)[0]).abs() < 1e-6
        );
        // Squares about the mean (0, 0, 0.78): 1.28, 0.1568 and 0.1296.
        assert_eq!(map.about, "the axes hold 81.7 % and 10.0 % of their variance");
        let mut page = Vec::new();
        map.write("lamps", &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert_eq!(page.matches("</script>").count(), 1, "a word cannot end the script");
        assert!(page.contains("\"lamps\"") && page.contains("[\"b\","));
        assert!(
            principal(&vectors, &asked[3..]).unwrap_err().to_string().contains("needs at least 3")
        );
    }
}
